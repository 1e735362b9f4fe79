#include "threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <thread>

#include "available_cores.h"
#include "fastnn/fastnn.h"
#include "fpenv.h"

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fastnn {
namespace {

constexpr int kMostThreads = 1024;

// How long a thread that waits looks before it sleeps. About as long as it takes to wake it (65 us on a virtual machine
// with Zen 3 cores, of which the waker spends 4), so that at worst twice the shortest possible wait is spent. Much
// longer would take a core from others, as libgomp's milliseconds do.
constexpr std::chrono::nanoseconds kSpin{100000};

// In units of 10 ps. A region whose workers are awake costs 0.15 us, and up to 1 us where caches and branches have to
// warm up first: a part should take longer than that. Waking one that sleeps takes 4 us of the caller's time, for
// workers that come too late to help with a short region: at most a tenth should be spent so.
constexpr double kLeastPart = kLeastSharedWork / 2;
constexpr double kWorthWaking = 4e6;

enum State : int {
    kIdle,     // worker: looks for work
    kAsleep,   // worker: waits on `posted`
    kPosted,   // caller has written a job
    kRunning,  // worker runs it
    kAwaited,  // worker runs it and the caller waits on `finished`
};

struct Job {
    void (*task)(void*, int);
    void* context;
    int first, parts, stride;

    void run() const {
        for (int part = first; part < parts; part += stride) task(context, part);
    }
};

// A mailbox for one job. State and job share a cache line, which is all that travels when both sides spin; two lines
// because processors fetch them in pairs.
struct alignas(128) Worker {
    std::atomic<int> state{kIdle};
    Job job{};
    alignas(128) std::mutex mutex;
    std::condition_variable posted, finished;
    // The rest belongs to whoever holds the pool.
    std::thread::native_handle_type thread{};
    unsigned late = 0;  // regions in a row that were over before it began
#if defined(__linux__)
    int avoided = -1;  // the core it is kept from, and the cores it may use with and without that one
    cpu_set_t allowed{}, rest{};
#endif
};

// Never destroyed. Workers that sleep or compute while the process exits must find their mailboxes in place, and
// joining them there would hang after a fork or under a running daemon thread. The system ends them with the process.
struct Pool {
    std::atomic<bool> busy{false};
    bool can_grow = true;  // this and the rest belong to whoever holds busy
    int size = 0;
    Worker* workers[kMostThreads - 1];
};

std::atomic<Pool*> current_pool{nullptr};
std::atomic<int> wanted_threads{0};                // 0: not asked yet
std::atomic<std::int64_t> last_shareable_work{0};  // the clock's nanoseconds when parts_for was last asked about some
thread_local bool in_region = false;
thread_local int thread_limit = kMostThreads;

#if !defined(_WIN32)

// The child of a fork has none of the workers, and perhaps their locked mutexes: it starts a new pool and leaks this.
void forget_pool() { current_pool.store(nullptr, std::memory_order_relaxed); }

[[maybe_unused]] const int fork_handler_error = pthread_atfork(nullptr, nullptr, forget_pool);

// A worker inherits the mask of its creator; with all signals blocked they reach the host's own threads (Ctrl-C).
class SignalsBlocked {
   public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &saved_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

   private:
    sigset_t saved_;
};

#else

struct SignalsBlocked {
    SignalsBlocked() {}
};

#endif

inline void relax() {
#if defined(__SSE2__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("isb");  // yield is a no-op on most cores
#else
    std::this_thread::yield();
#endif
}

// Looks at the state until it is no longer `state`, for a bounded time; true if it changed. It yields all the while,
// because the other side may need this very core: with one of two cores taken by another process, regions of 7 us took
// 20 us without it, as the scheduler put the woken worker on its waker's core and left it there (Zen 3, Linux 6).
bool spin_while(const std::atomic<int>& word, int state) {
    if (word.load(std::memory_order_acquire) != state) return true;
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
        for (int i = 0; i < 32; ++i) {
            if (word.load(std::memory_order_acquire) != state) return true;
            relax();
        }
        std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < end);
    return false;
}

bool change(std::atomic<int>& word, int from, int to) {
    return word.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_acquire);
}

void sleep_until_posted(Worker& worker) {
    std::unique_lock<std::mutex> lock(worker.mutex);
    if (!change(worker.state, kIdle, kAsleep)) return;
    worker.posted.wait(lock, [&] { return worker.state.load(std::memory_order_acquire) != kAsleep; });
}

// The empty critical section: whoever announced in the state that it sleeps holds the mutex until it really does.
void wake(Worker& worker, std::condition_variable& condition) {
    { std::lock_guard<std::mutex> lock(worker.mutex); }
    condition.notify_one();
}

