// The thread pool: a fixed split of one task's parts over the caller and sleeping workers.
//
// Which thread runs a part never matters to a result: the parts are cut beforehand, from sizes alone, and sums are
// never cut at all. So whatever is inconvenient (nested calls, two callers at once, no thread to be had) runs serially.
#ifndef FASTNN_CORE_THREADS_H
#define FASTNN_CORE_THREADS_H

#include <atomic>
#include <cstddef>

namespace fastnn {

// The most threads a call may use, the caller included. At first FASTNN_NUM_THREADS, else OMP_NUM_THREADS, else the
// available cores.
int thread_count();

// n >= 1 (larger than 1024 counts as 1024). Takes effect from the next parallel region on; safe at any time.
void set_thread_count(int n);

// Null, or a sentence that says what is wrong with FASTNN_NUM_THREADS; it is then ignored.
const char* thread_setting_error();

// Runs task(context, part) for every part in 0 .. parts-1, each exactly once, on the caller and the workers, and
// returns when all are done; what they wrote is then visible to the caller. Part p goes to the same thread at every
// call with the same number of parts, unless that thread is late: then the caller does its parts too. Serial, in
// ascending order, if parts == 1, inside another region, or while another caller has the pool. The task must not throw.
// Everywhere it runs in FpEnvironment.
void run_parts(int parts, void (*task)(void* context, int part), void* context);

// The same for a callable f(part).
template <class F>
void parallel(int parts, F&& f) {
    struct Call {
        F& f;
        static void run(void* context, int part) noexcept { static_cast<Call*>(context)->f(part); }
    };
    Call call{f};
    run_parts(parts, &Call::run, &call);
}

// Runs task(context, member, members) once for every member 0 .. members-1, all at the same time, so that they may wait
// for one another in a Barrier; returns when all are done. members is `wanted`, or fewer: 1, the caller alone, inside
// another region and while another caller has the pool. The task must not throw.
void run_team(int wanted, void (*task)(void* context, int member, int members), void* context);

// The same for a callable f(member, members).
template <class F>
void team(int wanted, F&& f) {
    struct Call {
        F& f;
        static void run(void* context, int member, int members) noexcept {
            static_cast<Call*>(context)->f(member, members);
        }
    };
    Call call{f};
    run_team(wanted, &Call::run, &call);
}

// Where the members of a team wait until all have come; what they wrote before is visible to all after. Spins.
class alignas(128) Barrier {
   public:
    void wait(int members);

   private:
    std::atomic<int> waiting_{0};
    alignas(128) std::atomic<int> turn_{0};
};

// How many parts to cut work into: 1 if it is too little to share, at most thread_count() and at most `units`, the
// number of indivisible pieces. `work` counts 10 ps of one core's time: a FLOP of a matrix product, 1/8 of a byte
// streamed from memory, 1/30 of an exponential. Little work (4 to 40 us) is shared only when such work has just been
// asked about, so that the workers are still awake: two calls may get different answers, and no result may depend on
// it.
int parts_for(double work, std::ptrdiff_t units);

// Less work than this is never shared.
constexpr double kLeastSharedWork = 4e5;

// What parts_for answers unless it answers 1: for the size of what a call needs at most.
int most_parts_for(double work, std::ptrdiff_t units);

// While it lives, both count on no more threads in the calling thread than there were when it was made: what has been
// sized for them stays enough, whoever calls set_thread_count.
class ThreadLimit {
   public:
    ThreadLimit();
    ~ThreadLimit();
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;
};

struct Range {
    std::ptrdiff_t begin, end;
};

// Part `part` of 0 .. n-1 cut into `parts` ranges in order, their lengths as equal as can be and multiples of
// `multiple` (but for the very last). Some are empty if there are fewer multiples than parts.
Range part_of(std::ptrdiff_t n, int parts, int part, std::ptrdiff_t multiple = 1);

}  // namespace fastnn

#endif
