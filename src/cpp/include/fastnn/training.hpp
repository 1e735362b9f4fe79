// The losses and the optimizer steps of operations.h in C++17; see operations.hpp.
#ifndef FASTNN_TRAINING_HPP
#define FASTNN_TRAINING_HPP

#include "operations.hpp"

namespace fastnn {
inline namespace api {

// ---- cross_entropy ----

// Class indices (rows,), or probabilities (rows, classes).
template <class T>
struct Targets {
    View<const std::int64_t> indices;
    Matrix<const T> probabilities;

    template <class Indices, class = std::enable_if_t<std::is_convertible_v<Indices&&, View<const std::int64_t>>>>
    Targets(Indices&& of) : indices(std::forward<Indices>(of)) {}
    Targets(Matrix<const T> of) noexcept : probabilities(of) {}
    Targets(Matrix<T> of) noexcept : probabilities(of) {}
};

template <class T>
struct ClassLossOptions {
    View<const T> weight = {};         // (classes,)
    std::int64_t ignore_index = -100;  // not of categorical_cross_entropy
    double label_smoothing = 0.0;
    fastnn_reduction reduction = FASTNN_MEAN;
    double dloss = 1.0;          // with_grad: the gradient is multiplied by it,
    View<const T> dlosses = {};  // or by these (rows,)
};

namespace detail {

template <class T>
void require_class_loss(Matrix<const T> x, const Targets<T>& targets, View<T> loss,
                        const ClassLossOptions<T>& options) {
    require_size(targets.indices, x.rows());
    require_shape(targets.probabilities, x.rows(), x.columns());
    require_size(options.weight, x.columns());
    require_size(options.dlosses, x.rows());
    require_same(loss.size(), options.reduction == FASTNN_NONE ? x.rows() : 1);
}

}  // namespace detail

// loss: one number, or (rows,) with FASTNN_NONE.
template <class T>
void cross_entropy(detail::InputMatrix<T> logits, detail::Given<Targets<T>> targets, View<T> loss,
                   const detail::Given<ClassLossOptions<T>>& options = {}, Scratch scratch = {}) {
    detail::require_class_loss(logits, targets, loss, options);
    detail::require(detail::C<T>::cross_entropy(logits.rows(), logits.columns(), logits.data(), targets.indices.data(),
                                                targets.probabilities.data(), options.weight.data(),
                                                options.ignore_index, options.label_smoothing, options.reduction,
                                                loss.data(), scratch.data, scratch.bytes));
}

template <class T>
void cross_entropy_with_grad(detail::InputMatrix<T> logits, detail::Given<Targets<T>> targets, View<T> loss,
                             Matrix<T> dlogits, const detail::Given<ClassLossOptions<T>>& options = {},
                             Scratch scratch = {}) {
    detail::require_class_loss(logits, targets, loss, options);
    detail::require_shape(dlogits, logits.rows(), logits.columns());
    detail::require(detail::C<T>::cross_entropy_with_grad(
        logits.rows(), logits.columns(), logits.data(), targets.indices.data(), targets.probabilities.data(),
        options.weight.data(), options.dlosses.data(), options.ignore_index, options.label_smoothing, options.reduction,
        options.dloss, loss.data(), dlogits.data(), scratch.data, scratch.bytes));
}

template <class T>
void categorical_cross_entropy(detail::InputMatrix<T> p, detail::Given<Targets<T>> targets, View<T> loss,
                               const detail::Given<ClassLossOptions<T>>& options = {}, Scratch scratch = {}) {
    detail::require_class_loss(p, targets, loss, options);
    detail::require(detail::C<T>::categorical_cross_entropy(
        p.rows(), p.columns(), p.data(), targets.indices.data(), targets.probabilities.data(), options.weight.data(),
        options.label_smoothing, options.reduction, loss.data(), scratch.data, scratch.bytes));
}

template <class T>
void categorical_cross_entropy_with_grad(detail::InputMatrix<T> p, detail::Given<Targets<T>> targets, View<T> loss,
                                         Matrix<T> dp, const detail::Given<ClassLossOptions<T>>& options = {},
                                         Scratch scratch = {}) {
    detail::require_class_loss(p, targets, loss, options);
    detail::require_shape(dp, p.rows(), p.columns());
    detail::require(detail::C<T>::categorical_cross_entropy_with_grad(
        p.rows(), p.columns(), p.data(), targets.indices.data(), targets.probabilities.data(), options.weight.data(),
        options.dlosses.data(), options.label_smoothing, options.reduction, options.dloss, loss.data(), dp.data(),
        scratch.data, scratch.bytes));
}

// Of all four.
template <class T>
std::size_t cross_entropy_scratch(std::int64_t rows, std::int64_t classes) noexcept {
    return detail::C<T>::cross_entropy_scratch(rows, classes);
}

// ---- loss ----

template <class T>
struct LossOptions {
    View<const T> weight = {};  // (rows,)
    double delta = 1.0;         // of FASTNN_HUBER
    fastnn_reduction reduction = FASTNN_MEAN;
    double dloss = 1.0;          // with_grad: the gradient is multiplied by it,
    View<const T> dlosses = {};  // or by these, of the losses' shape
};

namespace detail {

template <class T>
void require_loss(fastnn_loss_kind kind, Matrix<const T> y, Matrix<const T> targets, View<T> result,
                  const LossOptions<T>& options) {
    const std::int64_t losses = kind == FASTNN_SUM_SQUARED_ERROR ? y.rows() : y.rows() * y.columns();
    require_shape(targets, y.rows(), y.columns());
    require_size(options.weight, y.rows());
    require_size(options.dlosses, losses);
    require_same(result.size(), options.reduction == FASTNN_NONE ? losses : 1);
}

}  // namespace detail

// result: one number, or one for each element (row: FASTNN_SUM_SQUARED_ERROR) with FASTNN_NONE.
template <class T>
void loss(fastnn_loss_kind kind, detail::InputMatrix<T> y, detail::InputMatrix<T> targets, View<T> result,
          const detail::Given<LossOptions<T>>& options = {}, Scratch scratch = {}) {
    detail::require_loss(kind, y, targets, result, options);
    detail::require(detail::C<T>::loss(y.rows(), y.columns(), y.data(), targets.data(), options.weight.data(), kind,
                                       options.delta, options.reduction, result.data(), scratch.data, scratch.bytes));
}

template <class T>
void loss_with_grad(fastnn_loss_kind kind, detail::InputMatrix<T> y, detail::InputMatrix<T> targets, View<T> result,
                    Matrix<T> dy, const detail::Given<LossOptions<T>>& options = {}, Scratch scratch = {}) {
    detail::require_loss(kind, y, targets, result, options);
    detail::require_shape(dy, y.rows(), y.columns());
    detail::require(detail::C<T>::loss_with_grad(y.rows(), y.columns(), y.data(), targets.data(), options.weight.data(),
                                                 options.dlosses.data(), kind, options.delta, options.reduction,
                                                 options.dloss, result.data(), dy.data(), scratch.data, scratch.bytes));
}

// Of both.
template <class T>
std::size_t loss_scratch(std::int64_t rows, std::int64_t columns) noexcept {
    return detail::C<T>::loss_scratch(rows, columns);
}

// ---- optimizer ----

struct SgdOptions {
    double lr, momentum = 0.0;
    bool nesterov = false;
    double weight_decay = 0.0;
};
struct AdamOptions {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.0;
    bool decoupled = false;
};
struct RmspropOptions {
    double lr, alpha = 0.99, eps = 1e-8, momentum = 0.0, weight_decay = 0.0;
};
struct AdagradOptions {
    double lr, eps = 1e-10, weight_decay = 0.0;
};

// velocity may be absent.
template <class T>
void sgd_step(View<T> p, detail::Input<T> g, detail::Given<View<T>> velocity, const SgdOptions& options) {
    detail::require_same(p.size(), g.size());
    detail::require_size(velocity, p.size());
    detail::require(detail::C<T>::sgd_step(p.size(), p.data(), g.data(), velocity.data(), options.lr, options.momentum,
                                           options.nesterov, options.weight_decay));
}

template <class T>
void adam_step(View<T> p, detail::Input<T> g, detail::Given<View<T>> m, detail::Given<View<T>> v, std::int64_t step,
               const AdamOptions& options = {}) {
    detail::require_same(p.size(), g.size());
    detail::require_same(p.size(), m.size());
    detail::require_same(p.size(), v.size());
    detail::require(detail::C<T>::adam_step(p.size(), p.data(), g.data(), m.data(), v.data(), step, options.lr,
                                            options.beta1, options.beta2, options.eps, options.weight_decay,
                                            options.decoupled));
}

// momentum_buffer may be absent.
template <class T>
void rmsprop_step(View<T> p, detail::Input<T> g, detail::Given<View<T>> v, detail::Given<View<T>> momentum_buffer,
                  const RmspropOptions& options) {
    detail::require_same(p.size(), g.size());
    detail::require_same(p.size(), v.size());
    detail::require_size(momentum_buffer, p.size());
    detail::require(detail::C<T>::rmsprop_step(p.size(), p.data(), g.data(), v.data(), momentum_buffer.data(),
                                               options.lr, options.alpha, options.eps, options.momentum,
                                               options.weight_decay));
}

template <class T>
void adagrad_step(View<T> p, detail::Input<T> g, detail::Given<View<T>> s, const AdagradOptions& options) {
    detail::require_same(p.size(), g.size());
    detail::require_same(p.size(), s.size());
    detail::require(detail::C<T>::adagrad_step(p.size(), p.data(), g.data(), s.data(), options.lr, options.eps,
                                               options.weight_decay));
}

// Of the arrays x[i] (sizes[i],).
template <class T>
double global_norm(View<const std::int64_t> sizes, View<const T* const> x, Scratch scratch = {}) {
    detail::require_same(sizes.size(), x.size());
    double norm = 0.0;
    detail::require(detail::C<T>::global_norm(x.size(), sizes.data(), x.data(), &norm, scratch.data, scratch.bytes));
    return norm;
}
template <class T>
std::size_t global_norm_scratch(std::int64_t largest) noexcept {
    return detail::C<T>::global_norm_scratch(largest);
}

}  // namespace api
}  // namespace fastnn

#endif
