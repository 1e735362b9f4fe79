// The elementary functions over vectors: exp, exp_in_range, expm1, log, log1p, tanh, sigmoid and erf for f32 and f64.
#ifndef FASTNN_KERNELS_MATH_H
#define FASTNN_KERNELS_MATH_H

#include "math_f32.h"
#include "math_f64.h"

namespace fastnn {
namespace FASTNN_TARGET {

// e / (1 + e) for x < 0, else 1 / (1 + e), with e = exp(-|x|): nothing overflows. e and 1 + e are carried with their
// rounding errors, and the quotient is corrected for them. Beyond `far`, 1 + e is 1.
template <class T>
FASTNN_INLINE vec<T> sigmoid_of(vec<T> x, vec<T> far) {
    const vec<T> a = abs(x), one = set1(static_cast<T>(1));
    const ivec<T> negative = x < vec<T>{};
    const auto e = exp_pair(-min(far, a));
    const vec<T> sum = e.head + one;
    const vec<T> sum_error = (e.head - (sum - one)) + e.tail;
    const vec<T> numerator = select(negative, e.head, one);
    const vec<T> inverse = one / sum;
    const vec<T> quotient = numerator * inverse;
    vec<T> rest = fnma(quotient, sum, numerator);
    rest = fnma(quotient, sum_error, rest) + select(negative, e.tail, vec<T>{});
    vec<T> y = fma(rest, inverse, quotient);
    const ivec<T> beyond = a > far;
    if (__builtin_expect(any(beyond), 0)) y = select(beyond, select(negative, exp(-a), one), y);
    return y;
}
FASTNN_INLINE f32 sigmoid(f32 x) { return sigmoid_of<float>(x, set1(60.0f)); }
FASTNN_INLINE f64 sigmoid(f64 x) { return sigmoid_of<double>(x, set1(600.0)); }

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
