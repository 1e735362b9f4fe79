// exp, log and their kin for float64, made like those of math_f32.h. Measured errors: docs/accuracy.md.
#ifndef FASTNN_KERNELS_MATH_F64_H
#define FASTNN_KERNELS_MATH_F64_H

#include "polynomial.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// log(2) as a head with twelve trailing zero bits, so that every exponent times it is exact, and the rest.
constexpr double kLn2HeadF64 = 0x1.62e42fefa2p-1;
constexpr double kLn2TailF64 = 0x1.9ef35793c7673p-41;
constexpr double kRoundF64 = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer, left in the low bits

// ---- exp -------------------------------------------------------------------------------------------------------

// exp(x) = 2^n * (1 + rest) with n = round(x / log 2); `steps` holds n in its low bits.
struct ExpPartsF64 {
    f64 steps;
    f64 rest;
};
// e^r - 1 for |r| <= log(2) / 2: r + r^2 P(r), P in two chains.
FASTNN_INLINE f64 expm1_reduced(f64 r) {
    const f64 r2 = r * r;
    constexpr double kExpm1[] = {0x1.000000000000ap-1,  0x1.55555555554f9p-3,  0x1.555555555083ep-5,
                                 0x1.1111111127d15p-7,  0x1.6c16c18438af4p-10, 0x1.a01a012a0d4b0p-13,
                                 0x1.a01999e26516bp-16, 0x1.71df25b6d85c5p-19, 0x1.28ad9b8453dd6p-22,
                                 0x1.ad7f397977a54p-26};
    return fma(polynomial_in_two(r, r2, kExpm1), r2, r);
}
FASTNN_INLINE ExpPartsF64 exp_parts(f64 x) {
    ExpPartsF64 parts;
    parts.steps = fma(x, set1(0x1.71547652b82fep+0), set1(kRoundF64));
    const f64 n = parts.steps - kRoundF64;
    f64 r = fnma(n, set1(kLn2HeadF64), x);
    r = fnma(n, set1(kLn2TailF64), r);
    parts.rest = expm1_reduced(r);
    return parts;
}

// 2^n for the integer that `steps` holds; normal results only. Unsigned, as n may be anything in exp_in_range.
FASTNN_INLINE f64 power_of_two(f64 steps) {
    return reinterpret_cast<f64>((reinterpret_cast<u64>(steps) << 52) + UINT64_C(0x3ff0000000000000));
}

// exp(x) where the caller knows that |x| <= 708; anything may come out elsewhere.
FASTNN_INLINE f64 exp_in_range(f64 x) {
    const ExpPartsF64 e = exp_parts(x);
    const f64 power = power_of_two(e.steps);
    return fma(power, e.rest, power);
}

// The same with what the last rounding cut off.
struct ExpPairF64 {
    f64 head, tail;
};
FASTNN_INLINE ExpPairF64 exp_pair(f64 x) {
    const ExpPartsF64 e = exp_parts(x);
    const f64 power = power_of_two(e.steps);
    const f64 head = fma(power, e.rest, power);
    return {head, fma(power, e.rest, power - head)};
}

// exp(x) for every x: overflow gives inf, results below the normal range are rounded into it, nan gives nan.
FASTNN_INLINE f64 exp(f64 x) {
    const i64 outside = ~(abs(x) <= set1(708.0));
    if (__builtin_expect(!any(outside), 1)) return exp_in_range(x);
    const ExpPartsF64 e = exp_parts(max(set1(-746.0), min(set1(710.0), x)));
    // 2^n in two halves, either of them normal, so that only the last product rounds.
    const f64 n = e.steps - kRoundF64;
    const f64 half = fma(n, set1(0.5), set1(kRoundF64));
    const f64 other = n - (half - kRoundF64) + kRoundF64;
    return (e.rest + 1.0) * power_of_two(half) * power_of_two(other);
}

// The proof that a whole row is moderate, |x| < 512; see math_f32.h.
constexpr double kModerateF64 = 512.0;
FASTNN_INLINE i64 prove_moderate(i64 proof, f64 x) {
    // The sum's sign bit is set exactly from 512 on.
    const u64 carry = reinterpret_cast<u64>(set1(-0.0)) - reinterpret_cast<u64>(set1(kModerateF64));
    return proof | reinterpret_cast<i64>(reinterpret_cast<u64>(abs(x)) + carry);
}
FASTNN_INLINE bool is_moderate(i64 proof) {
    const i64 beyond = proof < i64{};  // named: clang's comparison has a vector type of its own
    return !any(beyond);
}

