// The formulas of the activations over vectors: activate is f(z), slope_times is dy f' from y or from z.
// max(a, b) and min(a, b) are b where one of them is nan, so the operand that may be nan stands second.
#ifndef FASTNN_KERNELS_ACTIVATION_KINDS_H
#define FASTNN_KERNELS_ACTIVATION_KINDS_H

#include "activation.h"
#include "math.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Klambauer et al., "Self-Normalizing Neural Networks", 2017, appendix A.1.
constexpr double kSeluAlpha = 1.6732632423543772848;
constexpr double kSeluScale = 1.0507009873554804934;
// Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016: 2 sqrt(2 / pi) (z + 0.044715 z^3) inside a sigmoid.
constexpr double kGeluInner = 1.5957691216057307117;
constexpr double kGeluCubic = 0.044715 * kGeluInner;
constexpr double kInverseSqrtTwoPi = 0.39894228040143267794;
// From here on tanh(log(1 + exp(z))) is 1 in either type.
constexpr double kMishEnd = 25.0;

// Phi(z), the normal distribution function, and its density at z without the factor 1 / sqrt(2 pi).
template <class T>
struct Normal {
    vec<T> below, density;
};
template <class T>
FASTNN_INLINE Normal<T> normal(vec<T> z) {
    const vec<T> u = min(constant<T>(sizeof(T) == 4 ? kTailEndF32 : kTailEndF64), abs(z));
    const vec<T> density = exp_half_square(u), tail = normal_tail(u, density);
    return {select(z < vec<T>{}, tail, constant<T>(1) - tail), density};
}

// sigmoid(t) and its derivative s (1 - s), which is taken from the exponential so that 1 - s does not cancel.
template <class T>
struct Logistic {
    vec<T> value, slope;
};
template <class T>
FASTNN_INLINE Logistic<T> logistic(vec<T> t) {
    const vec<T> e = exp(-abs(t)), one = constant<T>(1), inverse = one / (one + e);
    return {select(t < vec<T>{}, e, one) * inverse, e * inverse * inverse};
}

template <class T>
FASTNN_INLINE vec<T> relu6(vec<T> z) {
    return min(constant<T>(6), max(vec<T>{}, z));
}

template <Kind kKind, class T>
FASTNN_INLINE vec<T> activate(vec<T> z, vec<T> parameter) {
    const vec<T> zero = {}, one = constant<T>(1);
    if constexpr (kKind == Kind::step) return select(z <= zero, zero, one);
    if constexpr (kKind == Kind::sign) return select(z > zero, one, select(z < zero, -one, zero));
    if constexpr (kKind == Kind::sigmoid) return sigmoid(z);
    if constexpr (kKind == Kind::tanh) return tanh(z);
    if constexpr (kKind == Kind::relu) return max(zero, z);
    if constexpr (kKind == Kind::relu6) return relu6<T>(z);
    if constexpr (kKind == Kind::leaky_relu) return select(z > zero, z, parameter * z);
    if constexpr (kKind == Kind::elu) return select(z > zero, z, parameter * expm1(z));
    if constexpr (kKind == Kind::selu) {
        return select(z > zero, constant<T>(kSeluScale) * z, constant<T>(kSeluScale * kSeluAlpha) * expm1(z));
    }
    if constexpr (kKind == Kind::celu) return select(z > zero, z, parameter * expm1(z / parameter));
    if constexpr (kKind == Kind::softplus) {
        const vec<T> t = parameter * z;
        // Beyond 40 the logarithm is nothing beside t, and z is right even where t overflows.
        return select(t > constant<T>(40), z, (max(zero, t) + log1p(exp(-abs(t)))) / parameter);
    }
    if constexpr (kKind == Kind::softsign) return z / (one + abs(z));
    if constexpr (kKind == Kind::swish) return z * sigmoid(parameter * z);
    if constexpr (kKind == Kind::gelu) return z * normal<T>(z).below;
    if constexpr (kKind == Kind::gelu_tanh) {
        return z * sigmoid(z * fma(constant<T>(kGeluCubic), z * z, constant<T>(kGeluInner)));
    }
    if constexpr (kKind == Kind::mish) {
        // tanh(log(1 + n)) = w / (w + 2) with w = n (n + 2), n = exp(z).
        const vec<T> n = exp(min(constant<T>(kMishEnd), z)), w = n * (n + constant<T>(2));
        return z * (w / (w + constant<T>(2)));
    }
    if constexpr (kKind == Kind::hard_sigmoid) return relu6<T>(z + constant<T>(3)) / constant<T>(6);
    if constexpr (kKind == Kind::hard_swish) return z * (relu6<T>(z + constant<T>(3)) / constant<T>(6));
    if constexpr (kKind == Kind::exponential) return exp(z);
    return z;
}

