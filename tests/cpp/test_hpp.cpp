// fastnn.hpp: the same bits as the C interface, the shapes checked, errors as exceptions.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "fastnn/fastnn.hpp"
#include "golden_inputs.h"

namespace {

template <class T>
std::vector<T> numbers(std::uint64_t seed, std::ptrdiff_t n) {
    return golden::centred<T>(seed, n, 4);
}

template <class F>
void check_throws(fastnn_status status, F&& f) {
    try {
        f();
    } catch (const fastnn::error& error) {
        CHECK(error.status() == status);
        CHECK(std::string(error.what()) == fastnn_status_string(status));
        return;
    }
    FAIL_CHECK("nothing was thrown");
}

template <class T>
void check_dense() {
    using fastnn::Matrix;
    using C = fastnn::detail::C<T>;
    const std::int64_t batch = 5, inputs = 20, outputs = 12;
    const auto x = numbers<T>(1, batch * inputs), w = numbers<T>(2, inputs * outputs), b = numbers<T>(3, outputs);
    std::vector<T> y(static_cast<std::size_t>(batch * outputs)), z(y), expected(y), expected_z(y), packed(y);
    REQUIRE(C::dense(batch, inputs, outputs, x.data(), w.data(), 0, b.data(), FASTNN_SWISH, 1.0, expected.data(),
                     expected_z.data(), nullptr, 0) == FASTNN_OK);

    const fastnn::Weights<T> weights(w.data(), inputs, outputs);
    const fastnn::AlignedMemory memory(fastnn::dense_scratch<T>(batch, inputs, outputs));
    fastnn::dense<T>({x.data(), batch, inputs}, weights, b, FASTNN_SWISH, {y.data(), batch, outputs},
                     {z.data(), batch, outputs}, memory);
    CHECK(y == expected);
    CHECK(z == expected_z);

    fastnn::PackedDense<T> made(weights, b, FASTNN_SWISH);
    const fastnn::PackedDense<T> layer = std::move(made);
    CHECK(layer.inputs() == inputs);
    CHECK(layer.outputs() == outputs);
    layer({x.data(), batch, inputs}, {packed.data(), batch, outputs});
    CHECK(packed == expected);
    check_throws(FASTNN_BAD_SIZE, [&] { layer({x.data(), batch, inputs - 1}, {packed.data(), batch, outputs}); });
    check_throws(FASTNN_BAD_SIZE, [&] { layer({x.data(), batch, inputs}, {packed.data(), batch - 1, outputs}); });
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::PackedDense<T>(weights, x); });

    std::vector<T> dx(x.size()), dw(w.size()), db(b.size()), expected_dx(x.size()), expected_dw(w.size()),
        expected_db(b.size());
    REQUIRE(C::dense_backward(batch, inputs, outputs, y.data(), x.data(), w.data(), 0, nullptr, z.data(), FASTNN_SWISH,
                              1.0, expected_dx.data(), expected_dw.data(), expected_db.data(), nullptr,
                              0) == FASTNN_OK);
    const fastnn::AlignedMemory more(fastnn::dense_backward_scratch<T>(batch, inputs, outputs));
    fastnn::dense_backward<T>({y.data(), batch, outputs}, {x.data(), batch, inputs}, weights,
                              {z.data(), batch, outputs}, FASTNN_SWISH, {dx.data(), batch, inputs},
                              {dw.data(), inputs, outputs}, db, more);
    CHECK(dx == expected_dx);
    CHECK(dw == expected_dw);
    CHECK(db == expected_db);

    const Matrix<T> out(y.data(), batch, outputs);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::dense({x.data(), batch, inputs}, weights, x, FASTNN_RELU, out); });
    check_throws(FASTNN_BAD_VALUE, [&] { fastnn::dense({x.data(), batch, inputs}, weights, b, 99, out); });
    check_throws(FASTNN_OVERLAP, [&] {
        fastnn::dense({y.data(), batch, outputs}, {w.data(), outputs, outputs}, {}, FASTNN_RELU, out);
    });
    check_throws(FASTNN_SMALL_SCRATCH, [&] {
        fastnn::dense({x.data(), batch, inputs}, weights, b, FASTNN_RELU, out, {}, {memory.data(), 1});
    });
}

