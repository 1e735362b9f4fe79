// Losses over classes, row by row: what the kernels of every instruction set offer to core/cross_entropy.
//
// With nll[j] the negative log-probability of class j, the loss of a row is sum(c[j] * nll[j]), where for class indices
// c[j] = w[j] * smoothing / C + (j == target ? w[j] * (1 - smoothing) : 0), and for probabilities q
// c[j] = w[j] * ((1 - smoothing) * q[j] + smoothing / C): torch.nn.functional.cross_entropy's formulas.
#ifndef FASTNN_KERNELS_CROSS_ENTROPY_H
#define FASTNN_KERNELS_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

namespace fastnn {

template <class T>
struct ClassTargets {
    const int64_t* index;  // one per row, in [0, columns) or ignore_index; null: probabilities
    int64_t ignore_index;
    const T* probability;  // (rows, columns)
    const T* weight;       // (columns,), or null for ones
    T smoothing;
};

// Rows [0, rows) of (rows, columns), C-contiguous. losses (rows,) is written: 0 for an ignored row. gradient may be
// null, or x itself; else it receives the gradient of losses[row] * scale[row * scale_step]. An ignored row has scale
// 0.
template <class T>
struct ClassLossRows {
    const T* x;
    ptrdiff_t rows, columns;
    ClassTargets<T> targets;
    T* losses;
    const T* scale;
    ptrdiff_t scale_step;
    T* gradient;
};

template <class T>
struct CrossEntropyKernels {
    // Elements of scratch that each of the functions below wants.
    ptrdiff_t (*scratch_size)(ptrdiff_t columns);

    // nll = -log(softmax(x)), not below 0.
    void (*from_logits)(const ClassLossRows<T>& rows, T* scratch);
    // nll = -log(clip(x, 1e-7, 1 - 1e-7)); gradient 0 where x was clipped.
    void (*from_probabilities)(const ClassLossRows<T>& rows, T* scratch);
};

}  // namespace fastnn

#endif