// ---- log -------------------------------------------------------------------------------------------------------

// log(2^k (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)], after fdlibm's e_log.c: with s = f / (2 + f),
// log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))). k log 2 + f is kept as a sum of two, so that nothing cancels.
FASTNN_INLINE f64 log_of_parts(f64 k, f64 f) {
    const f64 head = fma(k, set1(kLn2HeadF64), f);
    const f64 tail = f - fnma(k, set1(kLn2HeadF64), head);
    const f64 s = f / (f + 2.0);
    const f64 z = s * s;
    constexpr double kLog[] = {0x1.5555555555593p-1, 0x1.999999997fb30p-2, 0x1.2492494217b31p-2, 0x1.c71c51e7ecba5p-3,
                               0x1.7466462e07630p-3, 0x1.39a0f4ec06354p-3, 0x1.2f0d8ef13328fp-3};
    const f64 half_square = f * f * 0.5;
    const f64 correction = fma(s, fma(polynomial(z, kLog), z, half_square), fma(k, set1(kLn2TailF64), tail));
    return head - (half_square - correction);
}

// x = 2^k (1 + fraction) for positive normal x, k once as an integer and once as a float.
struct LogPartsF64 {
    i64 k;
    f64 exponent;
    f64 fraction;
};
FASTNN_INLINE LogPartsF64 log_parts(f64 x) {
    constexpr int64_t kSqrtHalf = INT64_C(0x3fe6a09e667f3bcd);
    const u64 bits = reinterpret_cast<u64>(x) - static_cast<uint64_t>(kSqrtHalf);
    // Shifted as unsigned with 1024 added: AVX2 has no arithmetic shift of 64-bit integers.
    const u64 raised = bits + (UINT64_C(1024) << 52);
    const i64 k = reinterpret_cast<i64>(raised >> 52) - 1024;
    const f64 exponent = as_float(k + as_int(set1(kRoundF64))) - kRoundF64;
    return {k, exponent, as_float((reinterpret_cast<i64>(bits) & INT64_C(0x000fffffffffffff)) + kSqrtHalf) - 1.0};
}

// log(x): -inf at either zero, nan below, denormals taken at their value.
FASTNN_INLINE f64 log(f64 x) {
    const i64 normal = (x >= set1(0x1p-1022)) & (x < set1(__builtin_inf()));
    if (__builtin_expect(!any(~normal), 1)) {
        const LogPartsF64 parts = log_parts(x);
        return log_of_parts(parts.exponent, parts.fraction);
    }
    const i64 denormal = x < set1(0x1p-1022);
    const LogPartsF64 parts = log_parts(select(denormal, x * 0x1p52, x));
    f64 y = log_of_parts(parts.exponent - select(denormal, set1(52.0), set1(0.0)), parts.fraction);
    y = select(x == set1(__builtin_inf()), x, y);
    y = select(x == set1(0.0), set1(-__builtin_inf()), y);
    return select(x >= set1(0.0), y, set1(__builtin_nan("")));
}

// log(1 + u), with the sign of u: nan below -1, -inf at -1.
FASTNN_INLINE f64 log1p(f64 u) {
    const f64 w = u + 1.0;
    const f64 back = w - 1.0;
    const f64 c = (set1(1.0) - (w - back)) + (u - back);
    const LogPartsF64 parts = log_parts(w);
    const f64 scale = as_float(((1023 - parts.k) << 52) & (parts.k < 1024));
    f64 y = log_of_parts(parts.exponent, fma(c, scale, parts.fraction));
    const i64 inside = (u > set1(-1.0)) & (u < set1(__builtin_inf()));
    if (__builtin_expect(any(~inside), 0)) {
        y = select(u == set1(__builtin_inf()), u, y);
        y = select(u == set1(-1.0), set1(-__builtin_inf()), y);
        y = select(u >= set1(-1.0), y, set1(__builtin_nan("")));
    }
    return copysign(y, u);
}

// ---- expm1, tanh, erf ------------------------------------------------------------------------------------------

