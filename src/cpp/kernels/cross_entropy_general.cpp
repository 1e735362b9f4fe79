#include "cross_entropy_general.h"

#include "class_targets.h"
#include "softmax_rows.h"

namespace fastnn {
namespace FASTNN_TARGET {

template <class T>
void general_rows(const ClassLossRows<T>& in, T* e) {
    const ptrdiff_t columns = in.columns;
    for (ptrdiff_t row = 0; row < in.rows; ++row) {
        const T* x = in.x + row * columns;
        const Target<T> target(in.targets, row);
        const Coefficients<T> c(in.targets, row, columns);
        const RowSum<T> sum = sum_row<T, true>(x, columns, e, Nothing());
        const LogSum<T> log_sum(sum.sum);
        const vec<T> reference = set1(sum.reference), high = set1(log_sum.high), low = set1(log_sum.low);
        Lanes<T> losses = Lanes<T>::all(0), totals = Lanes<T>::all(0);
        for_lanes<T>(columns, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T> mask) {
            const vec<T> weight = c.at(at, lanes);
            const vec<T> nll = nll_of<T>(load(x + at, lanes) - reference, high, low);
            losses.part[i] = losses.part[i] + keep(mask, weight * nll);
            totals.part[i] = totals.part[i] + keep(mask, weight);
        });
        T loss = tree_sum(losses), total = tree_sum(totals), own = 0;
        if (target.index >= 0) {
            own = c.sharp * target.weight;
            total += own;
            loss += own * nll_of(x[target.index] - sum.reference, log_sum.high, log_sum.low);
        }
        in.losses[row] = target.is_ignored ? 0 : loss;
        if (in.gradient == nullptr) continue;

        T* gradient = in.gradient + row * columns;
        const T scale = scale_of(in, row, target), inverse = 1 / sum.sum;
        for_vectors<T>(columns, [&](ptrdiff_t at, auto lanes) {
            const vec<T> p = load(e + at, lanes) * inverse;
            store(gradient + at, (p * total - c.at(at, lanes)) * scale, lanes);
        });
        if (target.index >= 0) {
            const T p = e[target.index] * inverse;
            gradient[target.index] = (p * total - (c.one(target.index) + own)) * scale;
        }
    }
}

namespace {

template <class T>
constexpr T kLeast = static_cast<T>(1e-7);
template <class T>
constexpr T kMost = static_cast<T>(1 - 1e-7);

// -log(clip(p)); nan stays nan.
template <class T>
FASTNN_INLINE vec<T> nll_of_probability(vec<T> p) {
    return -log(min(set1(kMost<T>), max(set1(kLeast<T>), p)));
}

// Its derivative times c: -c / p, and 0 where p was clipped.
template <class T>
FASTNN_INLINE vec<T> slope_of_probability(vec<T> p, vec<T> c) {
    const ivec<T> clipped = (p < set1(kLeast<T>)) | (p > set1(kMost<T>));
    return keep(~clipped, (set1(T(0)) - c) / p);
}

}  // namespace

template <class T>
void from_probabilities(const ClassLossRows<T>& in, T*) {
    const ptrdiff_t columns = in.columns;
    const bool plain = is_plain(in.targets);
    for (ptrdiff_t row = 0; row < in.rows; ++row) {
        const T* p = in.x + row * columns;
        const Target<T> target(in.targets, row);
        const Coefficients<T> c(in.targets, row, columns);
        Lanes<T> losses = Lanes<T>::all(0);
        if (!plain) {
            for_lanes<T>(columns, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T> mask) {
                const vec<T> nll = nll_of_probability<T>(load(p + at, lanes));
                losses.part[i] = losses.part[i] + keep(mask, c.at(at, lanes) * nll);
            });
        }
        const T own = c.sharp * target.weight, of_target = target.index >= 0 ? p[target.index] : T(1);
        T loss = tree_sum(losses);
        if (target.index >= 0) loss += own * nll_of_probability<T>(set1(of_target))[0];
        in.losses[row] = target.is_ignored ? 0 : loss;
        if (in.gradient == nullptr) continue;

        T* gradient = in.gradient + row * columns;
        const T scale = scale_of(in, row, target);
        for_vectors<T>(columns, [&](ptrdiff_t at, auto lanes) {
            vec<T> slope = {};
            if (!plain) slope = slope_of_probability<T>(load(p + at, lanes), c.at(at, lanes)) * scale;
            store(gradient + at, slope, lanes);
        });
        if (target.index >= 0) {
            const T coefficient = plain ? own : c.one(target.index) + own;
            gradient[target.index] = slope_of_probability<T>(set1(of_target), set1(coefficient))[0] * scale;
        }
    }
}

template void general_rows<float>(const ClassLossRows<float>&, float*);
template void general_rows<double>(const ClassLossRows<double>&, double*);
template void from_probabilities<float>(const ClassLossRows<float>&, float*);
template void from_probabilities<double>(const ClassLossRows<double>&, double*);

}  // namespace FASTNN_TARGET
}  // namespace fastnn
