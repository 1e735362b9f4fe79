// Teams: members that run at the same time and wait for one another. Run it under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/threads.h"

using fastnn::Barrier;
using fastnn::set_thread_count;
using fastnn::team;
using fastnn::thread_count;

namespace {

struct ThreadCount {
    explicit ThreadCount(int n) : before(thread_count()) { set_thread_count(n); }
    ~ThreadCount() { set_thread_count(before); }
    int before;
};

// In each of many phases every member adds what all wrote in the phase before. Plain integers on purpose:
// ThreadSanitizer then checks that the barrier orders them.
long phases(int wanted, int count, int* used) {
    std::vector<long> numbers(64, 1), sums(64, 0);
    Barrier barrier;
    team(wanted, [&](int member, int members) {
        if (member == 0) *used = members;
        for (int phase = 0; phase < count; ++phase) {
            long sum = 0;
            for (int i = 0; i < members; ++i) sum += numbers[static_cast<std::size_t>(i)];
            sums[static_cast<std::size_t>(member)] += sum;
            barrier.wait(members);
            numbers[static_cast<std::size_t>(member)] = phase + 2;
            barrier.wait(members);
        }
    });
    for (int i = 1; i < *used; ++i) CHECK(sums[static_cast<std::size_t>(i)] == sums[0]);
    return sums[0] / *used;
}

}  // namespace

TEST_CASE("the members of a team meet at every barrier") {
    for (const int threads : {1, 2, 3, 5}) {
        const ThreadCount count(threads);
        CAPTURE(threads);
        int used = 0;
        CHECK(phases(threads, 200, &used) == 200L * 201 / 2);
        CHECK(used == threads);
        CHECK(phases(1, 3, &used) == 6);
        CHECK(used == 1);
    }
}

TEST_CASE("a team inside a region, and one while another caller has the pool, is the caller alone") {
    const ThreadCount count(3);
    team(3, [](int, int) {
        int inner = 0;
        team(3, [&](int member, int members) { inner = members + member; });
        CHECK(inner == 1);
    });
    std::atomic<bool> holds{false}, done{false};
    std::thread other([&] {
        team(3, [&](int member, int) {
            if (member == 0) {
                holds = true;
                while (!done) std::this_thread::yield();
            }
        });
    });
    while (!holds) std::this_thread::yield();
    int used = 0;
    CHECK(phases(3, 10, &used) == 55);
    CHECK(used == 1);
    done = true;
    other.join();
}

TEST_CASE("several threads ask for teams at once") {
    const ThreadCount count(3);
    std::vector<std::thread> callers;
    std::atomic<int> right{0};
    for (int i = 0; i < 4; ++i) {
        callers.emplace_back([&] {
            for (int turn = 0; turn < 50; ++turn) {
                int used = 0;
                if (phases(3, 5, &used) == 15) ++right;
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(right == 200);
}