// exp(x) - 1, with the sign of x.
FASTNN_INLINE f64 expm1(f64 x) {
    const ExpPartsF64 e = exp_parts(max(set1(-40.0), min(set1(710.0), x)));
    // Half of the power and doubled at the end, since 2^1024 is no number although results near it are.
    const f64 half_power = power_of_two(e.steps - 1.0);
    const f64 y = fma(half_power, e.rest, half_power - 0.5);
    return select(abs(x) < set1(0x1p-54), x, y + y);
}

// Near 0 a rational function (Cephes, tanh.c), elsewhere 1 - 2 / (exp(2 |x|) + 1); one division serves both.
FASTNN_INLINE f64 tanh(f64 x) {
    constexpr double kP[] = {-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1};
    constexpr double kQ[] = {4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0};
    const f64 a = abs(x), z = x * x, bounded = min(set1(22.0), a);
    const i64 near = a < set1(0.625);
    const f64 numerator = select(near, a * z * polynomial(z, kP), set1(-2.0));
    const f64 denominator = select(near, polynomial(z, kQ), exp_in_range(bounded + bounded) + 1.0);
    return copysign(select(near, a, set1(1.0)) + numerator / denominator, x);
}

// P(N > u) for a standard normal N and u >= 0, given e = exp(-u^2 / 2) to the last bit: e times a fit of
// exp(u^2 / 2) P(N > u) (u + 5) in q = (u - 5) / (u + 5).
FASTNN_INLINE f64 normal_tail(f64 u, f64 e) {
    constexpr double kTail[] = {
        0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca16p-1, 0x1.fb31653876f9ap-2,   -0x1.410ed5f875b44p-2,
        0x1.51f6329f01538p-3,   -0x1.1b1c254c93e14p-4, 0x1.54b4d4f4cfb47p-6,   -0x1.88590eb6626edp-9,
        -0x1.a25037e303a98p-11, 0x1.1daf1eb6ee8cbp-11, -0x1.f2145e78d1888p-15, -0x1.a17140315ca2cp-15,
        0x1.17dcf8a51b993p-16,  0x1.0b317f922e19ap-18, -0x1.73a801fd3f628p-19, -0x1.6aa61c8c46447p-22,
        0x1.d097e3d3c3124p-22,  0x1.76a0632334a1cp-25, -0x1.188bc2e5f6ca3p-24, -0x1.5ed7663217f28p-27,
        0x1.ed89c5ce24bdep-28,  0x1.14c9800e2306fp-29};
    const f64 t = set1(1.0) / (u + 5.0);
    f64 q = (u - 5.0) * t;
    q = fma(t, fnma(q, u, fnma(set1(5.0), q + 1.0, u)), q);
    return polynomial_in_two(q, q * q, kTail) * t * e;
}
// exp(-u^2 / 2): the rounding error of u^2 is put back, or the tail would lose as many digits as u^2 has.
FASTNN_INLINE f64 exp_half_square(f64 u) {
    const f64 square = u * u;
    const f64 e = exp(square * -0.5);
    return fnma(e, square_error(u, square) * 0.5, e);
}
constexpr double kTailEndF64 = 39.0;  // beyond it both are 0

FASTNN_INLINE f64 erf(f64 x) {
    constexpr double kErf[] = {0x1.06eba8214db68p-3,   -0x1.812746b0379e2p-2,  0x1.ce2f21a0427e1p-4,
                               -0x1.b82ce31271dd8p-6,  0x1.565bcd0a31c93p-8,   -0x1.c02db3140e53fp-11,
                               0x1.f9a306282416ep-14,  -0x1.f4cf593c1fcc2p-17, 0x1.b9b75ea01f271p-20,
                               -0x1.5d83614c1f5e4p-23, 0x1.e29e5ef522ddep-27,  -0x1.d24b8acde731fp-31};
    const f64 a = abs(x), z = a * a, u = min(set1(6.2), a) * 0x1.6a09e667f3bcdp+0;
    const f64 tail = normal_tail(u, exp_in_range(u * u * -0.5));
    const f64 near = fma(a, polynomial_in_two(z, z * z, kErf), a), far = set1(1.0) - (tail + tail);
    return copysign(select(a < set1(0.9), near, far), x);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
