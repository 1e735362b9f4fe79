// Activations: the kinds, and what the kernels of every instruction set offer to core/activation and core/dense.
#ifndef FASTNN_KERNELS_ACTIVATION_H
#define FASTNN_KERNELS_ACTIVATION_H

#include <stddef.h>

namespace fastnn {

enum class Kind : int {
    identity,
    step,
    sign,
    sigmoid,
    tanh,
    relu,
    relu6,
    leaky_relu,  // parameter: negative_slope
    elu,         // alpha
    selu,
    celu,      // alpha
    softplus,  // beta
    softsign,
    swish,  // beta
    gelu,
    gelu_tanh,
    mish,
    hard_sigmoid,
    hard_swish,
    exponential
};
constexpr int kKindCount = 20;

// Elementary functions over arrays: what the accuracy program measures.
enum class Function : int { exp, expm1, log, log1p, tanh, sigmoid, erf };
constexpr int kFunctionCount = 7;

// An element's bits depend on its value alone. An output may be any input itself, but overlap none otherwise.
template <class T>
struct ActivationKernels {
    // y = f(z)
    void (*forward)(int kind, T parameter, const T* z, T* y, ptrdiff_t n);
    // dz = dy f'; saved is y, or z where needs_z (core/activation.h) says so.
    void (*backward)(int kind, T parameter, const T* dy, const T* saved, T* dz, ptrdiff_t n);

    // y = x > 0 ? x : slope x over (rows, columns), one slope a column.
    void (*prelu)(const T* x, const T* slope, T* y, ptrdiff_t rows, ptrdiff_t columns);
    // dx = x > 0 ? dy : slope dy; sums (columns,): one ascending fma chain over the rows of dy x where not x > 0.
    // Rows are `stride` elements apart.
    void (*prelu_backward)(const T* dy, const T* x, const T* slope, T* dx, T* sums, ptrdiff_t rows, ptrdiff_t columns,
                           ptrdiff_t stride);
    // The same with one slope for n elements: 16 interleaved chains and the fixed tree.
    T (*prelu_backward_shared)(const T* dy, const T* x, T slope, T* dx, ptrdiff_t n);

    void (*evaluate)(int function, const T* x, T* y, ptrdiff_t n);
};

}  // namespace fastnn

#endif
