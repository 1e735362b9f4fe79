// exp, log and their kin for float32: one sequence of explicit FMAs for every instruction set, no libm, no table in
// memory beyond eight floats. Measured errors: docs/accuracy.md. Polynomials without another source are minimax fits
// (Remez exchange in 50 digits, error relative to the function's value, coefficients then rounded to float32).
#ifndef FASTNN_KERNELS_MATH_F32_H
#define FASTNN_KERNELS_MATH_F32_H

#include "polynomial.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// log(2) as a head with ten trailing zero bits, so that small integers times it are exact, and the rest.
constexpr float kLn2HeadF32 = 0x1.62e8p-1f;
constexpr float kLn2TailF32 = -0x1.e8082ep-16f;

// ---- exp -------------------------------------------------------------------------------------------------------

// exp(x) = 2^(n/8) * e^r with n = round(8 x / log 2), in pieces: `steps` holds n in its low bits (as the integer
// 0x4b400000 + n), `power` is 2^(j/8) for j = n mod 8 less j in the exponent's low bits, `rest` is (e^r - 1) with the
// rounding error of the tabled power added.
struct ExpParts {
    i32 steps;
    i32 power;
    f32 rest;
};
FASTNN_INLINE ExpParts exp_parts(f32 x) {
    // float bits of 2^(j/8) minus j << 20: adding n << 20 then leaves only n / 8 in the exponent.
    static const uint32_t kPower[8] = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                                       0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
    // (2^(j/8) - T) / T, where T is 2^(j/8) rounded to float32.
    static const float kPowerError[8] = {0.0f,
                                         -0x1.9c0c22p-27f,
                                         0x1.125002p-25f,
                                         -0x1.0a3550p-25f,
                                         0x1.26055cp-26f,
                                         0x1.67a1cap-28f,
                                         -0x1.f9c304p-27f,
                                         -0x1.a5217cp-28f};
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer, left in the low bits
    const f32 t = fma(x, set1(11.541560327111707f), set1(kRound));
    const f32 n = t - kRound;
    f32 r = fnma(n, set1(kLn2HeadF32 / 8), x);
    r = fnma(n, set1(kLn2TailF32 / 8), r);
    // Taken over as found, not fitted like the others; every float32 has been run through them.
    constexpr float kExp[] = {1.0f, 0x1.00087ap-1f, 0x1.5556fap-3f};
    ExpParts parts;
    parts.steps = as_int(t);
    parts.power = as_int(lookup8(reinterpret_cast<const float*>(kPower), parts.steps));
    parts.rest = fma(polynomial(r, kExp), r, lookup8(kPowerError, parts.steps));
    return parts;
}

// 2^(n/8). Unsigned, as n may be anything in exp_in_range.
FASTNN_INLINE f32 tabled_power(const ExpParts& e) {
    return reinterpret_cast<f32>(reinterpret_cast<u32>(e.power) + (reinterpret_cast<u32>(e.steps) << 20));
}

// exp(x) where the caller knows that |x| <= 87.3; anything may come out elsewhere.
FASTNN_INLINE f32 exp_in_range(f32 x) {
    const ExpParts e = exp_parts(x);
    const f32 power = tabled_power(e);
    return fma(power, e.rest, power);
}
// The same with what the last rounding cut off.
struct ExpPair {
    f32 head, tail;
};
FASTNN_INLINE ExpPair exp_pair(f32 x) {
    const ExpParts e = exp_parts(x);
    const f32 power = tabled_power(e);
    const f32 head = fma(power, e.rest, power);
    return {head, fma(power, e.rest, power - head)};
}

// exp(x) for every x: overflow gives inf, results below the normal range are rounded into it, nan gives nan.
FASTNN_INLINE f32 exp(f32 x) {
    const i32 outside = as_int(abs(x)) > as_int(set1(87.3f));
    if (__builtin_expect(!any(outside), 1)) return exp_in_range(x);
    const ExpParts e = exp_parts(max(set1(-104.5f), min(set1(89.0f), x)));
    const i32 n = e.steps - INT32_C(0x4b400000);
    // 2^(n div 8) in two halves, either of them normal, so that only the last product rounds.
    const i32 whole = n >> 3, half = whole >> 1;
    const f32 power = as_float(e.power + ((n & 7) << 20));
    const f32 y = fma(power, e.rest, power);
    return y * as_float((half + 127) << 23) * as_float((whole - half + 127) << 23);
}