template <class T>
void check_elementwise() {
    std::vector<T> z = numbers<T>(1, 40), dz(z.size());
    std::array<T, 40> y;
    const T slope[1] = {T(0.25)};
    T dslope = 0;
    fastnn::activation<T>(z, {FASTNN_LEAKY_RELU, 0.25}, y);
    fastnn::prelu<T>({z.data(), 8, 5}, slope, {dz.data(), 8, 5});
    CHECK(std::vector<T>(y.begin(), y.end()) == dz);
    fastnn::activation_backward<T>(z, y, {FASTNN_LEAKY_RELU, 0.25}, dz);
    std::vector<T> dx(z.size());
    fastnn::prelu_backward<T>({z.data(), 8, 5}, {z.data(), 8, 5}, slope, {dx.data(), 8, 5}, dslope);
    CHECK(dx == dz);
    CHECK(dslope > 0);
    fastnn::rrelu<T>(z, 0.25, 0.25, false, {1, 2}, dx);
    CHECK(std::vector<T>(y.begin(), y.end()) == dx);
    fastnn::rrelu_backward<T>(z, z, 0.25, 0.25, false, {1, 2}, dx);
    CHECK(dx == dz);
    fastnn::dropout<T>(z, 0.5, {1, 2}, dx);
    fastnn::dropout_backward<T>(z, 0.5, {1, 2}, dz);
    CHECK(dx == dz);
    CHECK(dx != z);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::activation<T>(z, FASTNN_RELU, fastnn::View<T>(dx.data(), 39)); });
    check_throws(FASTNN_BAD_VALUE, [&] { fastnn::dropout<T>(z, 1.5, {1, 2}, dx); });
}

template <class T>
void check_softmax() {
    using C = fastnn::detail::C<T>;
    const std::int64_t rows = 6, classes = 7;
    const std::vector<T> x = numbers<T>(1, rows * classes), dy = numbers<T>(2, rows * classes);
    std::vector<T> y(x.size()), dx(x.size()), s(static_cast<std::size_t>(rows)), expected(x.size());
    const fastnn::Matrix<const T> in(x.data(), rows, classes), in_dy(dy.data(), rows, classes);
    const fastnn::Matrix<T> out(y.data(), rows, classes), out_dx(dx.data(), rows, classes);
    const fastnn::AlignedMemory memory(fastnn::softmax_scratch<T>(rows, classes));
    fastnn::softmax(in, out, memory);
    REQUIRE(C::softmax(rows, classes, x.data(), expected.data(), nullptr, 0) == FASTNN_OK);
    CHECK(y == expected);
    fastnn::softmax_backward(in_dy, out, out_dx, memory);
    REQUIRE(C::softmax_backward(rows, classes, dy.data(), y.data(), expected.data(), nullptr, 0) == FASTNN_OK);
    CHECK(dx == expected);
    fastnn::log_softmax(in, out, memory);
    REQUIRE(C::log_softmax(rows, classes, x.data(), expected.data(), nullptr, 0) == FASTNN_OK);
    CHECK(y == expected);
    fastnn::log_softmax_backward(in_dy, out, out_dx, memory);
    REQUIRE(C::log_softmax_backward(rows, classes, dy.data(), y.data(), expected.data(), nullptr, 0) == FASTNN_OK);
    CHECK(dx == expected);
    fastnn::logsumexp<T>(in, s, memory);
    expected.resize(s.size());
    REQUIRE(C::logsumexp(rows, classes, x.data(), expected.data(), nullptr, 0) == FASTNN_OK);
    CHECK(s == expected);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::logsumexp<T>(in, {s.data(), 5}); });
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::softmax(in, fastnn::Matrix<T>(y.data(), classes, rows)); });
}