// dy f', f' from y = f(z), or from z for the kinds and parameters that need it. Flat pieces select 0 instead of
// multiplying by it, so that dy = inf gives 0 there and not nan.
template <Kind kKind, class T>
FASTNN_INLINE vec<T> slope_times(vec<T> dy, vec<T> saved, vec<T> parameter) {
    const vec<T> zero = {}, one = constant<T>(1), y = saved, z = saved;
    const ivec<T> from_z = parameter < zero;  // of the three kinds below whose other sign takes y
    if constexpr (kKind == Kind::step || kKind == Kind::sign) return zero;
    if constexpr (kKind == Kind::sigmoid) return dy * (y * (one - y));
    if constexpr (kKind == Kind::tanh) return dy * fnma(y, y, one);
    if constexpr (kKind == Kind::relu) return select(y <= zero, zero, dy);
    if constexpr (kKind == Kind::relu6) return select((y <= zero) | (y >= constant<T>(6)), zero, dy);
    if constexpr (kKind == Kind::leaky_relu) return select(saved > zero, dy, dy * parameter);
    if constexpr (kKind == Kind::elu) {
        vec<T> slope = y + parameter;
        if (any(from_z)) slope = parameter * exp(z);
        return dy * select(saved > zero, one, slope);
    }
    if constexpr (kKind == Kind::selu) {
        return dy * select(y > zero, constant<T>(kSeluScale), y + constant<T>(kSeluScale * kSeluAlpha));
    }
    if constexpr (kKind == Kind::celu) {
        vec<T> slope = one + y / parameter;
        if (any(from_z)) slope = exp(z / parameter);
        return dy * select(saved > zero, one, slope);
    }
    if constexpr (kKind == Kind::softplus) return dy * -expm1(-parameter * y);
    if constexpr (kKind == Kind::softsign) return dy * ((one - abs(y)) * (one - abs(y)));
    if constexpr (kKind == Kind::swish) {
        const Logistic<T> s = logistic<T>(parameter * z);
        return dy * fma(z, parameter * s.slope, s.value);
    }
    if constexpr (kKind == Kind::gelu) {
        const Normal<T> n = normal<T>(z);
        return dy * fma(z, n.density * constant<T>(kInverseSqrtTwoPi), n.below);
    }
    if constexpr (kKind == Kind::gelu_tanh) {
        // Bounded, so that no square overflows where the slope is 0 already.
        const vec<T> b = max(constant<T>(-30), min(constant<T>(30), z)), square = b * b;
        const Logistic<T> s = logistic<T>(b * fma(constant<T>(kGeluCubic), square, constant<T>(kGeluInner)));
        const vec<T> inner = fma(constant<T>(3 * kGeluCubic), square, constant<T>(kGeluInner));
        return dy * fma(z, s.slope * inner, s.value);
    }
    if constexpr (kKind == Kind::mish) {
        // t = w / (w + 2) as above; z sigmoid(z) (1 - t^2) = z * 4 n (n + 1) / (w + 2)^2.
        const vec<T> n = exp(min(constant<T>(kMishEnd), z)), two = constant<T>(2), w = n * (n + two), sum = w + two;
        const vec<T> rest = (constant<T>(4) * n / sum) * ((n + one) / sum);
        return dy * fma(z, select(z > constant<T>(kMishEnd), zero, rest), w / sum);
    }
    if constexpr (kKind == Kind::hard_sigmoid) {
        return select((y > zero) & (y < one), dy / constant<T>(6), zero);
    }
    if constexpr (kKind == Kind::hard_swish) {
        const vec<T> three = constant<T>(3);
        return select(z <= -three, zero, select(z < three, dy * (z / three + constant<T>(0.5)), dy));
    }
    if constexpr (kKind == Kind::exponential) return dy * y;
    return dy;
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
