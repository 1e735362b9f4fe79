// The optimizer steps and the norm in C.
#include "core/optimizer.h"

#include <cmath>

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
fastnn_status sgd_step(std::int64_t n, T* p, const T* g, T* velocity, const SgdOptions& options) {
    if (!are_rates({options.lr, options.momentum, options.weight_decay}) ||
        (options.nesterov && options.momentum == 0.0)) {
        return FASTNN_BAD_VALUE;
    }
    const std::int64_t size = count(n);
    const fastnn_status status =
        check({output(p, size), input(g, size), output(velocity, size, options.momentum == 0.0)});
    if (status == FASTNN_OK) fastnn::sgd_step<T>(options, p, g, velocity, n);
    return status;
}

template <class T>
fastnn_status adam_step(std::int64_t n, T* p, const T* g, T* m, T* v, const AdamOptions& options) {
    if (!are_rates({options.lr, options.beta1, options.beta2, options.eps, options.weight_decay}) ||
        !(options.beta1 < 1.0 && options.beta2 < 1.0) || options.step < 1) {
        return FASTNN_BAD_VALUE;
    }
    const std::int64_t size = count(n);
    const fastnn_status status = check({output(p, size), input(g, size), output(m, size), output(v, size)});
    if (status == FASTNN_OK) fastnn::adam_step<T>(options, p, g, m, v, n);
    return status;
}

template <class T>
fastnn_status rmsprop_step(std::int64_t n, T* p, const T* g, T* v, T* buffer, const RmspropOptions& options) {
    if (!are_rates({options.lr, options.alpha, options.eps, options.momentum, options.weight_decay}) ||
        options.alpha > 1.0) {
        return FASTNN_BAD_VALUE;
    }
    const std::int64_t size = count(n);
    const fastnn_status status =
        check({output(p, size), input(g, size), output(v, size), output(buffer, size, options.momentum == 0.0)});
    if (status == FASTNN_OK) fastnn::rmsprop_step<T>(options, p, g, v, buffer, n);
    return status;
}

template <class T>
fastnn_status adagrad_step(std::int64_t n, T* p, const T* g, T* s, const AdagradOptions& options) {
    if (!are_rates({options.lr, options.eps, options.weight_decay})) return FASTNN_BAD_VALUE;
    const std::int64_t size = count(n);
    const fastnn_status status = check({output(p, size), input(g, size), output(s, size)});
    if (status == FASTNN_OK) fastnn::adagrad_step<T>(options, p, g, s, n);
    return status;
}

template <class T>
fastnn_status global_norm(std::int64_t arrays, const std::int64_t* sizes, const T* const* x, double* norm,
                          Memory scratch) {
    const FpEnvironment environment;
    const Array working = output(static_cast<char*>(scratch.data), static_cast<std::int64_t>(scratch.bytes), true);
    const fastnn_status status =
        check({input(sizes, count(arrays)), input(x, count(arrays)), output(norm, 1), working});
    if (status != FASTNN_OK) return status;
    std::int64_t largest = 0;
    for (std::int64_t i = 0; i < arrays; ++i) {
        const fastnn_status one = check({input(x[i], count(sizes[i])), output(norm, 1), working});
        if (one != FASTNN_OK) return one;
        largest = sizes[i] > largest ? sizes[i] : largest;
    }
    return run(
        {}, scratch, [=] { return sum_of_squares_scratch_bytes(largest); },
        [=] {
            double sum = 0.0;
            for (std::int64_t i = 0; i < arrays; ++i) sum += settled(sum_of_squares<T>(x[i], sizes[i]));
            *norm = settled(std::sqrt(settled(sum)));
            return FASTNN_OK;
        });
}

std::size_t norm_scratch(std::int64_t largest) {
    return count(largest) < 0 ? 0 : sum_of_squares_scratch_bytes(largest);
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

#define FASTNN_DEFINE(T, S)                                                                                            \
    fastnn_status fastnn_sgd_step_##S(int64_t n, T* p, const T* g, T* velocity, double lr, double momentum,            \
                                      int32_t nesterov, double weight_decay) noexcept {                                \
        return sgd_step<T>(n, p, g, velocity, {lr, momentum, weight_decay, nesterov != 0});                            \
    }                                                                                                                  \
    fastnn_status fastnn_adam_step_##S(int64_t n, T* p, const T* g, T* m, T* v, int64_t step, double lr, double beta1, \
                                       double beta2, double eps, double weight_decay, int32_t decoupled) noexcept {    \
        return adam_step<T>(n, p, g, m, v, {step, lr, beta1, beta2, eps, weight_decay, decoupled != 0});               \
    }                                                                                                                  \
    fastnn_status fastnn_rmsprop_step_##S(int64_t n, T* p, const T* g, T* v, T* momentum_buffer, double lr,            \
                                          double alpha, double eps, double momentum, double weight_decay) noexcept {   \
        return rmsprop_step<T>(n, p, g, v, momentum_buffer, {lr, alpha, eps, momentum, weight_decay});                 \
    }                                                                                                                  \
    fastnn_status fastnn_adagrad_step_##S(int64_t n, T* p, const T* g, T* s, double lr, double eps,                    \
                                          double weight_decay) noexcept {                                              \
        return adagrad_step<T>(n, p, g, s, {lr, eps, weight_decay});                                                   \
    }                                                                                                                  \
    fastnn_status fastnn_global_norm_##S(int64_t arrays, const int64_t* sizes, const T* const* x, double* norm,        \
                                         void* scratch, size_t scratch_bytes) noexcept {                               \
        return global_norm<T>(arrays, sizes, x, norm, {scratch, scratch_bytes});                                       \
    }                                                                                                                  \
    size_t fastnn_global_norm_scratch_##S(int64_t largest) noexcept { return norm_scratch(largest); }
FASTNN_BOTH(FASTNN_DEFINE)
