// The elementwise losses over whole arrays: checks nothing, splits the work, reduces in a fixed order.
#ifndef FASTNN_CORE_LOSS_H
#define FASTNN_CORE_LOSS_H

#include <cstddef>

#include "../kernels/loss.h"

namespace fastnn {

enum class LossReduction { none, mean, sum };

// There are `count` losses. A loss is that of one element, or, if features is not 1 (mse only), the sum over as many
// consecutive elements: y, t and dy have count * features elements. Each of the `weights` entries of weight holds for
// count / weights consecutive losses.
template <class T>
struct LossCall {
    LossKind kind;
    double parameter;
    const T* y;
    const T* t;
    std::ptrdiff_t count, features;
    const T* weight;  // null: ones
    std::ptrdiff_t weights;
    LossReduction reduction;
    T* losses;         // for LossReduction::none: receives them; else null
    T* dy;             // receives the gradient; null: not wanted; may be y
    double dloss;      // what the gradient is multiplied by
    const T* dlosses;  // the same for every loss, with LossReduction::none; null: dloss for all
};

// Bytes of scratch memory that loss takes at most: for rows * columns losses with a weight a row, and for `rows` losses
// of as many features as columns.
template <class T>
std::size_t loss_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns);

// The reduced loss; meaningless for LossReduction::none. May throw std::bad_alloc, before anything is written.
template <class T>
double loss(const LossCall<T>& call);

}  // namespace fastnn

#endif