template <class T>
void check_losses() {
    using C = fastnn::detail::C<T>;
    const std::int64_t rows = 6, classes = 7;
    const std::vector<T> x = golden::positive<T>(1, rows * classes, 1), q = golden::positive<T>(2, rows * classes, 1);
    const std::vector<T> weight = golden::positive<T>(3, classes, 2), scales = numbers<T>(4, rows);
    const std::vector<std::int64_t> targets = golden::indices(5, rows, classes);
    const fastnn::Matrix<const T> in(x.data(), rows, classes), probabilities(q.data(), rows, classes);
    std::vector<T> losses(static_cast<std::size_t>(rows)), gradient(x.size()), expected(losses.size()),
        expected_g(x.size());
    const fastnn::Matrix<T> out(gradient.data(), rows, classes);
    const fastnn::AlignedMemory memory(fastnn::cross_entropy_scratch<T>(rows, classes));
    T loss = 0, wanted = 0;
    fastnn::ClassLossOptions<T> options;
    options.weight = weight;
    options.label_smoothing = 0.1;
    fastnn::cross_entropy<T>(in, targets, loss, options, memory);
    REQUIRE(C::cross_entropy(rows, classes, x.data(), targets.data(), nullptr, weight.data(), -100, 0.1, FASTNN_MEAN,
                             &wanted, nullptr, 0) == FASTNN_OK);
    CHECK(loss == wanted);
    fastnn::categorical_cross_entropy<T>(in, probabilities, loss);
    REQUIRE(C::categorical_cross_entropy(rows, classes, x.data(), nullptr, q.data(), nullptr, 0.0, FASTNN_MEAN, &wanted,
                                         nullptr, 0) == FASTNN_OK);
    CHECK(loss == wanted);
    options.reduction = FASTNN_NONE;
    options.dlosses = scales;
    fastnn::cross_entropy_with_grad<T>(in, targets, losses, out, options, memory);
    REQUIRE(C::cross_entropy_with_grad(rows, classes, x.data(), targets.data(), nullptr, weight.data(), scales.data(),
                                       -100, 0.1, FASTNN_NONE, 1.0, expected.data(), expected_g.data(), nullptr,
                                       0) == FASTNN_OK);
    CHECK(losses == expected);
    CHECK(gradient == expected_g);
    fastnn::categorical_cross_entropy_with_grad<T>(in, targets, losses, out, options, memory);
    REQUIRE(C::categorical_cross_entropy_with_grad(rows, classes, x.data(), targets.data(), nullptr, weight.data(),
                                                   scales.data(), 0.1, FASTNN_NONE, 1.0, expected.data(),
                                                   expected_g.data(), nullptr, 0) == FASTNN_OK);
    CHECK(losses == expected);
    CHECK(gradient == expected_g);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::cross_entropy<T>(in, targets, loss, options); });
    check_throws(FASTNN_BAD_CLASS,
                 [&] { fastnn::cross_entropy<T>(in, std::vector<std::int64_t>(targets.size(), classes), loss); });

    const fastnn::AlignedMemory more(fastnn::loss_scratch<T>(rows, classes));
    fastnn::loss<T>(FASTNN_MAE, in, probabilities, loss, {}, more);
    REQUIRE(C::loss(rows, classes, x.data(), q.data(), nullptr, FASTNN_MAE, 1.0, FASTNN_MEAN, &wanted, nullptr, 0) ==
            FASTNN_OK);
    CHECK(loss == wanted);
    fastnn::LossOptions<T> of_rows;
    of_rows.weight = scales;
    of_rows.reduction = FASTNN_NONE;
    of_rows.dloss = 0.5;
    fastnn::loss_with_grad<T>(FASTNN_SUM_SQUARED_ERROR, in, probabilities, losses, out, of_rows, more);
    REQUIRE(C::loss_with_grad(rows, classes, x.data(), q.data(), scales.data(), nullptr, FASTNN_SUM_SQUARED_ERROR, 1.0,
                              FASTNN_NONE, 0.5, expected.data(), expected_g.data(), nullptr, 0) == FASTNN_OK);
    CHECK(losses == expected);
    CHECK(gradient == expected_g);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::loss<T>(FASTNN_MAE, in, probabilities, losses, of_rows); });
}

