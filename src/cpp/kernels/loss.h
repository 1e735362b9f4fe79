// The elementwise losses of predictions y and targets t, their sums and their gradients.
#ifndef FASTNN_KERNELS_LOSS_H
#define FASTNN_KERNELS_LOSS_H

#include <stddef.h>

namespace fastnn {

enum class LossKind {
    mse,                               // (y - t)^2
    mae,                               // |y - t|
    huber,                             // d^2 / 2 where d = |y - t| < delta, else delta (d - delta / 2)
    poisson,                           // y - t log(y + 1e-7)
    hinge,                             // max(0, 1 - t y)
    binary_cross_entropy,              // -t log(y) - (1 - t) log(1 - y), the logarithms at least -100
    binary_cross_entropy_with_logits,  // the same of sigmoid(y), without a detour over it
    value                              // y as it stands: to sum finished losses, or weights
};

// A sum is cut into chunks of this many elements; a chunk is summed over 16 lanes (element mod 16) and the fixed tree,
// and the chunks' sums are added in ascending order in float64. Part of the definition of the sum's bits.
constexpr ptrdiff_t kLossChunk = 4096;

// At most kLossChunk elements. A null weight counts as ones; a null scale as `factor` everywhere.
template <class T>
struct LossBlock {
    const T* y;
    const T* t;
    const T* weight;
    const T* scale;
    T factor;
    T* loss;  // receives weight * l(y, t); may be null
    T* dy;    // receives l'(y, t) * (scale * weight); may be null, or y itself
    ptrdiff_t n;
};

template <class T>
struct LossKernels {
    // Returns the sum of weight * l(y, t). parameter: huber's delta.
    T (*sweep)(LossKind kind, T parameter, const LossBlock<T>& block);
    // loss (rows,) = the sums over the columns of (y - t)^2, each row cut into chunks as above.
    void (*squared_rows)(const T* y, const T* t, T* loss, ptrdiff_t rows, ptrdiff_t columns);
};

}  // namespace fastnn

#endif
