// Golden cases of the optimizer steps, the norm, and a small training.
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/cross_entropy.h"
#include "core/dense.h"
#include "core/optimizer.h"
#include "golden.h"

namespace golden {
namespace {

using fastnn::Kind;

// A fifth of the numbers makes a denormal second moment, a fifth a denormal first one.
template <class T>
std::vector<T> gradient(int step, ptrdiff_t n) {
    std::vector<T> g = centred<T>(static_cast<std::uint64_t>(100 + step), n, 1);
    const fastnn::FpEnvironment environment;
    const bool single = sizeof(T) == 4;
    const T small = static_cast<T>(single ? 0x1p-63 : 0x1p-513),
            smaller = static_cast<T>(single ? 0x1p-124 : 0x1p-1020);
    for (std::size_t i = 0; i < g.size(); ++i) {
        if (i % 5 < 2) g[i] *= i % 5 == 0 ? small : smaller;
    }
    return g;
}

template <class T>
void optimizer(const Name& name, Digest& digest) {
    const ptrdiff_t n = name.size(0);
    const std::string& operation = name.operation;
    std::vector<T> p = centred<T>(1, n, 2), a(p.size()), b(p.size());
    const bool has_decay = name.has("decay", 1) || name.has("decoupled", 1);
    const double decay = has_decay ? 0.01 : 0.0, lr = 0.01;
    const bool nesterov = name.has("nesterov", 1), has_momentum = nesterov || name.has("momentum", 1);
    const double momentum = has_momentum ? 0.9 : 0.0;
    for (int t = 1; t <= 6; ++t) {
        const std::vector<T> g = gradient<T>(t, n);
        if (operation == "sgd_step") {
            fastnn::sgd_step<T>({lr, momentum, decay, nesterov}, p.data(), g.data(), has_momentum ? a.data() : nullptr,
                                n);
        } else if (operation == "adam_step") {
            fastnn::adam_step<T>({t, lr, 0.9, 0.999, 1e-8, decay, name.has("decoupled", 1)}, p.data(), g.data(),
                                 a.data(), b.data(), n);
        } else if (operation == "rmsprop_step") {
            fastnn::rmsprop_step<T>({lr, 0.99, 1e-8, momentum, decay}, p.data(), g.data(), a.data(),
                                    has_momentum ? b.data() : nullptr, n);
        } else {
            fastnn::adagrad_step<T>({lr, 1e-10, decay}, p.data(), g.data(), a.data(), n);
        }
    }
    digest.add(p);
    digest.add(a);
    digest.add(b);
}

template <class T>
void global_norm(const Name& name, Digest& digest) {
    volatile double sum = 0.0;
    for (std::size_t i = 0; i < name.words.size(); ++i) {
        const std::vector<T> x = centred<T>(i, name.size(i), 4);
        const double square = fastnn::sum_of_squares<T>(x.data(), name.size(i));
        const fastnn::FpEnvironment environment;
        sum = sum + square;
    }
    const fastnn::FpEnvironment environment;
    const volatile double root = std::sqrt(sum);
    const double norm = root;
    digest.add(&norm, 1);
}

// A weight matrix or a bias, its gradient and its moments.
template <class T>
struct Parameter {
    explicit Parameter(std::vector<T> values) : p(std::move(values)), g(p.size()), m(p.size()), v(p.size()) {}

    void step(int t) {
        fastnn::adam_step<T>({t, 0.01, 0.9, 0.999, 1e-8, 0.0, false}, p.data(), g.data(), m.data(), v.data(),
                             static_cast<ptrdiff_t>(p.size()));
    }

    std::vector<T> p, g, m, v;
};

// A network of two layers, trained for some steps by Adam; the weights and every step's loss.
template <class T>
void train(const Name& name, Digest& digest) {
    const ptrdiff_t batch = name.size(0), inputs = name.size(1), hidden = name.size(2), classes = name.size(3);
    const fastnn::DenseShape<T> first = {batch, inputs, hidden}, second = {batch, hidden, classes};
    Parameter<T> w1(centred<T>(1, inputs * hidden, 0.5)), w2(centred<T>(2, hidden * classes, 0.5));
    Parameter<T> b1(std::vector<T>(static_cast<std::size_t>(hidden))),
        b2(std::vector<T>(static_cast<std::size_t>(classes)));
    std::vector<T> h(static_cast<std::size_t>(batch * hidden)), dh(h.size());
    std::vector<T> logits(static_cast<std::size_t>(batch * classes)), dlogits(logits.size()), losses;
    for (int t = 0; t < static_cast<int>(name.size(4)); ++t) {
        const std::vector<T> x = centred<T>(static_cast<std::uint64_t>(10 + t), batch * inputs, 4);
        const std::vector<std::int64_t> targets = indices(static_cast<std::uint64_t>(1000 + t), batch, classes);
        fastnn::dense<T>(first, x.data(), {w1.p.data(), false}, b1.p.data(), Kind::relu, T(0), h.data(), nullptr);
        fastnn::dense<T>(second, h.data(), {w2.p.data(), false}, b2.p.data(), Kind::identity, T(0), logits.data(),
                         nullptr);
        fastnn::ClassLoss<T> loss = {};
        loss.input = fastnn::ClassInput::logits;
        loss.reduction = fastnn::ClassReduction::mean;
        loss.x = logits.data();
        loss.rows = batch;
        loss.columns = classes;
        loss.targets = {targets.data(), -100, nullptr, nullptr, T(0)};
        loss.gradient = dlogits.data();
        loss.dloss = 1.0;
        const double value = fastnn::class_loss<T>(loss);
        losses.push_back(narrowed<T>(value));
        fastnn::dense_backward<T>(second, dlogits.data(), h.data(), {w2.p.data(), false}, nullptr, Kind::identity, T(0),
                                  dh.data(), w2.g.data(), b2.g.data());
        fastnn::dense_backward<T>(first, dh.data(), x.data(), {w1.p.data(), false}, h.data(), Kind::relu, T(0), nullptr,
                                  w1.g.data(), b1.g.data());
        for (Parameter<T>* const parameter : {&w1, &b1, &w2, &b2}) parameter->step(t + 1);
    }
    for (const Parameter<T>* const parameter : {&w1, &b1, &w2, &b2}) digest.add(parameter->p);
    digest.add(losses);
}

template <class T>
bool run(const Name& name, Digest& digest) {
    for (const char* const step : {"sgd_step", "adam_step", "rmsprop_step", "adagrad_step"}) {
        if (name.operation != step) continue;
        optimizer<T>(name, digest);
        return true;
    }
    if (name.operation == "global_norm") {
        global_norm<T>(name, digest);
        return true;
    }
    if (name.operation == "train") {
        train<T>(name, digest);
        return true;
    }
    return false;
}

}  // namespace

bool run_training(const Name& name, Digest& digest) {
    return name.is_double ? run<double>(name, digest) : run<float>(name, digest);
}

}  // namespace golden
