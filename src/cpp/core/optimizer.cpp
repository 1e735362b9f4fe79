#include "optimizer.h"

#include <cmath>

#include "dispatch.h"
#include "fpenv.h"
#include "scratch.h"
#include "threads.h"

namespace fastnn {
namespace {

// 1 - beta^t for both betas of Adam; several parameters share a step.
double bias_correction(int which, double beta, std::int64_t step) {
    thread_local DecayPower powers[2];
    return 1.0 - powers[which].at(beta, step);
}

// f(begin, length) over the parts of n elements. work: 10 ps an element, see parts_for.
template <class F>
void over_parts(std::ptrdiff_t n, double work, F f) {
    constexpr std::ptrdiff_t kLine = 16;  // whole cache lines to a thread
    const int parts = parts_for(work * static_cast<double>(n), (n + kLine - 1) / kLine);
    parallel(parts, [&](int part) {
        const Range range = part_of(n, parts, part, kLine);
        f(range.begin, range.end - range.begin);
    });
}

template <class T>
T* offset(T* p, std::ptrdiff_t n) {
    return p == nullptr ? nullptr : p + n;
}

// Square roots and divisions cost twice as much in float64.
template <class T>
constexpr double kRootWork = sizeof(T) == 4 ? 30.0 : 80.0;

std::ptrdiff_t norm_chunks(std::ptrdiff_t n) { return (n + kNormChunk - 1) / kNormChunk; }

}  // namespace

template <class T>
void sgd_step(const SgdOptions& options, T* p, const T* g, T* velocity, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const SgdStep<T> step = {static_cast<T>(options.lr), static_cast<T>(options.momentum),
                             static_cast<T>(options.weight_decay), options.nesterov};
    const auto kernel = kernels_of<T>().optimizer->sgd;
    over_parts(n, 10.0, [&](std::ptrdiff_t i, std::ptrdiff_t length) {
        kernel(step, p + i, g + i, offset(velocity, i), length);
    });
}

double DecayPower::at(double beta, std::int64_t step) {
    if (beta != beta_ || step < step_) {
        beta_ = beta;
        step_ = 0;
        value_ = 1.0;
    }
    // Below 2^-60 a further factor does not change 1 - beta^t, which is 1.
    for (; step_ < step && value_ >= 0x1p-60; ++step_) value_ *= beta;
    return value_;
}

template <class T>
AdamStep<T> adam_constants(const AdamOptions& options, double correction1, double correction2) {
    AdamStep<T> step;
    step.rate = static_cast<T>(options.lr / correction1);
    step.root = static_cast<T>(1.0 / std::sqrt(correction2));
    step.one_minus_beta1 = static_cast<T>(1.0 - options.beta1);
    step.beta2 = static_cast<T>(options.beta2);
    step.one_minus_beta2 = static_cast<T>(1.0 - options.beta2);
    step.eps = static_cast<T>(options.eps);
    step.weight_decay = static_cast<T>(options.decoupled ? 0.0 : options.weight_decay);
    step.shrink = static_cast<T>(options.decoupled ? 1.0 - options.lr * options.weight_decay : 1.0);
    return step;
}

template <class T>
void adam_step(const AdamOptions& options, T* p, const T* g, T* m, T* v, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const AdamStep<T> step = adam_constants<T>(options, bias_correction(0, options.beta1, options.step),
                                               bias_correction(1, options.beta2, options.step));
    const auto kernel = kernels_of<T>().optimizer->adam;
    over_parts(n, kRootWork<T>,
               [&](std::ptrdiff_t i, std::ptrdiff_t length) { kernel(step, p + i, g + i, m + i, v + i, length); });
}

template <class T>
void rmsprop_step(const RmspropOptions& options, T* p, const T* g, T* v, T* buffer, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const RmspropStep<T> step = {static_cast<T>(options.lr),
                                 static_cast<T>(options.alpha),
                                 static_cast<T>(1.0 - options.alpha),
                                 static_cast<T>(options.eps),
                                 static_cast<T>(options.momentum),
                                 static_cast<T>(options.weight_decay),
                                 T(0)};
    const auto kernel = kernels_of<T>().optimizer->rmsprop;
    over_parts(n, kRootWork<T>, [&](std::ptrdiff_t i, std::ptrdiff_t length) {
        kernel(step, p + i, g + i, v + i, offset(buffer, i), length);
    });
}

template <class T>
void adagrad_step(const AdagradOptions& options, T* p, const T* g, T* s, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const AdagradStep<T> step = {static_cast<T>(options.lr), static_cast<T>(options.eps),
                                 static_cast<T>(options.weight_decay)};
    const auto kernel = kernels_of<T>().optimizer->adagrad;
    over_parts(n, kRootWork<T>,
               [&](std::ptrdiff_t i, std::ptrdiff_t length) { kernel(step, p + i, g + i, s + i, length); });
}

std::size_t sum_of_squares_scratch_bytes(std::ptrdiff_t n) { return scratch_bytes<double>(norm_chunks(n)); }

template <class T>
double sum_of_squares(const T* x, std::ptrdiff_t n) {
    const FpEnvironment environment;
    const std::ptrdiff_t chunks = norm_chunks(n);
    const Scratch<double> sums(chunks);
    double* chunk_sums = sums.data();
    const auto kernel = kernels_of<T>().optimizer->sum_of_squares;
    const int parts = parts_for(10.0 * static_cast<double>(n), chunks);
    parallel(parts, [&](int part) {
        const Range range = part_of(chunks, parts, part);
        for (std::ptrdiff_t c = range.begin; c < range.end; ++c) {
            const std::ptrdiff_t begin = c * kNormChunk, rest = n - begin;
            chunk_sums[c] = kernel(x + begin, rest < kNormChunk ? rest : kNormChunk);
        }
    });
    double sum = 0.0;
    for (std::ptrdiff_t c = 0; c < chunks; ++c) sum += chunk_sums[c];
    return settled(sum);
}

#define FASTNN_INSTANTIATE(T)                                                                   \
    template void sgd_step<T>(const SgdOptions&, T*, const T*, T*, std::ptrdiff_t);             \
    template AdamStep<T> adam_constants<T>(const AdamOptions&, double, double);                 \
    template void adam_step<T>(const AdamOptions&, T*, const T*, T*, T*, std::ptrdiff_t);       \
    template void rmsprop_step<T>(const RmspropOptions&, T*, const T*, T*, T*, std::ptrdiff_t); \
    template void adagrad_step<T>(const AdagradOptions&, T*, const T*, T*, std::ptrdiff_t);     \
    template double sum_of_squares<T>(const T*, std::ptrdiff_t);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)
#undef FASTNN_INSTANTIATE

}  // namespace fastnn
