// The formulas of the elementwise losses: value(y, t, parameter) and slope, the derivative with respect to y.
// max(a, b) and min(a, b) are b where one of them is nan, so the operand that may be nan stands second.
#ifndef FASTNN_KERNELS_LOSS_KINDS_H
#define FASTNN_KERNELS_LOSS_KINDS_H

#include "math.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

template <class T>
struct MseLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) { return (y - t) * (y - t); }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) { return (y - t) + (y - t); }
};

template <class T>
struct MaeLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) { return abs(y - t); }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) {
        // 0 at nan, as in PyTorch.
        const vec<T> d = y - t, one = constant<T>(1);
        return select(d > vec<T>{}, one, vec<T>{}) - select(d < vec<T>{}, one, vec<T>{});
    }
};

template <class T>
struct HuberLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T> delta) {
        const vec<T> d = abs(y - t), half = constant<T>(0.5);
        return select(d < delta, half * d * d, delta * (d - half * delta));
    }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T> delta) {
        const vec<T> d = y - t;
        return select(abs(d) >= delta, copysign(delta, d), d);
    }
};

template <class T>
struct PoissonLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) { return fnma(t, log(y + constant<T>(1e-7)), y); }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) {
        return constant<T>(1) - t / (y + constant<T>(1e-7));
    }
};

template <class T>
struct HingeLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) { return max(vec<T>{}, fnma(t, y, constant<T>(1))); }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) {
        return select(fnma(t, y, constant<T>(1)) > vec<T>{}, -t, vec<T>{});
    }
};

template <class T>
struct BinaryCrossEntropyLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) {
        const vec<T> least = constant<T>(-100);
        const vec<T> log_y = max(least, log(y)), log_rest = max(least, log1p(-y));
        return fnma(t, log_y, (t - constant<T>(1)) * log_rest);
    }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) {
        return (y - t) / max(constant<T>(1e-12), y * (constant<T>(1) - y));
    }
};

template <class T>
struct LogitsLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T> t, vec<T>) {
        // PyTorch's order: at infinite y it says where the loss is nan.
        return fma(constant<T>(1) - t, y, -min(vec<T>{}, y)) + log1p(exp(-abs(y)));
    }
    FASTNN_INLINE static vec<T> slope(vec<T> y, vec<T> t, vec<T>) { return sigmoid(y) - t; }
};

template <class T>
struct ValueLoss {
    FASTNN_INLINE static vec<T> value(vec<T> y, vec<T>, vec<T>) { return y; }
    FASTNN_INLINE static vec<T> slope(vec<T>, vec<T>, vec<T>) { return constant<T>(1); }
};

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