// The proof that a whole row is moderate, |x| < 64, so that exp_in_range may be used and no sum of fewer than 2^34
// terms overflows. Start at zero, add every vector, ask once at the end; nan and inf are not moderate.
constexpr float kModerateF32 = 64.0f;
FASTNN_INLINE i32 prove_moderate(i32 proof, f32 x) {
    const i32 magnitude = as_int(abs(x));
    return magnitude > proof ? magnitude : proof;
}
FASTNN_INLINE bool is_moderate(i32 proof) { return !any(proof >= as_int(set1(kModerateF32))); }

// ---- log -------------------------------------------------------------------------------------------------------

// log(2^k (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)]. k log 2 + f is kept as a sum of two, so that nothing cancels.
FASTNN_INLINE f32 log_of_parts(f32 k, f32 f) {
    const f32 head = fma(k, set1(kLn2HeadF32), f);
    const f32 tail = f - fnma(k, set1(kLn2HeadF32), head);
    constexpr float kLog[] = {-0.5f,          0x1.555546p-2f,  -0x1.000012p-2f, 0x1.99a53ep-3f,  -0x1.555ab0p-3f,
                              0x1.232d94p-3f, -0x1.fc3474p-4f, 0x1.e776cep-4f,  -0x1.de3ffcp-4f, 0x1.1374a0p-4f};
    return head + fma(polynomial(f, kLog), f * f, fma(k, set1(kLn2TailF32), tail));
}

// x = 2^k (1 + fraction) for positive normal x, k once as an integer and once as a float.
struct LogParts {
    i32 k;
    f32 exponent;
    f32 fraction;
};
FASTNN_INLINE LogParts log_parts(f32 x) {
    constexpr int32_t kSqrtHalf = 0x3f3504f3;
    // As unsigned: below zero, where the result does not matter, it overflows.
    const i32 bits = reinterpret_cast<i32>(reinterpret_cast<u32>(x) - static_cast<uint32_t>(kSqrtHalf));
    const i32 k = bits >> 23;
    return {k, __builtin_convertvector(k, f32), as_float((bits & INT32_C(0x007fffff)) + kSqrtHalf) - 1.0f};
}

// log(x): -inf at either zero, nan below, denormals taken at their value.
FASTNN_INLINE f32 log(f32 x) {
    const i32 special = (as_int(x) < INT32_C(0x00800000)) | (as_int(x) > INT32_C(0x7f7fffff));
    if (__builtin_expect(!any(special), 1)) {
        const LogParts parts = log_parts(x);
        return log_of_parts(parts.exponent, parts.fraction);
    }
    const i32 denormal = as_int(x) < INT32_C(0x00800000);
    const LogParts parts = log_parts(select(denormal, x * 0x1p23f, x));
    f32 y = log_of_parts(parts.exponent - select(denormal, set1(23.0f), set1(0.0f)), parts.fraction);
    y = select(x == set1(__builtin_inff()), x, y);
    y = select(x == set1(0.0f), set1(-__builtin_inff()), y);
    return select(x >= set1(0.0f), y, set1(__builtin_nanf("")));
}

// log(1 + u), with the sign of u: nan below -1, -inf at -1.
FASTNN_INLINE f32 log1p(f32 u) {
    // 1 + u = w + c exactly (Knuth's two-sum); then c, scaled as w is, goes into the fraction.
    const f32 w = u + 1.0f;
    const f32 back = w - 1.0f;
    const f32 c = (set1(1.0f) - (w - back)) + (u - back);
    const LogParts parts = log_parts(w);
    const f32 scale = as_float(((127 - parts.k) << 23) & (parts.k < 128));
    f32 y = log_of_parts(parts.exponent, fma(c, scale, parts.fraction));
    const i32 inside = (u > set1(-1.0f)) & (u < set1(__builtin_inff()));
    if (__builtin_expect(any(~inside), 0)) {
        y = select(u == set1(__builtin_inff()), u, y);
        y = select(u == set1(-1.0f), set1(-__builtin_inff()), y);
        y = select(u >= set1(-1.0f), y, set1(__builtin_nanf("")));
    }
    return copysign(y, u);
}

