// The losses over classes, reduced over the rows. The order of every sum over rows is fixed: the rows' losses and
// weights in 16 interleaved chains of doubles and a fixed tree, whatever the number of threads.
#ifndef FASTNN_CORE_CROSS_ENTROPY_H
#define FASTNN_CORE_CROSS_ENTROPY_H

#include <cstddef>

#include "../kernels/cross_entropy.h"

namespace fastnn {

enum class ClassInput { logits, probabilities };
enum class ClassReduction { none, sum, mean };

template <class T>
struct ClassLoss {
    ClassInput input;
    ClassReduction reduction;
    const T* x;  // (rows, columns)
    std::ptrdiff_t rows, columns;
    ClassTargets<T> targets;
    T* losses;         // (rows,), written if the reduction is none
    T* gradient;       // (rows, columns), x itself, or null
    double dloss;      // the gradient is multiplied by it,
    const T* dlosses;  // or, if not null, by the row's own (reduction none)
};

// Bytes of scratch memory that class_loss takes at most.
template <class T>
std::size_t class_loss_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns);

// The reduced loss (0 for none). May throw std::bad_alloc, before anything is written.
template <class T>
double class_loss(const ClassLoss<T>& loss);

}  // namespace fastnn

#endif