template <class T>
void check_optimizers() {
    using C = fastnn::detail::C<T>;
    const std::int64_t n = 50;
    const std::vector<T> g = numbers<T>(1, n);
    // Two of each: one for C++, one for C.
    struct State {
        std::vector<T> p = numbers<T>(2, 50), m = std::vector<T>(50), v = std::vector<T>(50);
        bool operator==(const State& other) const { return p == other.p && m == other.m && v == other.v; }
    };
    State a, b;
    fastnn::sgd_step<T>(a.p, g, a.m, {0.1, 0.9, true, 0.01});
    REQUIRE(C::sgd_step(n, b.p.data(), g.data(), b.m.data(), 0.1, 0.9, 1, 0.01) == FASTNN_OK);
    CHECK(a == b);
    fastnn::sgd_step<T>(a.p, g, {}, {0.1});
    REQUIRE(C::sgd_step(n, b.p.data(), g.data(), nullptr, 0.1, 0, 0, 0) == FASTNN_OK);
    CHECK(a == b);
    fastnn::adam_step<T>(a.p, g, a.m, a.v, 2);
    REQUIRE(C::adam_step(n, b.p.data(), g.data(), b.m.data(), b.v.data(), 2, 1e-3, 0.9, 0.999, 1e-8, 0, 0) ==
            FASTNN_OK);
    CHECK(a == b);
    fastnn::rmsprop_step<T>(a.p, g, a.v, a.m, {0.1, 0.9, 1e-7, 0.5, 0.01});
    REQUIRE(C::rmsprop_step(n, b.p.data(), g.data(), b.v.data(), b.m.data(), 0.1, 0.9, 1e-7, 0.5, 0.01) == FASTNN_OK);
    CHECK(a == b);
    fastnn::adagrad_step<T>(a.p, g, a.v, {0.1});
    REQUIRE(C::adagrad_step(n, b.p.data(), g.data(), b.v.data(), 0.1, 1e-10, 0) == FASTNN_OK);
    CHECK(a == b);
    const std::int64_t sizes[2] = {n, 3};
    const T* const arrays[2] = {g.data(), a.p.data()};
    const fastnn::AlignedMemory memory(fastnn::global_norm_scratch<T>(n));
    double norm = 0;
    REQUIRE(C::global_norm(2, sizes, arrays, &norm, nullptr, 0) == FASTNN_OK);
    CHECK(fastnn::global_norm<T>(sizes, arrays, memory) == norm);
    check_throws(FASTNN_BAD_SIZE, [&] { fastnn::adam_step<T>(a.p, g, a.m, {a.v.data(), 3}, 1); });
    check_throws(FASTNN_BAD_VALUE, [&] { fastnn::adam_step<T>(a.p, g, a.m, a.v, 0); });
}

}  // namespace

TEST_CASE("fastnn.hpp: dense") {
    check_dense<float>();
    check_dense<double>();
}

TEST_CASE("fastnn.hpp: activation and random") {
    check_elementwise<float>();
    check_elementwise<double>();
}

TEST_CASE("fastnn.hpp: softmax") {
    check_softmax<float>();
    check_softmax<double>();
}

TEST_CASE("fastnn.hpp: losses") {
    check_losses<float>();
    check_losses<double>();
}

TEST_CASE("fastnn.hpp: optimizers") {
    check_optimizers<float>();
    check_optimizers<double>();
}
