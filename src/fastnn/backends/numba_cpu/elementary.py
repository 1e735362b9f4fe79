"""exp, log and their kin over vectors of either dtype: explicit fused steps, no libm, no branches.

The coefficients are those of the native kernels (math_f64.h, math_f32.h in src/cpp/kernels, where their sources are
named); where float32 needs fewer they are rounded. Errors are a few units in the last place: tests/test_numba.py.
"""

from __future__ import annotations

from .compiling import inlined
from .simd import absolute, as_bits, as_float, copy_sign, fma, pick, polynomial, select


def _numbers(text: str) -> tuple[float, ...]:
    """Hexadecimal floats, as C and float.fromhex write them."""
    return tuple(map(float.fromhex, text.split()))


# 1.5 * 2^23 and 1.5 * 2^52: adding one rounds to an integer, left in the low bits. Pairs are (float32, float64).
ROUND = (12582912.0, 6755399441055744.0)
(LOG2_E,) = _numbers("0x1.71547652b82fep+0")
# log(2) as a head with trailing zero bits, so that small integers times it are exact, and the rest.
LN2_HEAD = _numbers("0x1.62e8p-1 0x1.62e42fefa2p-1")
LN2_TAIL = _numbers("-0x1.e8082ep-16 0x1.9ef35793c7673p-41")
EXPM1_F32 = _numbers("0x1p-1 0x1.555554p-3 0x1.5554b0p-5 0x1.11118ap-7 0x1.6d723ep-10 0x1.a032c6p-13")
EXPM1_F64 = _numbers("""
    0x1.000000000000ap-1 0x1.55555555554f9p-3 0x1.555555555083ep-5 0x1.1111111127d15p-7 0x1.6c16c18438af4p-10
    0x1.a01a012a0d4b0p-13 0x1.a01999e26516bp-16 0x1.71df25b6d85c5p-19 0x1.28ad9b8453dd6p-22 0x1.ad7f397977a54p-26
""")
LOG = _numbers("""
    0x1.5555555555593p-1 0x1.999999997fb30p-2 0x1.2492494217b31p-2 0x1.c71c51e7ecba5p-3 0x1.7466462e07630p-3
    0x1.39a0f4ec06354p-3 0x1.2f0d8ef13328fp-3
""")
SQRT_HALF_BITS = (0x3F3504F3, 0x3FE6A09E667F3BCD)
TANH_P = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
TANH_Q = (4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0)
TAIL_F32 = _numbers("""
    0x1.82b4bcp-1 -0x1.373e38p-1 0x1.8c6d9ep-2 -0x1.7e0006p-3 0x1.eed3e0p-5 -0x1.ed28a2p-8 -0x1.cc55d0p-9
    0x1.9b757cp-10 0x1.7613bcp-13 -0x1.15bb36p-13
""")
TAIL_F64 = _numbers("""
    0x1.89d3abe1f95aep-1 -0x1.54ad03f27ca16p-1 0x1.fb31653876f9ap-2 -0x1.410ed5f875b44p-2 0x1.51f6329f01538p-3
    -0x1.1b1c254c93e14p-4 0x1.54b4d4f4cfb47p-6 -0x1.88590eb6626edp-9 -0x1.a25037e303a98p-11 0x1.1daf1eb6ee8cbp-11
    -0x1.f2145e78d1888p-15 -0x1.a17140315ca2cp-15 0x1.17dcf8a51b993p-16 0x1.0b317f922e19ap-18 -0x1.73a801fd3f628p-19
    -0x1.6aa61c8c46447p-22 0x1.d097e3d3c3124p-22 0x1.76a0632334a1cp-25 -0x1.188bc2e5f6ca3p-24 -0x1.5ed7663217f28p-27
    0x1.ed89c5ce24bdep-28 0x1.14c9800e2306fp-29
""")
# Beyond these exp(-u^2 / 2) and the tail are 0.
TAIL_END = (15.0, 39.0)

INFINITY = float("inf")
NAN = float("nan")


@inlined
def larger(x, y):
    """The larger of two; x where it is nan."""
    return select(x < y, y, x)


@inlined
def smaller(x, y):
    """The smaller of two; x where it is nan."""
    return select(x > y, y, x)


@inlined
def power_of_two(steps):
    """2^n for the integer that `steps`, a sum with ROUND, holds in its low bits; normal results only."""
    return as_float((as_bits(steps) << pick(steps, 23, 52)) + pick(steps, 0x3F800000, 0x3FF0000000000000))


@inlined
def exp_parts(x):
    """exp(x) = 2^n (1 + rest): `steps` holds n in its low bits."""
    steps = fma(x, LOG2_E, pick(x, ROUND[0], ROUND[1]))
    n = steps - pick(x, ROUND[0], ROUND[1])
    r = fma(n, -pick(x, LN2_HEAD[0], LN2_HEAD[1]), x)
    r = fma(n, -pick(x, LN2_TAIL[0], LN2_TAIL[1]), r)
    return steps, fma(polynomial(r, pick(x, EXPM1_F32, EXPM1_F64)), r * r, r)


@inlined
def exp_in_range(x):
    """exp(x) for |x| <= 87 (float32) or 708 (float64); anything may come out elsewhere."""
    steps, rest = exp_parts(x)
    power = power_of_two(steps)
    return fma(power, rest, power)


