// The softmax family in C.
#include "core/softmax.h"

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
using Forward = void (*)(const T*, T*, std::ptrdiff_t, std::ptrdiff_t);
template <class T>
using Backward = void (*)(const T*, const T*, T*, std::ptrdiff_t, std::ptrdiff_t);

template <class T>
std::size_t softmax_scratch(std::int64_t rows, std::int64_t classes) {
    return count(rows, classes) < 0 ? 0 : softmax_scratch_bytes<T>(rows, classes);
}

// (rows, classes) without elements has no result, however many rows there are.
template <class T>
fastnn_status forward(Forward<T> operation, std::int64_t rows, std::int64_t classes, const T* x, T* y, Memory scratch) {
    const std::int64_t n = count(rows, classes);
    return run(
        {input(x, n), in_place(y, n)}, scratch, [=] { return softmax_scratch<T>(rows, classes); },
        [=] {
            if (n > 0) operation(x, y, rows, classes);
            return FASTNN_OK;
        });
}

template <class T>
fastnn_status backward(Backward<T> operation, std::int64_t rows, std::int64_t classes, const T* dy, const T* y, T* dx,
                       Memory scratch) {
    const std::int64_t n = count(rows, classes);
    const auto needed = [=] { return softmax_scratch<T>(rows, classes); };
    return run({input(dy, n), input(y, n), in_place(dx, n)}, scratch, needed, [=] {
        if (n > 0) operation(dy, y, dx, rows, classes);
        return FASTNN_OK;
    });
}

template <class T>
fastnn_status sums(std::int64_t rows, std::int64_t classes, const T* x, T* s, Memory scratch) {
    const auto needed = [=] { return softmax_scratch<T>(rows, classes); };
    return run({input(x, count(rows, classes)), output(s, count(rows))}, scratch, needed, [=] {
        logsumexp(x, s, rows, classes);
        return FASTNN_OK;
    });
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

#define FASTNN_DEFINE(T, S)                                                                                      \
    size_t fastnn_softmax_scratch_##S(int64_t rows, int64_t classes) noexcept {                                  \
        return softmax_scratch<T>(rows, classes);                                                                \
    }                                                                                                            \
    fastnn_status fastnn_softmax_##S(int64_t rows, int64_t classes, const T* x, T* y, void* scratch,             \
                                     size_t scratch_bytes) noexcept {                                            \
        return forward<T>(fastnn::softmax<T>, rows, classes, x, y, {scratch, scratch_bytes});                    \
    }                                                                                                            \
    fastnn_status fastnn_log_softmax_##S(int64_t rows, int64_t classes, const T* x, T* y, void* scratch,         \
                                         size_t scratch_bytes) noexcept {                                        \
        return forward<T>(fastnn::log_softmax<T>, rows, classes, x, y, {scratch, scratch_bytes});                \
    }                                                                                                            \
    fastnn_status fastnn_softmax_backward_##S(int64_t rows, int64_t classes, const T* dy, const T* y, T* dx,     \
                                              void* scratch, size_t scratch_bytes) noexcept {                    \
        return backward<T>(fastnn::softmax_backward<T>, rows, classes, dy, y, dx, {scratch, scratch_bytes});     \
    }                                                                                                            \
    fastnn_status fastnn_log_softmax_backward_##S(int64_t rows, int64_t classes, const T* dy, const T* y, T* dx, \
                                                  void* scratch, size_t scratch_bytes) noexcept {                \
        return backward<T>(fastnn::log_softmax_backward<T>, rows, classes, dy, y, dx, {scratch, scratch_bytes}); \
    }                                                                                                            \
    fastnn_status fastnn_logsumexp_##S(int64_t rows, int64_t classes, const T* x, T* s, void* scratch,           \
                                       size_t scratch_bytes) noexcept {                                          \
        return sums<T>(rows, classes, x, s, {scratch, scratch_bytes});                                           \
    }
FASTNN_BOTH(FASTNN_DEFINE)