void work_forever(Worker* mailbox) {
    Worker& worker = *mailbox;
#if defined(__linux__)
    pthread_setname_np(pthread_self(), "fastnn");
#endif
    in_region = true;
    while (true) {
        if (change(worker.state, kPosted, kRunning)) {
            {
                FpEnvironment environment;
                worker.job.run();
            }
            if (worker.state.exchange(kIdle, std::memory_order_acq_rel) == kAwaited) wake(worker, worker.finished);
        }
        if (!spin_while(worker.state, kIdle)) sleep_until_posted(worker);
    }
}

// Keeps the worker from the core that the caller runs on. Left to itself the scheduler of a virtual machine wakes a
// thread on its waker's core although another idles (Linux takes a halted virtual core for a preempted one), where it
// waits until the caller's own part is done: 512^3 products by two threads took as long as by one (Zen 4, Linux 6.18).
void keep_from_here([[maybe_unused]] Worker& worker) {
#if defined(__linux__)
    const int here = sched_getcpu();
    cpu_set_t now;
    if (here == worker.avoided || here < 0 || here >= CPU_SETSIZE ||
        pthread_getaffinity_np(worker.thread, sizeof now, &now) != 0) {
        return;
    }
    // Whoever else has set the worker's cores meanwhile is obeyed.
    if (worker.avoided < 0 || !CPU_EQUAL(&now, &worker.rest)) worker.allowed = now;
    worker.rest = worker.allowed;
    CPU_CLR(here, &worker.rest);
    if (CPU_COUNT(&worker.rest) == 0) worker.rest = worker.allowed;
    if (pthread_setaffinity_np(worker.thread, sizeof worker.rest, &worker.rest) == 0) worker.avoided = here;
#endif
}

void post(Worker& worker, const Job& job) {
    worker.job = job;
    if (worker.state.exchange(kPosted, std::memory_order_acq_rel) != kAsleep) return;
    keep_from_here(worker);
    wake(worker, worker.posted);
}

// Waits for the worker's job, or does it here if the worker has not begun: it may be asleep still, or have no core.
void finish(Worker& worker) {
    if (change(worker.state, kPosted, kIdle)) {
        worker.job.run();
        // At the 2nd, 4th, 8th ... time in a row: the caller may have come to the worker's core since it woke.
        ++worker.late;
        if (worker.late > 1 && (worker.late & (worker.late - 1)) == 0) keep_from_here(worker);
        return;
    }
    worker.late = 0;
    if (spin_while(worker.state, kRunning)) return;
    std::unique_lock<std::mutex> lock(worker.mutex);
    if (!change(worker.state, kRunning, kAwaited)) return;
    worker.finished.wait(lock, [&] { return worker.state.load(std::memory_order_acquire) != kAwaited; });
}

Pool* pool() {
    Pool* found = current_pool.load(std::memory_order_acquire);
    if (found != nullptr) return found;
    Pool* fresh = new (std::nothrow) Pool;
    if (fresh == nullptr || current_pool.compare_exchange_strong(found, fresh, std::memory_order_acq_rel)) return fresh;
    delete fresh;
    return found;
}

void grow(Pool& pool, int size) {
    SignalsBlocked blocked;
    while (pool.can_grow && pool.size < size) {
        Worker* worker = new (std::nothrow) Worker;
        try {
            if (worker == nullptr) throw std::bad_alloc();
            std::thread thread(work_forever, worker);
            worker->thread = thread.native_handle();
            thread.detach();
            pool.workers[pool.size++] = worker;
        } catch (const std::exception&) {  // a limit of the system: the pool stays as large as it could become
            delete worker;
            pool.can_grow = false;
        }
    }
}

// The pool with workers for as many threads, if it is free; the caller then is in a region. Null: work alone.
Pool* take_pool(int threads) {
    Pool* const p = in_region ? nullptr : pool();
    if (p == nullptr || p->busy.exchange(true, std::memory_order_acquire)) return nullptr;
    if (p->size < threads - 1) grow(*p, threads - 1);
    in_region = true;
    return p;
}

void give_back(Pool& pool) {
    in_region = false;
    pool.busy.store(false, std::memory_order_release);
}

// A positive integer with blanks around it, up to the end or to one of `stops`; else 0.
int parse_count(const char* text, char stop) {
    while (*text == ' ' || *text == '\t') ++text;
    long value = 0;
    if (*text < '0' || *text > '9') return 0;
    for (; *text >= '0' && *text <= '9'; ++text) value = std::min<long>(kMostThreads, value * 10 + (*text - '0'));
    while (*text == ' ' || *text == '\t') ++text;
    return *text == '\0' || *text == stop ? static_cast<int>(value) : 0;
}

// The variable's text; null if it is not set or empty.
const char* setting(const char* name) {
    const char* text = std::getenv(name);
    return text != nullptr && *text != '\0' ? text : nullptr;
}

