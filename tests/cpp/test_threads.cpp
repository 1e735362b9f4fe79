// The thread pool: every part exactly once, whoever calls, whatever else the process does. Run it under
// ThreadSanitizer too, which sees the races that these counts do not.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <thread>
#include <vector>

#include "core/fpenv.h"
#include "core/threads.h"

#if !defined(_WIN32)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using fastnn::parallel;
using fastnn::part_of;
using fastnn::parts_for;
using fastnn::set_thread_count;
using fastnn::thread_count;

namespace {

struct ThreadCount {
    explicit ThreadCount(int n) : before(thread_count()) { set_thread_count(n); }
    ~ThreadCount() { set_thread_count(before); }
    int before;
};

// Plain integers on purpose: ThreadSanitizer then checks that run_parts orders these writes before its return.
bool every_part_once(int parts) {
    std::vector<int> runs(static_cast<std::size_t>(parts), 0);
    parallel(parts, [&](int part) { ++runs[static_cast<std::size_t>(part)]; });
    for (int count : runs) {
        if (count != 1) return false;
    }
    return true;
}

void busy_for(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

// Runs one region in which two threads really work side by side, and returns what f(part) gave on the worker.
template <class F>
auto on_a_worker(F f) {
    decltype(f()) result{};
    std::atomic<bool> found{false};
    const std::thread::id caller = std::this_thread::get_id();
    for (int attempt = 0; attempt < 1000 && !found; ++attempt) {
        parallel(2, [&](int part) {
            if (part == 0) busy_for(std::chrono::microseconds(2000));
            if (part == 1 && std::this_thread::get_id() != caller) {
                result = f();
                found = true;
            }
        });
    }
    REQUIRE(found.load());
    return result;
}

// Not a constant expression, so that the sum is computed at run time in the thread's own environment.
bool keeps_denormals() {
    volatile float smallest_normal = std::numeric_limits<float>::min();
    volatile float half = 0.5f;
    volatile float product = smallest_normal * half;
    return product > 0;
}

}  // namespace

TEST_CASE("every part runs exactly once, for any number of parts and threads") {
    for (int threads : {1, 2, 3, 4, 7}) {
        ThreadCount guard(threads);
        for (int parts : {0, 1, 2, 3, 4, 5, 8, 13, 64, 1000}) {
            for (int repeat = 0; repeat < 20; ++repeat) REQUIRE(every_part_once(parts));
        }
    }
}

TEST_CASE("serial regions run in ascending order in the caller") {
    ThreadCount guard(1);
    std::vector<int> order;
    parallel(5, [&](int part) { order.push_back(part); });
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a worker that sleeps is woken, one that is late is helped out") {
    ThreadCount guard(2);
    for (int microseconds : {0, 30, 50, 60, 100, 500}) {
        for (int repeat = 0; repeat < 100; ++repeat) {
            busy_for(std::chrono::microseconds(microseconds));
            REQUIRE(every_part_once(2));
        }
    }
}

TEST_CASE("the caller waits for workers that take long") {
    ThreadCount guard(4);
    std::vector<int> done(4, 0);
    parallel(4, [&](int part) {
        if (part > 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        done[static_cast<std::size_t>(part)] = 1;
    });
    CHECK(done == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("nested regions are serial and complete") {
    ThreadCount guard(4);
    std::vector<int> runs(64, 0);
    std::atomic<int> strangers{0};
    parallel(8, [&](int outer) {
        const std::thread::id mine = std::this_thread::get_id();
        parallel(8, [&](int inner) {
            ++runs[static_cast<std::size_t>(8 * outer + inner)];
            if (std::this_thread::get_id() != mine) ++strangers;
        });
    });
    CHECK(runs == std::vector<int>(64, 1));
    CHECK(strangers == 0);
}

TEST_CASE("several callers at once") {
    ThreadCount guard(3);
    std::atomic<int> failures{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&, caller] {
            for (int repeat = 0; repeat < 500; ++repeat) {
                if (!every_part_once(1 + (repeat + caller) % 9)) ++failures;
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(failures == 0);
}

TEST_CASE("the thread count may change during use") {
    ThreadCount guard(2);
    std::atomic<bool> stop{false};
    std::thread changer([&] {
        for (int n = 1; !stop; n = n % 6 + 1) set_thread_count(n);
    });
    bool good = true;
    for (int repeat = 0; repeat < 2000; ++repeat) good = every_part_once(1 + repeat % 11) && good;
    stop = true;
    changer.join();
    CHECK(good);
}

TEST_CASE("thread counts out of range are brought into it") {
    ThreadCount guard(2);
    set_thread_count(0);
    CHECK(thread_count() == 1);
    set_thread_count(-3);
    CHECK(thread_count() == 1);
    set_thread_count(std::numeric_limits<int>::max());
    CHECK(thread_count() == 1024);
}

TEST_CASE("workers and callers compute with denormals, whatever the host has set") {
    ThreadCount guard(2);
#if defined(__SSE2__)
    const unsigned before = _mm_getcsr();
    const unsigned flushing = before | 0x8040;  // FTZ and DAZ
    _mm_setcsr(flushing);
    const bool host_flushes = !keeps_denormals();
    bool caller_keeps = false;
    parallel(1, [&](int) { caller_keeps = keeps_denormals(); });
    bool worker_keeps = false;
    std::thread fresh([&] { worker_keeps = on_a_worker(keeps_denormals); });
    fresh.join();
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK(host_flushes);
    CHECK(caller_keeps);
    CHECK(worker_keeps);
    CHECK((after & ~0x3Fu) == (flushing & ~0x3Fu));
#else
    CHECK(on_a_worker(keeps_denormals));
#endif
}

TEST_CASE("the environment rounds to nearest and is restored") {
#if defined(__SSE2__)
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x6000);  // toward zero
    {
        fastnn::FpEnvironment environment;
        CHECK((_mm_getcsr() & 0x6000) == 0);
    }
    CHECK((_mm_getcsr() & 0x6000) == 0x6000);
    _mm_setcsr(before);
#endif
}

#if !defined(_WIN32)

TEST_CASE("workers take no signals") {
    ThreadCount guard(2);
    const bool blocked = on_a_worker([] {
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        return sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
    });
    CHECK(blocked);
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, nullptr, &mine);
    CHECK(sigismember(&mine, SIGINT) == 0);
}

// ThreadSanitizer's runtime cannot follow threads that are started in the child of a fork.
#if defined(__SANITIZE_THREAD__)
#define FASTNN_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FASTNN_UNDER_TSAN 1
#endif
#endif

#if !defined(FASTNN_UNDER_TSAN)

TEST_CASE("the child of a fork has a pool of its own, even if the parent's was busy") {
    ThreadCount guard(3);
    // All threads have begun before the first fork, and `other` allocates nothing: a starting or allocating thread
    // holds a lock of AddressSanitizer, which stays locked in the child.
    std::atomic<int> begun{0};
    parallel(3, [&](int) {
        for (++begun; begun < 3;) std::this_thread::yield();
    });
    std::atomic<bool> stop{false};
    std::thread other([&] {
        int runs[3] = {};
        for (++begun; !stop;) parallel(3, [&](int part) { ++runs[part]; });
    });
    while (begun < 4) std::this_thread::yield();
    for (int repeat = 0; repeat < 10; ++repeat) {
        const pid_t child = fork();
        if (child == 0) {
            bool good = true;
            for (int i = 0; i < 50; ++i) good = every_part_once(1 + i % 7) && good;
            bool worker_seen = false;
            const std::thread::id caller = std::this_thread::get_id();
            for (int i = 0; i < 1000 && !worker_seen; ++i) {
                std::atomic<bool> seen{false};
                parallel(2, [&](int part) {
                    if (part == 0) busy_for(std::chrono::microseconds(2000));
                    if (std::this_thread::get_id() != caller) seen = true;
                });
                worker_seen = seen;
            }
            _exit(good && worker_seen ? 0 : 1);
        }
        REQUIRE(child > 0);
        int status = -1;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    stop = true;
    other.join();
    CHECK(every_part_once(3));
}

#endif
#endif

TEST_CASE("parts_for shares only what is worth it") {
    ThreadCount guard(8);
    CHECK(parts_for(0, 100) == 1);
    CHECK(parts_for(1e5, 100) == 1);
    CHECK(parts_for(1e12, 100) == 8);
    CHECK(parts_for(1e12, 3) == 3);
    CHECK(parts_for(1e12, 0) == 1);
    CHECK(parts_for(std::numeric_limits<double>::quiet_NaN(), 100) == 1);
    int before = 1;
    for (double work = 4e6; work < 1e9; work *= 1.1) {
        const int parts = parts_for(work, 1000);
        CHECK(parts >= before);
        before = parts;
    }
    parallel(2, [](int) { CHECK(parts_for(1e12, 100) == 1); });
    set_thread_count(1);
    CHECK(parts_for(1e12, 100) == 1);
}

TEST_CASE("parts_for wakes nobody for a little work once, but does in a loop") {
    ThreadCount guard(2);
    bool both = false;
    for (int attempt = 0; attempt < 1000 && !both; ++attempt) {  // another process may take the core in between
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        const int first = parts_for(1e6, 100);
        const int second = parts_for(1e6, 100);
        CHECK(first == 1);
        both = second == 2;
    }
    CHECK(both);
}

TEST_CASE("part_of covers the range in order, evenly and in whole multiples") {
    for (std::ptrdiff_t n : {0, 1, 5, 16, 17, 100, 1023}) {
        for (std::ptrdiff_t multiple : {1, 6, 16}) {
            for (int parts : {1, 2, 3, 8}) {
                std::ptrdiff_t end = 0;
                std::ptrdiff_t shortest = n;
                std::ptrdiff_t longest = 0;
                for (int part = 0; part < parts; ++part) {
                    const fastnn::Range range = part_of(n, parts, part, multiple);
                    CHECK(range.begin == end);
                    CHECK(range.end >= range.begin);
                    CHECK((range.end % multiple == 0 || range.end == n));
                    end = range.end;
                    shortest = std::min(shortest, range.end - range.begin);
                    longest = std::max(longest, range.end - range.begin);
                }
                CHECK(end == n);
                CHECK(longest - shortest <= 2 * multiple - 1);
            }
        }
    }
}

extern "C" void fastnn_set_num_threads(int n);
extern "C" int fastnn_get_num_threads(void);

TEST_CASE("the C functions for threadpoolctl") {
    ThreadCount guard(2);
    fastnn_set_num_threads(3);
    CHECK(fastnn_get_num_threads() == 3);
    CHECK(thread_count() == 3);
}
