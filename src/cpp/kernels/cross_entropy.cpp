#include "cross_entropy.h"

#include "class_targets.h"
#include "cross_entropy_general.h"
#include "softmax_blocks.h"
#include "softmax_rows.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// The target's element of the gradient, known only before its exponential is overwritten.
template <class T>
struct TargetGradient {
    ptrdiff_t index;
    T value;

    FASTNN_INLINE void put(T* gradient) const {
        if (index >= 0) gradient[index] = value;
    }
};

// (e * inverse) * scale: the gradient of a row but for the target's element.
template <class T>
struct ScaleTwice {
    const T* e;
    T* gradient;
    vec<T> inverse, scale;

    template <class Lanes>
    FASTNN_INLINE void operator()(ptrdiff_t at, Lanes lanes) const {
        store(gradient + at, (load(e + at, lanes) * inverse) * scale, lanes);
    }
};

template <class T>
FASTNN_INLINE void plain_loss(const ClassLossRows<T>& in, ptrdiff_t row, const Target<T>& target, T reference, T high,
                              T low) {
    const T nll = target.is_ignored ? 0 : nll_of(in.x[row * in.columns + target.index] - reference, high, low);
    in.losses[row] = target.is_ignored ? 0 : target.weight * nll;
}

template <class T>
FASTNN_INLINE T plain_scale(const ClassLossRows<T>& in, ptrdiff_t row, const Target<T>& target) {
    return target.is_ignored ? 0 : target.weight * in.scale[row * in.scale_step];
}

template <class T>
void plain_rows_loss(const ClassLossRows<T>& in, ptrdiff_t begin, ptrdiff_t end, T* e) {
    for (ptrdiff_t row = begin; row < end; ++row) {
        const RowSum<T> sum = sum_row<T, false>(in.x + row * in.columns, in.columns, e, Nothing());
        const LogSum<T> log_sum(sum.sum);
        plain_loss(in, row, Target<T>(in.targets, row), sum.reference, log_sum.high, log_sum.low);
    }
}

// A row's gradient is stored while the next row's exponentials are computed, as in softmax.
template <class T>
void plain_rows(const ClassLossRows<T>& in, ptrdiff_t begin, ptrdiff_t end, T* e) {
    if (in.gradient == nullptr) return plain_rows_loss(in, begin, end, e);
    ScaleTwice<T> finish = {};
    TargetGradient<T> at_target = {};
    for (ptrdiff_t row = begin; row < end; ++row) {
        const T* x = in.x + row * in.columns;
        const RowSum<T> sum =
            row == begin ? sum_lone_row<T, true>(x, in.columns, e) : sum_row<T, true>(x, in.columns, e, finish);
        if (row != begin) at_target.put(finish.gradient);

        const Target<T> target(in.targets, row);
        const LogSum<T> log_sum(sum.sum);
        plain_loss(in, row, target, sum.reference, log_sum.high, log_sum.low);
        const T inverse = 1 / sum.sum, scale = plain_scale(in, row, target);
        finish = {e, in.gradient + row * in.columns, set1(inverse), set1(scale)};
        at_target.index = target.index;
        if (target.index >= 0) at_target.value = (e[target.index] * inverse - 1) * scale;
    }
    for_vectors<T>(in.columns, finish);
    at_target.put(finish.gradient);
}

template <class T>
void plain_blocks(const ClassLossRows<T>& in, T* scratch) {
    const Block<T> block(scratch);
    for_blocks(in.rows, in.columns, [&](ptrdiff_t first, ptrdiff_t count) FASTNN_INLINE_BODY {
        const ptrdiff_t columns = in.columns, n = count * columns;
        if (columns == 1 || !exp_block(in.x + first * columns, n, block.e)) {
            return plain_rows(in, first, first + count, block.e);
        }
        shared_sum_block(block.e, count, columns, block.sums);
        logs_of_sums(block.sums, count, block.a, block.b);
        for (ptrdiff_t r = 0; r < count; ++r) {
            plain_loss(in, first + r, Target<T>(in.targets, first + r), T(0), block.a[r], block.b[r]);
        }
        if (in.gradient == nullptr) return;

        reciprocals(block.sums, count, block.a);
        T* gradient = in.gradient + first * columns;
        finish_rows<T>(count, columns, [&](ptrdiff_t r) {
            const Target<T> target(in.targets, first + r);
            block.b[r] = plain_scale(in, first + r, target);
            return ScaleTwice<T>{block.e, gradient, set1(block.a[r]), set1(block.b[r])};
        });
        for (ptrdiff_t r = 0; r < count; ++r) {
            const ptrdiff_t index = Target<T>(in.targets, first + r).index;
            if (index < 0) continue;
            const ptrdiff_t at = r * columns + index;
            gradient[at] = (block.e[at] * block.a[r] - 1) * block.b[r];
        }
    });
}

template <class T>
void from_logits(const ClassLossRows<T>& in, T* scratch) {
    if (in.rows == 0) return;
    if (in.columns == 0) {
        for (ptrdiff_t row = 0; row < in.rows; ++row) in.losses[row] = 0;
    } else if (!is_plain(in.targets)) {
        general_rows(in, scratch);
    } else if (in.columns <= kLogBlockColumns) {
        plain_blocks(in, scratch);
    } else {
        plain_rows(in, 0, in.rows, scratch);
    }
}

template <class T>
ptrdiff_t scratch_size(ptrdiff_t columns) {
    return columns <= kLogBlockColumns ? Block<T>::kSize : columns + kLanes;
}

}  // namespace

extern const CrossEntropyKernels<float> cross_entropy_f32;
extern const CrossEntropyKernels<double> cross_entropy_f64;
const CrossEntropyKernels<float> cross_entropy_f32 = {&scratch_size<float>, &from_logits<float>,
                                                      &from_probabilities<float>};
const CrossEntropyKernels<double> cross_entropy_f64 = {&scratch_size<double>, &from_logits<double>,
                                                       &from_probabilities<double>};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
