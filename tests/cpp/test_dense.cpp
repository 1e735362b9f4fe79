// Dense products against plain double loops within the bound of their definition, and the ways to the same bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/dense.h"
#include "core/dispatch.h"
#include "core/threads.h"

namespace {

using fastnn::Kind;
using std::ptrdiff_t;

// Numbers in [-0.5, 0.5).
template <class T>
std::vector<T> numbers(ptrdiff_t n, unsigned seed) {
    std::vector<T> values(static_cast<std::size_t>(n));
    for (T& value : values) {
        seed = seed * 1664525u + 1013904223u;
        value = static_cast<T>(static_cast<double>(seed >> 8) / 16777216.0 - 0.5);
    }
    return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// c (m, n) against bias + a (m, k) b (k, n), both given as functions: the largest error over its bound.
template <class T, class A, class B, class Bias>
double worst_error(const std::vector<T>& c, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, A a, B b, Bias bias) {
    const double steps = static_cast<double>(std::min(k, fastnn::kChunk) + k / fastnn::kChunk + 2);
    const double unit = steps * static_cast<double>(std::numeric_limits<T>::epsilon());
    double worst = 0.0;
    for (ptrdiff_t i = 0; i < m; ++i) {
        for (ptrdiff_t j = 0; j < n; ++j) {
            double exact = bias(j), magnitude = std::fabs(bias(j));
            for (ptrdiff_t p = 0; p < k; ++p) {
                const double term = static_cast<double>(a(i, p)) * static_cast<double>(b(p, j));
                exact += term;
                magnitude += std::fabs(term);
            }
            const double error = std::fabs(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]) - exact);
            worst = std::max(worst, error == 0.0 ? 0.0 : error / (unit * magnitude));
        }
    }
    return worst;
}

template <class T>
void check(ptrdiff_t batch, ptrdiff_t inputs, ptrdiff_t outputs) {
    CAPTURE(batch);
    CAPTURE(inputs);
    CAPTURE(outputs);
    const fastnn::DenseShape<T> shape{batch, inputs, outputs};
    const auto x = numbers<T>(batch * inputs, 1), w = numbers<T>(inputs * outputs, 2), b = numbers<T>(outputs, 3);
    const auto dy = numbers<T>(batch * outputs, 4);
    std::vector<T> wt(w.size());
    for (ptrdiff_t i = 0; i < inputs; ++i) {
        for (ptrdiff_t o = 0; o < outputs; ++o) {
            wt[static_cast<std::size_t>(o * inputs + i)] = w[static_cast<std::size_t>(i * outputs + o)];
        }
    }
    std::vector<T> y(dy.size()), z(dy.size()), other(dy.size());
    fastnn::dense<T>(shape, x.data(), {w.data(), false}, b.data(), Kind::relu, T(0), y.data(), z.data());
    const auto at = [](const std::vector<T>& values, ptrdiff_t index) {
        return values[static_cast<std::size_t>(index)];
    };
    CHECK(worst_error<T>(
              z, batch, outputs, inputs, [&](ptrdiff_t i, ptrdiff_t p) { return at(x, i * inputs + p); },
              [&](ptrdiff_t p, ptrdiff_t j) { return at(w, p * outputs + j); },
              [&](ptrdiff_t j) { return static_cast<double>(at(b, j)); }) <= 1.0);
    for (std::size_t i = 0; i < y.size(); ++i) REQUIRE(y[i] == std::max(z[i], T(0)));

    fastnn::dense<T>(shape, x.data(), {w.data(), false}, b.data(), Kind::relu, T(0), other.data(), nullptr);
    CHECK(same_bits(other, y));
    fastnn::dense<T>(shape, x.data(), {wt.data(), true}, b.data(), Kind::relu, T(0), other.data(), nullptr);
    CHECK(same_bits(other, y));
    for (ptrdiff_t row = 0; row < batch; ++row) {
        fastnn::dense<T>({1, inputs, outputs}, x.data() + row * inputs, {w.data(), false}, b.data(), Kind::relu, T(0),
                         other.data() + row * outputs, nullptr);
    }
    CHECK(same_bits(other, y));
    std::vector<T> packed(static_cast<std::size_t>(fastnn::packed_weights_size<T>(inputs, outputs)));
    fastnn::pack_weights<T>(inputs, outputs, {w.data(), false}, packed.data());
    fastnn::packed_dense<T>(shape, x.data(), packed.data(), b.data(), Kind::relu, T(0), other.data());
    CHECK(same_bits(other, y));

    std::vector<T> dx(x.size()), dw(w.size()), db(b.size()), dx_again(x.size()), dz(dy.size());
    fastnn::dense_backward<T>(shape, dy.data(), x.data(), {w.data(), false}, y.data(), Kind::relu, T(0), dx.data(),
                              dw.data(), db.data());
    for (std::size_t i = 0; i < dz.size(); ++i) dz[i] = y[i] > 0 ? dy[i] : T(0);
    const auto none = [](ptrdiff_t) { return 0.0; };
    CHECK(worst_error<T>(
              dx, batch, inputs, outputs, [&](ptrdiff_t i, ptrdiff_t p) { return at(dz, i * outputs + p); },
              [&](ptrdiff_t p, ptrdiff_t j) { return at(w, j * outputs + p); }, none) <= 1.0);
    CHECK(worst_error<T>(
              dw, inputs, outputs, batch, [&](ptrdiff_t i, ptrdiff_t p) { return at(x, p * inputs + i); },
              [&](ptrdiff_t p, ptrdiff_t j) { return at(dz, p * outputs + j); }, none) <= 1.0);
    CHECK(worst_error<T>(
              db, 1, outputs, batch, [](ptrdiff_t, ptrdiff_t) { return T(1); },
              [&](ptrdiff_t p, ptrdiff_t j) { return at(dz, p * outputs + j); }, none) <= 1.0);
    fastnn::dense_backward<T>(shape, dy.data(), x.data(), {wt.data(), true}, y.data(), Kind::relu, T(0),
                              dx_again.data(), nullptr, nullptr);
    CHECK(same_bits(dx_again, dx));
}

}  // namespace

TEST_CASE_TEMPLATE("dense: every tail of tiles, vectors and panels", T, float, double) {
    for (const ptrdiff_t outputs : {0, 1, 2, 5, 7, 8, 9, 16, 17, 33, 67}) {
        for (const ptrdiff_t inputs : {0, 1, 3, 16, 17, 40}) {
            for (const ptrdiff_t batch : {0, 1, 2, 3, 4, 5, 6, 7, 11, 25}) check<T>(batch, inputs, outputs);
        }
    }
}

TEST_CASE_TEMPLATE("dense: several chunks, packing, several threads", T, float, double) {
    const int threads = fastnn::thread_count();
    for (const int count : {1, 3}) {
        fastnn::set_thread_count(count);
        check<T>(40, 1030, 70);
        check<T>(20, 2100, 5);
        check<T>(2, 17000, 3);
        check<T>(1100, 20, 33);
        check<T>(8, 40, 1100);
        check<T>(96, 200, 300);
    }
    fastnn::set_thread_count(threads);
}