int default_thread_count() {
    int count = 0;
    if (const char* text = setting("FASTNN_NUM_THREADS")) count = parse_count(text, '\0');
    if (count > 0) return count;
    // OpenMP allows a list, a number for each level of nesting.
    if (const char* text = setting("OMP_NUM_THREADS")) count = parse_count(text, ',');
    return count > 0 ? count : std::min(available_cores(), kMostThreads);
}

}  // namespace

int thread_count() {
    const int count = wanted_threads.load(std::memory_order_relaxed);
    if (count > 0) return count;
    int unset = 0;
    const int chosen = default_thread_count();
    return wanted_threads.compare_exchange_strong(unset, chosen) ? chosen : unset;
}

void set_thread_count(int n) { wanted_threads.store(std::max(1, std::min(n, kMostThreads))); }

const char* thread_setting_error() {
    static const std::string error = [] {
        const char* text = setting("FASTNN_NUM_THREADS");
        if (text == nullptr || parse_count(text, '\0') > 0) return std::string();
        return std::string("FASTNN_NUM_THREADS must be a positive integer, got '") + text + "'";
    }();
    return error.empty() ? nullptr : error.c_str();
}

void run_parts(int parts, void (*task)(void* context, int part), void* context) {
    FpEnvironment environment;
    const int threads = std::min(parts, thread_count());
    Pool* const p = threads > 1 ? take_pool(threads) : nullptr;
    if (p == nullptr) {
        Job{task, context, 0, parts, 1}.run();
        return;
    }
    const int stride = std::min(threads, p->size + 1);
    for (int i = 1; i < stride; ++i) post(*p->workers[i - 1], Job{task, context, i, parts, stride});
    Job{task, context, 0, parts, stride}.run();
    for (int i = 1; i < stride; ++i) finish(*p->workers[i - 1]);
    give_back(*p);
}

void run_team(int wanted, void (*task)(void* context, int member, int members), void* context) {
    FpEnvironment environment;
    const int threads = std::min(wanted, thread_count());
    Pool* const p = threads > 1 ? take_pool(threads) : nullptr;
    if (p == nullptr) {
        task(context, 0, 1);
        return;
    }
    struct Team {
        void (*task)(void*, int, int);
        void* context;
        int members;
        static void run(void* team, int member) {
            const Team& t = *static_cast<Team*>(team);
            t.task(t.context, member, t.members);
        }
    } all = {task, context, std::min(threads, p->size + 1)};
    for (int i = 1; i < all.members; ++i) post(*p->workers[i - 1], Job{&Team::run, &all, i, all.members, all.members});
    Team::run(&all, 0);
    for (int i = 1; i < all.members; ++i) {
        // No member's job is done here: it may have to wait for others that are.
        while (!spin_while(p->workers[i - 1]->state, kPosted)) {
        }
        finish(*p->workers[i - 1]);
    }
    give_back(*p);
}

void Barrier::wait(int members) {
    if (members == 1) return;
    const int turn = turn_.load(std::memory_order_relaxed);
    if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
        waiting_.store(0, std::memory_order_relaxed);
        turn_.store(turn ^ 1, std::memory_order_release);
        return;
    }
    while (!spin_while(turn_, turn)) {
    }
}

int most_parts_for(double work, std::ptrdiff_t units) {
    if (in_region || !(work >= kLeastSharedWork)) return 1;
    const double most = std::min<double>(std::min(thread_count(), thread_limit), static_cast<double>(units));
    return most < 2 ? 1 : static_cast<int>(std::min(most, work / kLeastPart));
}

int parts_for(double work, std::ptrdiff_t units) {
    const int most = most_parts_for(work, units);
    if (most < 2) return 1;
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    const std::chrono::nanoseconds last{last_shareable_work.exchange(now.count(), std::memory_order_relaxed)};
    if (work < kWorthWaking && now - last > kSpin) return 1;
    return most;
}

ThreadLimit::ThreadLimit() { thread_limit = thread_count(); }
ThreadLimit::~ThreadLimit() { thread_limit = kMostThreads; }

Range part_of(std::ptrdiff_t n, int parts, int part, std::ptrdiff_t multiple) {
    const std::ptrdiff_t units = n / multiple + (n % multiple != 0);
    const std::ptrdiff_t whole = units / parts;
    const std::ptrdiff_t longer = units % parts;  // the first `longer` parts have one unit more
    const auto begin_of = [&](std::ptrdiff_t i) { return std::min(n, (i * whole + std::min(i, longer)) * multiple); };
    return {begin_of(part), begin_of(part + 1)};
}

}  // namespace fastnn

// Also found by name in the loaded extension: threadpoolctl's way in.
void fastnn_set_num_threads(std::int32_t n) noexcept { fastnn::set_thread_count(n); }
std::int32_t fastnn_get_num_threads(void) noexcept { return fastnn::thread_count(); }
