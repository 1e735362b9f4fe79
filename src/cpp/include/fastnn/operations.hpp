// The operations of operations.h in C++17, where they are described. T is float or double: deduced from the outputs, or
// written down.
//
//     std::vector<float> x(32 * 784), w(784 * 10), b(10), y(32 * 10);
//     fastnn::dense<float>({x.data(), 32, 784}, {w.data(), 784, 10}, b, FASTNN_RELU, {y.data(), 32, 10});
//     const fastnn::Matrix out(y.data(), 32, 10);
//     fastnn::softmax(out, out);
#ifndef FASTNN_OPERATIONS_HPP
#define FASTNN_OPERATIONS_HPP

#include <cstring>

#include "base.hpp"

namespace fastnn {
inline namespace api {
namespace detail {

// The C functions of a dtype.
template <class T>
struct C;
#define FASTNN_DEFINE(T, S)                                                                                         \
    template <>                                                                                                     \
    struct C<T> {                                                                                                   \
        static constexpr auto dense = fastnn_dense_##S;                                                             \
        static constexpr auto dense_scratch = fastnn_dense_scratch_##S;                                             \
        static constexpr auto dense_backward = fastnn_dense_backward_##S;                                           \
        static constexpr auto dense_backward_scratch = fastnn_dense_backward_scratch_##S;                           \
        static constexpr auto packed_dense_bytes = fastnn_packed_dense_bytes_##S;                                   \
        static constexpr auto pack_dense = fastnn_pack_dense_##S;                                                   \
        static constexpr auto packed_dense = fastnn_packed_dense_##S;                                               \
        static constexpr auto packed_dense_scratch = fastnn_packed_dense_scratch_##S;                               \
        static constexpr auto activation = fastnn_activation_##S;                                                   \
        static constexpr auto activation_backward = fastnn_activation_backward_##S;                                 \
        static constexpr auto prelu = fastnn_prelu_##S;                                                             \
        static constexpr auto prelu_backward = fastnn_prelu_backward_##S;                                           \
        static constexpr auto prelu_backward_scratch = fastnn_prelu_backward_scratch_##S;                           \
        static constexpr auto rrelu = fastnn_rrelu_##S;                                                             \
        static constexpr auto rrelu_backward = fastnn_rrelu_backward_##S;                                           \
        static constexpr auto dropout = fastnn_dropout_##S;                                                         \
        static constexpr auto dropout_backward = fastnn_dropout_backward_##S;                                       \
        static constexpr auto softmax = fastnn_softmax_##S;                                                         \
        static constexpr auto softmax_backward = fastnn_softmax_backward_##S;                                       \
        static constexpr auto log_softmax = fastnn_log_softmax_##S;                                                 \
        static constexpr auto log_softmax_backward = fastnn_log_softmax_backward_##S;                               \
        static constexpr auto logsumexp = fastnn_logsumexp_##S;                                                     \
        static constexpr auto softmax_scratch = fastnn_softmax_scratch_##S;                                         \
        static constexpr auto cross_entropy = fastnn_cross_entropy_##S;                                             \
        static constexpr auto cross_entropy_with_grad = fastnn_cross_entropy_with_grad_##S;                         \
        static constexpr auto categorical_cross_entropy = fastnn_categorical_cross_entropy_##S;                     \
        static constexpr auto categorical_cross_entropy_with_grad = fastnn_categorical_cross_entropy_with_grad_##S; \
        static constexpr auto cross_entropy_scratch = fastnn_cross_entropy_scratch_##S;                             \
        static constexpr auto loss = fastnn_loss_##S;                                                               \
        static constexpr auto loss_with_grad = fastnn_loss_with_grad_##S;                                           \
        static constexpr auto loss_scratch = fastnn_loss_scratch_##S;                                               \
        static constexpr auto sgd_step = fastnn_sgd_step_##S;                                                       \
        static constexpr auto adam_step = fastnn_adam_step_##S;                                                     \
        static constexpr auto rmsprop_step = fastnn_rmsprop_step_##S;                                               \
        static constexpr auto adagrad_step = fastnn_adagrad_step_##S;                                               \
        static constexpr auto global_norm = fastnn_global_norm_##S;                                                 \
        static constexpr auto global_norm_scratch = fastnn_global_norm_scratch_##S;                                 \
    };
FASTNN_DEFINE(float, f32)
FASTNN_DEFINE(double, f64)
#undef FASTNN_DEFINE

// T is not deduced from these: they are converted to the type that the outputs give.
template <class T>
struct Same {
    using type = T;
};
template <class T>
using Given = typename Same<T>::type;
template <class T>
using Input = Given<View<const T>>;
template <class T>
using InputMatrix = Given<Matrix<const T>>;

inline void require_same(std::int64_t a, std::int64_t b) {
    if (a != b) throw error(FASTNN_BAD_SIZE);
}
// Of a matrix that is there.
template <class T>
void require_shape(Matrix<T> matrix, std::int64_t rows, std::int64_t columns) {
    if (matrix.data() == nullptr) return;
    require_same(matrix.rows(), rows);
    require_same(matrix.columns(), columns);
}
template <class T>
void require_size(View<T> view, std::int64_t size) {
    if (view.data() != nullptr) require_same(view.size(), size);
}

}  // namespace detail

// The weights (inputs, outputs) of a dense layer; `transposed`: in memory they are (outputs, inputs).
template <class T>
struct Weights {
    const T* data;
    std::int64_t inputs, outputs;
    bool transposed;

    Weights(const T* data_, std::int64_t inputs_, std::int64_t outputs_, bool transposed_ = false) noexcept
        : data(data_), inputs(inputs_), outputs(outputs_), transposed(transposed_) {}
};

// A kind, FASTNN_RELU say, with its usual parameter or another.
struct Activation {
    fastnn_activation kind;
    double parameter;

    Activation(fastnn_activation kind_ = FASTNN_IDENTITY) noexcept
        : kind(kind_), parameter(fastnn_activation_default(kind_)) {}
    Activation(fastnn_activation kind_, double parameter_) noexcept : kind(kind_), parameter(parameter_) {}

    bool needs_z() const noexcept { return fastnn_activation_needs_z(kind, parameter) != 0; }
};

// ---- dense ----

// b and z may be absent.
template <class T>
void dense(detail::InputMatrix<T> x, detail::Given<Weights<T>> w, detail::Input<T> b, Activation f, Matrix<T> y,
           detail::Given<Matrix<T>> z = {}, Scratch scratch = {}) {
    detail::require_same(x.columns(), w.inputs);
    detail::require_shape(y, x.rows(), w.outputs);
    detail::require_shape(z, x.rows(), w.outputs);
    detail::require_size(b, w.outputs);
    detail::require(detail::C<T>::dense(x.rows(), w.inputs, w.outputs, x.data(), w.data, w.transposed, b.data(), f.kind,
                                        f.parameter, y.data(), z.data(), scratch.data, scratch.bytes));
}
template <class T>
std::size_t dense_scratch(std::int64_t batch, std::int64_t inputs, std::int64_t outputs) noexcept {
    return detail::C<T>::dense_scratch(batch, inputs, outputs);
}

// saved: y, or z if f.needs_z(); absent for FASTNN_IDENTITY. dx, dw and db may be absent.
template <class T>
void dense_backward(detail::InputMatrix<T> dy, detail::InputMatrix<T> x, detail::Given<Weights<T>> w,
                    detail::InputMatrix<T> saved, Activation f, Matrix<T> dx, Matrix<T> dw, View<T> db,
                    Scratch scratch = {}) {
    detail::require_same(dy.columns(), w.outputs);
    detail::require_shape(x, dy.rows(), w.inputs);
    detail::require_shape(saved, dy.rows(), w.outputs);
    detail::require_shape(dx, dy.rows(), w.inputs);
    detail::require_shape(dw, w.inputs, w.outputs);
    detail::require_size(db, w.outputs);
    const T* const y = f.needs_z() ? nullptr : saved.data();
    const T* const z = f.needs_z() ? saved.data() : nullptr;
    detail::require(detail::C<T>::dense_backward(dy.rows(), w.inputs, w.outputs, dy.data(), x.data(), w.data,
                                                 w.transposed, y, z, f.kind, f.parameter, dx.data(), dw.data(),
                                                 db.data(), scratch.data, scratch.bytes));
}
template <class T>
std::size_t dense_backward_scratch(std::int64_t batch, std::int64_t inputs, std::int64_t outputs) noexcept {
    return detail::C<T>::dense_backward_scratch(batch, inputs, outputs);
}

// Weights packed ahead, with a copy of the bias. Immutable once made: any number of threads may call it.
template <class T>
class PackedDense {
   public:
    // b may be absent.
    PackedDense(Weights<T> w, View<const T> b = {}, Activation f = {})
        : inputs_(w.inputs),
          outputs_(w.outputs),
          f_(f),
          has_bias_(b.data() != nullptr),
          packed_(detail::C<T>::packed_dense_bytes(w.inputs, w.outputs)),
          bias_(has_bias_ ? static_cast<std::size_t>(b.size()) * sizeof(T) : 0) {
        detail::require_size(b, w.outputs);
        detail::require(detail::C<T>::pack_dense(inputs_, outputs_, w.data, w.transposed, weights()));
        if (bias_.bytes() > 0) std::memcpy(bias_.data(), b.data(), bias_.bytes());
    }

    std::int64_t inputs() const noexcept { return inputs_; }
    std::int64_t outputs() const noexcept { return outputs_; }

    // y (batch, outputs) of x (batch, inputs).
    void operator()(Matrix<const T> x, Matrix<T> y, Scratch scratch = {}) const {
        detail::require_same(x.columns(), inputs_);
        detail::require_shape(y, x.rows(), outputs_);
        detail::require(detail::C<T>::packed_dense(x.rows(), inputs_, outputs_, x.data(), weights(),
                                                   static_cast<const T*>(bias_.data()), f_.kind, f_.parameter, y.data(),
                                                   scratch.data, scratch.bytes));
    }
    std::size_t scratch(std::int64_t batch) const noexcept {
        return detail::C<T>::packed_dense_scratch(batch, inputs_, outputs_);
    }

   private:
    T* weights() const noexcept { return static_cast<T*>(packed_.data()); }

    std::int64_t inputs_, outputs_;
    Activation f_;
    bool has_bias_;
    AlignedMemory packed_, bias_;
};

// ---- activation ----

template <class T>
void activation(detail::Input<T> z, Activation f, View<T> y) {
    detail::require_same(z.size(), y.size());
    detail::require(detail::C<T>::activation(z.size(), z.data(), f.kind, f.parameter, y.data()));
}

// saved: y, or z if f.needs_z().
template <class T>
void activation_backward(detail::Input<T> dy, detail::Input<T> saved, Activation f, View<T> dz) {
    detail::require_same(dy.size(), saved.size());
    detail::require_same(dy.size(), dz.size());
    const T* const y = f.needs_z() ? nullptr : saved.data();
    const T* const z = f.needs_z() ? saved.data() : nullptr;
    detail::require(detail::C<T>::activation_backward(dy.size(), dy.data(), y, z, f.kind, f.parameter, dz.data()));
}

template <class T>
void prelu(detail::InputMatrix<T> x, detail::Input<T> slope, Matrix<T> y) {
    detail::require_shape(y, x.rows(), x.columns());
    detail::require(detail::C<T>::prelu(x.rows(), x.columns(), slope.size(), x.data(), slope.data(), y.data()));
}

template <class T>
void prelu_backward(detail::InputMatrix<T> dy, detail::InputMatrix<T> x, detail::Input<T> slope, Matrix<T> dx,
                    View<T> dslope, Scratch scratch = {}) {
    detail::require_shape(x, dy.rows(), dy.columns());
    detail::require_shape(dx, dy.rows(), dy.columns());
    detail::require_same(slope.size(), dslope.size());
    detail::require(detail::C<T>::prelu_backward(dy.rows(), dy.columns(), slope.size(), dy.data(), x.data(),
                                                 slope.data(), dx.data(), dslope.data(), scratch.data, scratch.bytes));
}
template <class T>
std::size_t prelu_backward_scratch(std::int64_t rows, std::int64_t columns, std::int64_t slopes) noexcept {
    return detail::C<T>::prelu_backward_scratch(rows, columns, slopes);
}

// ---- random ----

struct RandomKey {
    std::uint64_t seed, counter;
};

template <class T>
void rrelu(detail::Input<T> x, double lower, double upper, bool training, RandomKey key, View<T> y) {
    detail::require_same(x.size(), y.size());
    detail::require(detail::C<T>::rrelu(x.size(), x.data(), lower, upper, training, key.seed, key.counter, y.data()));
}

template <class T>
void rrelu_backward(detail::Input<T> dy, detail::Input<T> x, double lower, double upper, bool training, RandomKey key,
                    View<T> dx) {
    detail::require_same(dy.size(), x.size());
    detail::require_same(dy.size(), dx.size());
    detail::require(detail::C<T>::rrelu_backward(dy.size(), dy.data(), x.data(), lower, upper, training, key.seed,
                                                 key.counter, dx.data()));
}

template <class T>
void dropout(detail::Input<T> x, double p, RandomKey key, View<T> y) {
    detail::require_same(x.size(), y.size());
    detail::require(detail::C<T>::dropout(x.size(), x.data(), p, key.seed, key.counter, y.data()));
}

template <class T>
void dropout_backward(detail::Input<T> dy, double p, RandomKey key, View<T> dx) {
    detail::require_same(dy.size(), dx.size());
    detail::require(detail::C<T>::dropout_backward(dy.size(), dy.data(), p, key.seed, key.counter, dx.data()));
}

// ---- softmax ----

template <class T>
void softmax(detail::InputMatrix<T> x, Matrix<T> y, Scratch scratch = {}) {
    detail::require_shape(y, x.rows(), x.columns());
    detail::require(detail::C<T>::softmax(x.rows(), x.columns(), x.data(), y.data(), scratch.data, scratch.bytes));
}

template <class T>
void softmax_backward(detail::InputMatrix<T> dy, detail::InputMatrix<T> y, Matrix<T> dx, Scratch scratch = {}) {
    detail::require_shape(y, dy.rows(), dy.columns());
    detail::require_shape(dx, dy.rows(), dy.columns());
    detail::require(detail::C<T>::softmax_backward(dy.rows(), dy.columns(), dy.data(), y.data(), dx.data(),
                                                   scratch.data, scratch.bytes));
}

template <class T>
void log_softmax(detail::InputMatrix<T> x, Matrix<T> y, Scratch scratch = {}) {
    detail::require_shape(y, x.rows(), x.columns());
    detail::require(detail::C<T>::log_softmax(x.rows(), x.columns(), x.data(), y.data(), scratch.data, scratch.bytes));
}

template <class T>
void log_softmax_backward(detail::InputMatrix<T> dy, detail::InputMatrix<T> y, Matrix<T> dx, Scratch scratch = {}) {
    detail::require_shape(y, dy.rows(), dy.columns());
    detail::require_shape(dx, dy.rows(), dy.columns());
    detail::require(detail::C<T>::log_softmax_backward(dy.rows(), dy.columns(), dy.data(), y.data(), dx.data(),
                                                       scratch.data, scratch.bytes));
}

template <class T>
void logsumexp(detail::InputMatrix<T> x, View<T> s, Scratch scratch = {}) {
    detail::require_same(x.rows(), s.size());
    detail::require(detail::C<T>::logsumexp(x.rows(), x.columns(), x.data(), s.data(), scratch.data, scratch.bytes));
}

// Of all five.
template <class T>
std::size_t softmax_scratch(std::int64_t rows, std::int64_t classes) noexcept {
    return detail::C<T>::softmax_scratch(rows, classes);
}

}  // namespace api
}  // namespace fastnn

#endif
