// The coefficients of a row's loss (see cross_entropy.h): the part that every class has, and the target's own.
#ifndef FASTNN_KERNELS_CLASS_TARGETS_H
#define FASTNN_KERNELS_CLASS_TARGETS_H

#include "cross_entropy.h"
#include "softmax_rows.h"

namespace fastnn {
namespace FASTNN_TARGET {

// What one row wants of its target class. index < 0: nothing (an ignored row, or probabilities).
template <class T>
struct Target {
    ptrdiff_t index;
    bool is_ignored;
    T weight;  // of the target class

    FASTNN_INLINE Target(const ClassTargets<T>& targets, ptrdiff_t row) : index(-1), is_ignored(false), weight(0) {
        if (targets.index == nullptr) return;
        is_ignored = targets.index[row] == targets.ignore_index;
        if (is_ignored) return;
        index = static_cast<ptrdiff_t>(targets.index[row]);
        weight = targets.weight != nullptr ? targets.weight[index] : T(1);
    }
};

// Only the target's class has a coefficient.
template <class T>
FASTNN_INLINE bool is_plain(const ClassTargets<T>& targets) {
    return targets.index != nullptr && targets.smoothing == 0;
}

template <class T>
FASTNN_INLINE T scale_of(const ClassLossRows<T>& rows, ptrdiff_t row, const Target<T>& target) {
    return target.is_ignored ? T(0) : rows.scale[row * rows.scale_step];
}

// The coefficients without the target's own, (1 - smoothing) * weight.
template <class T>
struct Coefficients {
    const T* q;  // the row's probabilities, or null
    const T* weight;
    T sharp, even;

    FASTNN_INLINE Coefficients(const ClassTargets<T>& targets, ptrdiff_t row, ptrdiff_t columns)
        : q(targets.probability != nullptr ? targets.probability + row * columns : nullptr),
          weight(targets.weight),
          sharp(1 - targets.smoothing),
          even(targets.smoothing / static_cast<T>(columns)) {}

    template <class Lanes>
    FASTNN_INLINE vec<T> at(ptrdiff_t i, Lanes lanes) const {
        vec<T> c = set1(even);
        if (q != nullptr) c = load(q + i, lanes) * set1(sharp) + c;
        return weight != nullptr ? load(weight + i, lanes) * c : c;
    }
    FASTNN_INLINE T one(ptrdiff_t i) const {
        const T c = q != nullptr ? q[i] * sharp + even : even;
        return weight != nullptr ? weight[i] * c : c;
    }
};

// max(0, log(sum) - x) of one number, x relative to the row's reference.
template <class T>
FASTNN_INLINE T nll_of(T x, T high, T low) {
    const T nll = (high - x) + low;
    return 0 > nll ? 0 : nll;
}
template <class T>
FASTNN_INLINE vec<T> nll_of(vec<T> x, vec<T> high, vec<T> low) {
    return max(set1(T(0)), (high - x) + low);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
