// Dropout and the randomised leaky ReLU in C.
#include "core/random.h"

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
fastnn_status dropout(std::int64_t n, const T* x, double p, RandomKey key, T* y) {
    if (!(p >= 0.0 && p <= 1.0)) return FASTNN_BAD_VALUE;
    const fastnn_status status = check({input(x, count(n)), in_place(y, count(n))});
    if (status == FASTNN_OK) fastnn::dropout<T>(p, key, x, y, n);
    return status;
}

template <class T>
fastnn_status rrelu(std::int64_t n, const T* x, const RreluOptions& options, T* y) {
    if (!(options.lower <= options.upper)) return FASTNN_BAD_VALUE;
    const fastnn_status status = check({input(x, count(n)), in_place(y, count(n))});
    if (status == FASTNN_OK) fastnn::rrelu<T>(options, x, x, y, n);
    return status;
}

template <class T>
fastnn_status rrelu_backward(std::int64_t n, const T* dy, const T* x, const RreluOptions& options, T* dx) {
    if (!(options.lower <= options.upper)) return FASTNN_BAD_VALUE;
    const fastnn_status status = check({input(dy, count(n)), input(x, count(n)), in_place(dx, count(n))});
    if (status == FASTNN_OK) fastnn::rrelu<T>(options, x, dy, dx, n);
    return status;
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

#define FASTNN_DEFINE(T, S)                                                                                            \
    fastnn_status fastnn_rrelu_##S(int64_t n, const T* x, double lower, double upper, int32_t training, uint64_t seed, \
                                   uint64_t counter, T* y) noexcept {                                                  \
        return rrelu<T>(n, x, {lower, upper, training != 0, {seed, counter}}, y);                                      \
    }                                                                                                                  \
    fastnn_status fastnn_rrelu_backward_##S(int64_t n, const T* dy, const T* x, double lower, double upper,            \
                                            int32_t training, uint64_t seed, uint64_t counter, T* dx) noexcept {       \
        return rrelu_backward<T>(n, dy, x, {lower, upper, training != 0, {seed, counter}}, dx);                        \
    }                                                                                                                  \
    fastnn_status fastnn_dropout_##S(int64_t n, const T* x, double p, uint64_t seed, uint64_t counter,                 \
                                     T* y) noexcept {                                                                  \
        return dropout<T>(n, x, p, {seed, counter}, y);                                                                \
    }                                                                                                                  \
    fastnn_status fastnn_dropout_backward_##S(int64_t n, const T* dy, double p, uint64_t seed, uint64_t counter,       \
                                              T* dx) noexcept {                                                        \
        return dropout<T>(n, dy, p, {seed, counter}, dx);                                                              \
    }
FASTNN_BOTH(FASTNN_DEFINE)
