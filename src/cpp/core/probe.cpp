#include "probe.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>

#include "dispatch.h"
#include "fpenv.h"
#include "threads.h"

namespace fastnn {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// The best rate of several rounds: interruptions only ever lower one. body(part, repeats) returns the work it did.
template <class F>
double best_rate(int parts, F body) {
    constexpr double kRound = 1.5e-3;
    constexpr int kRounds = 6;
    struct alignas(128) Work {
        double done;
    };
    const std::unique_ptr<Work[]> work(new Work[static_cast<std::size_t>(parts)]);
    double best = 0;
    std::ptrdiff_t repeats = 1;
    for (int round = 0; round < kRounds;) {
        const double start = now();
        parallel(parts, [&](int part) { work[static_cast<std::size_t>(part)].done = body(part, repeats); });
        const double seconds = now() - start;
        if (seconds < kRound) {
            repeats = seconds < kRound / 16 ? repeats * 16 : repeats * 2;
            continue;
        }
        double total = 0;
        for (int part = 0; part < parts; ++part) total += work[static_cast<std::size_t>(part)].done;
        best = std::max(best, total / seconds);
        ++round;
    }
    return best;
}

struct Release {
    void operator()(float* p) const { ::operator delete(p, std::align_val_t(4096)); }
};

// Floats for every part, a multiple of 256 each, some lines further apart than that so that parts do not alias.
class Buffers {
   public:
    Buffers(std::ptrdiff_t bytes, int parts, int each)
        : count_(std::max<std::ptrdiff_t>(bytes / 4 / parts / each / 256, 1) * 256),
          stride_(count_ + 1024 + 160),
          each_(each),
          data_(static_cast<float*>(
              ::operator new(static_cast<std::size_t>(stride_* parts* each) * sizeof(float), std::align_val_t(4096)))) {
        std::fill_n(data_.get(), stride_ * parts * each, 1.0F);
    }
    std::ptrdiff_t count() const { return count_; }
    float* at(int part, int which) const { return data_.get() + (part * each_ + which) * stride_; }

   private:
    std::ptrdiff_t count_, stride_;
    int each_;
    std::unique_ptr<float, Release> data_;
};

}  // namespace

template <class T>
double probe_fma() {
    const FpEnvironment environment;
    return settled(best_rate(thread_count(),
                             [](int, std::ptrdiff_t repeats) { return kernels_of<T>().probe->fma(repeats * 64); }));
}

template <class T>
double probe_exp() {
    const FpEnvironment environment;
    return settled(best_rate(thread_count(),
                             [](int, std::ptrdiff_t repeats) { return kernels_of<T>().probe->exp(repeats * 256); }));
}

double probe_read(std::ptrdiff_t bytes) {
    const FpEnvironment environment;
    const int parts = thread_count();
    const Buffers buffers(bytes, parts, 1);
    return settled(best_rate(parts, [&](int part, std::ptrdiff_t repeats) {
        volatile float seen = 0;
        for (std::ptrdiff_t i = 0; i < repeats; ++i) {
            seen = kernels_of<float>().probe->read(buffers.at(part, 0), buffers.count());
        }
        static_cast<void>(seen);
        return 4.0 * static_cast<double>(buffers.count()) * static_cast<double>(repeats);
    }));
}

double probe_copy(std::ptrdiff_t bytes, bool stream) {
    const FpEnvironment environment;
    const int parts = thread_count();
    const Buffers buffers(bytes, parts, 2);
    return settled(best_rate(parts, [&](int part, std::ptrdiff_t repeats) {
        for (std::ptrdiff_t i = 0; i < repeats; ++i) {
            kernels_of<float>().probe->copy(buffers.at(part, 0), buffers.at(part, 1), buffers.count(), stream);
        }
        return 8.0 * static_cast<double>(buffers.count()) * static_cast<double>(repeats);
    }));
}

template double probe_fma<float>();
template double probe_fma<double>();
template double probe_exp<float>();
template double probe_exp<double>();

}  // namespace fastnn
