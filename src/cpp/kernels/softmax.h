// The softmax family over rows: what the kernels of every instruction set offer to core/softmax.
//
// A row all of whose |x| are below a bound (64 for float, 512 for double) takes exp(x) as it stands; every other row,
// and a row of one column, subtracts its maximum first. The choice is made row by row, from the row's values alone.
#ifndef FASTNN_KERNELS_SOFTMAX_H
#define FASTNN_KERNELS_SOFTMAX_H

#include <stddef.h>

namespace fastnn {

// Arrays are (rows, columns), C-contiguous. An output may be the input it is named after, and nothing else.
template <class T>
struct SoftmaxKernels {
    // Elements of scratch that each of the functions below wants.
    ptrdiff_t (*scratch_size)(ptrdiff_t columns);

    // y = e * (1 / sum(e)). With `stream` y goes round the caches; the bits are the same.
    void (*softmax)(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, bool stream, T* scratch);
    // dx = (dy - sum(dy * y)) * y; dx may be dy, but not with `stream`.
    void (*softmax_backward)(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns, bool stream,
                             T* scratch);
    // y = x - max - log(sum(e)), never above 0.
    void (*log_softmax)(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* scratch);
    // dx = dy - exp(y) * sum(dy); dx may be dy.
    void (*log_softmax_backward)(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns, T* scratch);
    // s[row] = max + log(sum(e)).
    void (*logsumexp)(const T* x, T* s, ptrdiff_t rows, ptrdiff_t columns, T* scratch);
};

}  // namespace fastnn

#endif