// ---- expm1, tanh, erf ------------------------------------------------------------------------------------------

// exp(x) - 1, with the sign of x.
FASTNN_INLINE f32 expm1(f32 x) {
    constexpr float kExpm1[] = {0.5f, 0x1.555554p-3f, 0x1.5554b0p-5f, 0x1.11118ap-7f, 0x1.6d723ep-10f, 0x1.a032c6p-13f};
    constexpr float kRound = 12582912.0f;
    const f32 clamped = max(set1(-20.0f), min(set1(89.0f), x));
    const f32 t = fma(clamped, set1(0x1.715476p+0f), set1(kRound));
    const f32 n = t - kRound;
    f32 r = fnma(n, set1(kLn2HeadF32), clamped);
    r = fnma(n, set1(kLn2TailF32), r);
    const f32 p = fma(polynomial(r, kExpm1), r * r, r);
    // Half of the power and doubled at the end, since 2^128 is no number although results near it are.
    const f32 half_power = as_float((as_int(t) << 23) + (126 << 23));
    const f32 y = fma(half_power, p, half_power - 0.5f);
    return select(abs(x) < set1(0x1p-26f), x, y + y);
}

// Near 0 a polynomial, elsewhere 1 - 2 / (exp(2 |x|) + 1).
FASTNN_INLINE f32 tanh(f32 x) {
    constexpr float kTanh[] = {-0x1.55554ap-2f, 0x1.110d26p-3f, -0x1.b9287ap-5f, 0x1.593d00p-6f, -0x1.9b301cp-8f};
    const f32 a = abs(x), z = x * x;
    const f32 near = fma(a * z, polynomial(z, kTanh), a);
    const f32 bounded = min(set1(10.0f), a);
    const f32 far = set1(1.0f) - set1(2.0f) / (exp_in_range(bounded + bounded) + 1.0f);
    return copysign(select(a < set1(0.55f), near, far), x);
}

// P(N > u) for a standard normal N and u >= 0, given e = exp(-u^2 / 2) to the last bit: e times a fit of
// exp(u^2 / 2) P(N > u) (u + 4) in q = (u - 4) / (u + 4).
FASTNN_INLINE f32 normal_tail(f32 u, f32 e) {
    constexpr float kTail[] = {0x1.82b4bcp-1f,  -0x1.373e38p-1f, 0x1.8c6d9ep-2f,  -0x1.7e0006p-3f, 0x1.eed3e0p-5f,
                               -0x1.ed28a2p-8f, -0x1.cc55d0p-9f, 0x1.9b757cp-10f, 0x1.7613bcp-13f, -0x1.15bb36p-13f};
    const f32 t = set1(1.0f) / (u + 4.0f);
    f32 q = (u - 4.0f) * t;
    // One step of refinement: u - 4 - q (u + 4) without its cancellation.
    q = fma(t, fnma(q, u, fnma(set1(4.0f), q + 1.0f, u)), q);
    return polynomial(q, kTail) * t * e;
}
// exp(-u^2 / 2): the rounding error of u^2 is put back, or the tail would lose as many digits as u^2 has.
FASTNN_INLINE f32 exp_half_square(f32 u) {
    const f32 square = u * u;
    const f32 e = exp(square * -0.5f);
    return fnma(e, square_error(u, square) * 0.5f, e);
}
constexpr float kTailEndF32 = 15.0f;  // beyond it both are 0

FASTNN_INLINE f32 erf(f32 x) {
    constexpr float kErf[] = {0x1.06eba8p-3f, -0x1.812744p-2f,  0x1.ce2e54p-4f, -0x1.b81524p-6f,
                              0x1.550a46p-8f, -0x1.aca396p-11f, 0x1.6510d0p-14f};
    const f32 a = abs(x), u = min(set1(4.2f), a) * 0x1.6a09e6p+0f;
    const f32 tail = normal_tail(u, exp_in_range(u * u * -0.5f));
    const f32 near = fma(a, polynomial(a * a, kErf), a), far = set1(1.0f) - (tail + tail);
    return copysign(select(a < set1(0.9f), near, far), x);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
