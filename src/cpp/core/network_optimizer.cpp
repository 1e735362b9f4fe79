#include "network_optimizer.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "optimizer.h"

namespace fastnn {

using std::ptrdiff_t;

int slots_of(const OptimizerOptions& options) {
    if (options.kind == OptimizerKind::adam) return 2;
    return (options.kind == OptimizerKind::sgd ? 0 : 1) + (options.momentum > 0.0 ? 1 : 0);
}

double first_value(const OptimizerOptions& options, int slot) {
    if (slot > 0) return 0.0;
    if (options.kind == OptimizerKind::rmsprop) return options.epsilon;
    return options.kind == OptimizerKind::adagrad ? options.initial + options.epsilon : 0.0;
}

template <class T>
void add_penalty(const Penalty& penalty, const T* p, T* g, ptrdiff_t n) {
    const T l1 = static_cast<T>(penalty.l1), l2 = static_cast<T>(2.0 * penalty.l2);
    for (ptrdiff_t i = 0; i < n; ++i) {
        const T sign = static_cast<T>((p[i] > T(0)) - (p[i] < T(0)));
        g[i] += l1 * sign + l2 * p[i];
    }
}

template <class T>
double penalty_of_row(const Penalty& penalty, const T* p, ptrdiff_t n) {
    double magnitudes = 0.0, squares = 0.0;
    for (ptrdiff_t i = 0; i < n; ++i) {
        const double value = static_cast<double>(p[i]);
        magnitudes += std::fabs(value);
        squares += value * value;
    }
    return penalty.l1 * magnitudes + penalty.l2 * squares;
}

template <class T>
void clip_values(double limit, T* g, ptrdiff_t n) {
    const T high = static_cast<T>(limit), low = -high;
    for (ptrdiff_t i = 0; i < n; ++i) g[i] = g[i] > high ? high : g[i] < low ? low : g[i];
}

template <class T>
void scale_values(double factor, T* g, ptrdiff_t n) {
    const T by = static_cast<T>(factor);
    for (ptrdiff_t i = 0; i < n; ++i) g[i] *= by;
}

template <class T>
OptimizerStep<T>::OptimizerStep(const OptimizerOptions& options, double rate, double correction1, double correction2)
    : kind_(options.kind), has_momentum_(options.momentum > 0.0), adam_() {
    const T momentum = static_cast<T>(options.momentum);
    // Every step of sgd is p -= lr g, so it also shrinks (g = p) and scales (p = 0, lr negative).
    decay_ = {static_cast<T>(rate * options.weight_decay), T(0), T(0), false};
    plain_ = {static_cast<T>(rate), T(0), T(0), false};
    scale_ = {static_cast<T>(-rate), T(0), T(0), false};
    moved_ = {T(1), momentum, T(0), options.nesterov};
    const double used = has_momentum_ ? -rate : rate;
    rmsprop_ = {};
    rmsprop_.lr = static_cast<T>(used);
    rmsprop_.alpha = static_cast<T>(options.rho);
    rmsprop_.one_minus_alpha = static_cast<T>(1.0 - options.rho);
    // v + epsilon decays to epsilon, not to 0.
    rmsprop_.added = static_cast<T>((1.0 - options.rho) * options.epsilon);
    adagrad_ = {static_cast<T>(rate), T(0), T(0)};
    if (kind_ == OptimizerKind::adam) {
        // Keras adds its epsilon to sqrt(v), before the correction.
        const double eps = options.epsilon / std::sqrt(correction2);
        adam_ = adam_constants<T>({1, rate, options.beta1, options.beta2, eps, options.weight_decay, true}, correction1,
                                  correction2);
    }
}

template <class T>
void OptimizerStep<T>::apply(T* p, const T* g, T* const* states, T* room, ptrdiff_t n) const {
    const auto& kernels = *kernels_of<T>().optimizer;
    if (kind_ == OptimizerKind::adam) {
        kernels.adam(adam_, p, g, states[0], states[1], n);
        return;
    }
    if (decay_.lr != T(0)) kernels.sgd(decay_, p, p, nullptr, n);
    if (kind_ == OptimizerKind::adagrad) {
        kernels.adagrad(adagrad_, p, g, states[0], n);
    } else if (!has_momentum_) {
        if (kind_ == OptimizerKind::sgd) {
            kernels.sgd(plain_, p, g, nullptr, n);
        } else {
            kernels.rmsprop(rmsprop_, p, g, states[0], nullptr, n);
        }
    } else {
        std::fill_n(room, n, T(0));
        if (kind_ == OptimizerKind::sgd) {
            kernels.sgd(scale_, room, g, nullptr, n);
        } else {
            kernels.rmsprop(rmsprop_, room, g, states[0], nullptr, n);
        }
        kernels.sgd(moved_, p, room, states[kind_ == OptimizerKind::sgd ? 0 : 1], n);
    }
}

#define FASTNN_INSTANTIATE(T)                                               \
    template void add_penalty<T>(const Penalty&, const T*, T*, ptrdiff_t);  \
    template double penalty_of_row<T>(const Penalty&, const T*, ptrdiff_t); \
    template void clip_values<T>(double, T*, ptrdiff_t);                    \
    template void scale_values<T>(double, T*, ptrdiff_t);                   \
    template class OptimizerStep<T>;
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)
#undef FASTNN_INSTANTIATE

}  // namespace fastnn
