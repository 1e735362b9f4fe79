// Activations and the parametric ReLU in C.
#include "core/activation.h"

#include "checks.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
fastnn_status activation(std::int64_t n, const T* z, Activation f, T* y) {
    const fastnn_status status = check({input(z, count(n)), in_place(y, count(n))});
    if (status == FASTNN_OK) fastnn::activation<T>(f.kind, narrowed<T>(f.parameter), z, y, n);
    return status;
}

template <class T>
fastnn_status activation_backward(std::int64_t n, const T* dy, const T* y, const T* z, Activation f, T* dz) {
    const bool from_z = needs_z(f.kind, f.parameter);
    const std::int64_t elements = count(n);
    const fastnn_status status =
        check({input(dy, elements), input(y, elements, from_z), input(z, elements, !from_z), in_place(dz, elements)});
    if (status == FASTNN_OK) {
        fastnn::activation_backward<T>(f.kind, narrowed<T>(f.parameter), dy, from_z ? z : y, dz, n);
    }
    return status;
}

// Slopes are one for all, or one for each column.
std::int64_t slope_count(std::int64_t columns, std::int64_t slopes) {
    return slopes == 1 || slopes == columns ? count(slopes) : -1;
}

template <class T>
fastnn_status prelu(std::int64_t rows, std::int64_t columns, std::int64_t slopes, const T* x, const T* slope, T* y) {
    const std::int64_t n = count(rows, columns);
    const fastnn_status status = check({input(x, n), input(slope, slope_count(columns, slopes)), in_place(y, n)});
    if (status == FASTNN_OK && n > 0) fastnn::prelu<T>(x, slope, slopes == 1, y, rows, columns);
    return status;
}

template <class T>
std::size_t prelu_scratch(std::int64_t rows, std::int64_t columns, std::int64_t slopes) {
    if (count(rows, columns) < 0 || slope_count(columns, slopes) < 0) return 0;
    return prelu_backward_scratch_bytes<T>(slopes == 1, rows, columns);
}

template <class T>
fastnn_status prelu_backward(std::int64_t rows, std::int64_t columns, std::int64_t slopes, const T* dy, const T* x,
                             const T* slope, T* dx, T* dslope, Memory scratch) {
    const std::int64_t n = count(rows, columns), m = slope_count(columns, slopes);
    return run(
        {input(dy, n), input(x, n), input(slope, m), output(dx, n), output(dslope, m)}, scratch,
        [=] { return prelu_scratch<T>(rows, columns, slopes); },
        [=] {
            fastnn::prelu_backward<T>(dy, x, slope, slopes == 1, dx, dslope, rows, columns);
            return FASTNN_OK;
        });
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

int32_t fastnn_activation_needs_z(fastnn_activation activation, double parameter) noexcept {
    Activation f;
    return f.read(activation, parameter) && fastnn::needs_z(f.kind, f.parameter) ? 1 : 0;
}

double fastnn_activation_default(fastnn_activation activation) noexcept {
    const bool known = activation >= 0 && activation < fastnn::kKindCount;
    return known ? fastnn::default_parameter(static_cast<fastnn::Kind>(activation)) : 0.0;
}

#define FASTNN_DEFINE(T, S)                                                                                         \
    fastnn_status fastnn_activation_##S(int64_t n, const T* z, fastnn_activation activation, double parameter,      \
                                        T* y) noexcept {                                                            \
        const fastnn::FpEnvironment environment;                                                                    \
        Activation f;                                                                                               \
        return f.read(activation, parameter) ? fastnn::capi::activation<T>(n, z, f, y) : FASTNN_BAD_VALUE;          \
    }                                                                                                               \
    fastnn_status fastnn_activation_backward_##S(int64_t n, const T* dy, const T* y, const T* z,                    \
                                                 fastnn_activation activation, double parameter, T* dz) noexcept {  \
        const fastnn::FpEnvironment environment;                                                                    \
        Activation f;                                                                                               \
        return f.read(activation, parameter) ? activation_backward<T>(n, dy, y, z, f, dz) : FASTNN_BAD_VALUE;       \
    }                                                                                                               \
    fastnn_status fastnn_prelu_##S(int64_t rows, int64_t columns, int64_t slopes, const T* x, const T* slope,       \
                                   T* y) noexcept {                                                                 \
        return prelu<T>(rows, columns, slopes, x, slope, y);                                                        \
    }                                                                                                               \
    size_t fastnn_prelu_backward_scratch_##S(int64_t rows, int64_t columns, int64_t slopes) noexcept {              \
        return prelu_scratch<T>(rows, columns, slopes);                                                             \
    }                                                                                                               \
    fastnn_status fastnn_prelu_backward_##S(int64_t rows, int64_t columns, int64_t slopes, const T* dy, const T* x, \
                                            const T* slope, T* dx, T* dslope, void* scratch,                        \
                                            size_t scratch_bytes) noexcept {                                        \
        return prelu_backward<T>(rows, columns, slopes, dy, x, slope, dx, dslope, {scratch, scratch_bytes});        \
    }
FASTNN_BOTH(FASTNN_DEFINE)