@inlined
def exp_of_negative(x):
    """exp(x) for x <= 88: results below the normal range are rounded into it, nan gives nan."""
    steps, rest = exp_parts(larger(x, pick(x, -104.5, -746.0)))
    # 2^n in two halves, either of them normal, so that only the last product rounds.
    n = steps - pick(x, ROUND[0], ROUND[1])
    half = fma(n, 0.5, pick(x, ROUND[0], ROUND[1]))
    other = (n - (half - pick(x, ROUND[0], ROUND[1]))) + pick(x, ROUND[0], ROUND[1])
    return (rest + 1.0) * power_of_two(half) * power_of_two(other)


@inlined
def exp(x):
    """exp(x) for every x: overflow gives inf, nan gives nan."""
    return exp_of_negative(smaller(x, pick(x, 89.0, 710.0)))


@inlined
def expm1(x):
    """exp(x) - 1, with the sign of x."""
    steps, rest = exp_parts(larger(smaller(x, pick(x, 89.0, 710.0)), -40.0))
    # Half of the power and doubled at the end, since 2^128 and 2^1024 are no numbers although results near them are.
    half_power = power_of_two(steps - 1.0)
    y = fma(half_power, rest, half_power - 0.5)
    return select(absolute(x) < pick(x, 2.0**-26, 2.0**-54), x, y + y)


@inlined
def _log_of_parts(k, f):
    """log(2^k (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)], after fdlibm's e_log.c."""
    head = fma(k, pick(k, LN2_HEAD[0], LN2_HEAD[1]), f)
    tail = f - fma(k, -pick(k, LN2_HEAD[0], LN2_HEAD[1]), head)
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    correction = fma(s, fma(polynomial(z, LOG), z, half_square), fma(k, pick(k, LN2_TAIL[0], LN2_TAIL[1]), tail))
    return head - (half_square - correction)


@inlined
def _log_parts(x):
    """x = 2^k (1 + fraction) for positive normal x: k as an integer and as a float, and the fraction."""
    bits = as_bits(x) - pick(x, SQRT_HALF_BITS[0], SQRT_HALF_BITS[1])
    k = bits >> pick(x, 23, 52)
    # The low bits of ROUND hold an integer: so it becomes a float without a conversion, which AVX2 lacks for 64 bits.
    exponent = as_float(k + pick(x, 0x4B400000, 0x4338000000000000)) - pick(x, ROUND[0], ROUND[1])
    mantissa = bits & pick(x, 0x007FFFFF, 0x000FFFFFFFFFFFFF)
    return k, exponent, as_float(mantissa + pick(x, SQRT_HALF_BITS[0], SQRT_HALF_BITS[1])) - 1.0


@inlined
def log(x):
    """log(x): -inf at either zero, nan below, denormals taken at their value."""
    denormal = x < pick(x, 2.0**-126, 2.0**-1022)
    _, k, f = _log_parts(select(denormal, x * pick(x, 2.0**23, 2.0**52), x))
    y = _log_of_parts(k - select(denormal, x * 0.0 + pick(x, 23.0, 52.0), x * 0.0), f)
    y = select(x == INFINITY, x, y)
    y = select(x == 0.0, -INFINITY, y)
    return select(x >= 0.0, y, NAN)


@inlined
def log1p(u):
    """log(1 + u), with the sign of u: nan below -1, -inf at -1."""
    # 1 + u = w + c exactly (Knuth's two-sum); then c, scaled as w is, goes into the fraction.
    w = u + 1.0
    back = w - 1.0
    c = (1.0 - (w - back)) + (u - back)
    k, exponent, fraction = _log_parts(w)
    scale = as_float((pick(u, 127, 1023) - k) << pick(u, 23, 52))
    y = _log_of_parts(exponent, select(exponent < pick(u, 127.0, 1023.0), fma(c, scale, fraction), fraction))
    y = select(u == INFINITY, u, y)
    y = select(u == -1.0, -INFINITY, y)
    return copy_sign(select(u >= -1.0, y, NAN), u)


@inlined
def tanh(x):
    """Near 0 a rational function (Cephes, tanh.c), elsewhere 1 - 2 / (exp(2 |x|) + 1); one division serves both."""
    a = absolute(x)
    z = x * x
    bounded = smaller(a, 22.0)
    near = a < 0.625
    numerator = select(near, a * z * polynomial(z, TANH_P), -2.0)
    denominator = select(near, polynomial(z, TANH_Q), exp_in_range(bounded + bounded) + 1.0)
    return copy_sign(select(near, a, 1.0) + numerator / denominator, x)


@inlined
def sigmoid(x):
    """1 / (1 + exp(-x)), by exp(-|x|), which cannot overflow."""
    e = exp_of_negative(-absolute(x))
    return select(x < 0.0, e, 1.0) / (e + 1.0)


@inlined
def exp_half_square(u):
    """exp(-u^2 / 2): the rounding error of u^2 is put back."""
    square = u * u
    e = exp_of_negative(square * -0.5)
    return fma(e, fma(u, u, -square) * -0.5, e)


@inlined
def normal_tail(u, e):
    """P(N > u) for a standard normal N and 0 <= u <= TAIL_END, given e = exp(-u^2 / 2).

    e times a fit of exp(u^2 / 2) P(N > u) (u + s) in q = (u - s) / (u + s), with s = 4 (float32) or 5.
    """
    shift = pick(u, 4.0, 5.0)
    t = 1.0 / (u + shift)
    q = (u - shift) * t
    # One step of refinement: u - s - q (u + s) without its cancellation.
    q = fma(t, fma(-q, u, fma(q + 1.0, -shift, u)), q)
    return polynomial(q, pick(u, TAIL_F32, TAIL_F64)) * t * e
