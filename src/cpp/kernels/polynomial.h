// Polynomials over vectors, and the exact error of a square: what the elementary functions are made of.
#ifndef FASTNN_KERNELS_POLYNOMIAL_H
#define FASTNN_KERNELS_POLYNOMIAL_H

#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// c[0] + c[1] x + ... by Horner's rule.
template <class T, int N>
FASTNN_INLINE vec<T> horner(vec<T> x, const T (&c)[N]) {
    vec<T> p = set1(c[N - 1]);
    for (int i = N - 2; i >= 0; --i) p = fma(p, x, set1(c[i]));
    return p;
}
template <int N>
FASTNN_INLINE f32 polynomial(f32 x, const float (&c)[N]) {
    return horner<float>(x, c);
}
template <int N>
FASTNN_INLINE f64 polynomial(f64 x, const double (&c)[N]) {
    return horner<double>(x, c);
}

// The same for an even N in two chains, over the even and the odd powers: half the latency. square is x * x.
template <int N>
FASTNN_INLINE f64 polynomial_in_two(f64 x, f64 square, const double (&c)[N]) {
    static_assert(N % 2 == 0, "as many odd powers as even ones");
    f64 even = set1(c[N - 2]), odd = set1(c[N - 1]);
    for (int i = N - 4; i >= 0; i -= 2) {
        even = fma(even, square, set1(c[i]));
        odd = fma(odd, square, set1(c[i + 1]));
    }
    return fma(odd, x, even);
}

// x * x - square exactly, where square is x * x rounded.
#if defined(FASTNN_TARGET_GENERIC)
// Dekker's product: a head of half the digits and the rest.
FASTNN_INLINE f32 square_error(f32 x, f32 square) {
    const f32 head = as_float(as_int(x) & ~INT32_C(0xfff)), rest = x - head;
    return (head * head - square) + 2.0f * head * rest + rest * rest;
}
FASTNN_INLINE f64 square_error(f64 x, f64 square) {
    const f64 head = as_float(as_int(x) & (~INT64_C(0x7ffffff))), rest = x - head;
    return (head * head - square) + 2.0 * head * rest + rest * rest;
}
#else
FASTNN_INLINE f32 square_error(f32 x, f32 square) { return fma(x, x, -square); }
FASTNN_INLINE f64 square_error(f64 x, f64 square) { return fma(x, x, -square); }
#endif

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
