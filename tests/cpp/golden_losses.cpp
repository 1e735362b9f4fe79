// Golden cases of the losses: alone, then together with the gradient.
#include <utility>

#include "core/cross_entropy.h"
#include "core/loss.h"
#include "golden.h"

namespace golden {
namespace {

using fastnn::LossKind;

// The reduced loss as the scalar of type T that Python gets.
template <class T>
void add_scalar(double value, Digest& digest) {
    const T scalar = narrowed<T>(value);
    digest.add(&scalar, 1);
}

// Exact 0 and 1 here and there.
template <class T>
void set_ends(std::vector<T>& probabilities) {
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (i % 97 < 2) probabilities[i] = static_cast<T>(i % 97);
    }
}

template <class T>
void class_loss(const Name& name, Digest& digest) {
    const ptrdiff_t rows = name.size(0), columns = name.size(1);
    const bool from_logits = name.operation == "cross_entropy", none = name.has("none", 4);
    std::vector<T> x = from_logits ? logits<T>(1, rows, columns, name.words.at(2)) : positive<T>(1, rows * columns, 1);
    if (!from_logits) set_ends(x);
    std::vector<std::int64_t> index = indices(2, rows, columns);
    for (std::size_t i = 2; name.has("ignore", 5) && i < index.size(); i += 5) index[i] = -100;
    const std::vector<T> probability = positive<T>(3, rows * columns, 1), weight = positive<T>(4, columns, 2);
    const std::vector<T> dlosses = centred<T>(5, rows, 2);
    std::vector<T> losses(dlosses.size()), gradient(x.size());

    fastnn::ClassLoss<T> call = {};
    call.input = from_logits ? fastnn::ClassInput::logits : fastnn::ClassInput::probabilities;
    call.reduction = none                  ? fastnn::ClassReduction::none
                     : name.has("mean", 4) ? fastnn::ClassReduction::mean
                                           : fastnn::ClassReduction::sum;
    call.x = x.data();
    call.rows = rows;
    call.columns = columns;
    const bool by_index = name.words.at(3) == "index";
    call.targets = {by_index ? index.data() : nullptr, -100, by_index ? nullptr : probability.data(),
                    name.has("weight", 5) ? weight.data() : nullptr,
                    name.has("smooth", 5) ? static_cast<T>(0.1) : T(0)};
    call.losses = none ? losses.data() : nullptr;
    call.dloss = none ? 1.0 : 0.75;
    call.dlosses = none ? dlosses.data() : nullptr;
    for (T* const to : {static_cast<T*>(nullptr), gradient.data()}) {
        call.gradient = to;
        const double value = fastnn::class_loss<T>(call);
        none ? digest.add(losses) : add_scalar<T>(value, digest);
    }
    digest.add(gradient);
}

const std::pair<const char*, LossKind> kLosses[] = {
    {"mse", LossKind::mse},
    {"mae", LossKind::mae},
    {"huber", LossKind::huber},
    {"sum_squared_error", LossKind::mse},
    {"poisson", LossKind::poisson},
    {"hinge", LossKind::hinge},
    {"binary_cross_entropy", LossKind::binary_cross_entropy},
    {"binary_cross_entropy_with_logits", LossKind::binary_cross_entropy_with_logits}};

template <class T>
void loss(LossKind kind, const Name& name, Digest& digest) {
    const ptrdiff_t rows = name.size(0), columns = name.size(1), n = rows * columns;
    std::vector<T> y = centred<T>(1, n, 4), t = centred<T>(2, n, 4);
    if (kind == LossKind::hinge) {
        for (T& target : t) target = target < 0 ? T(-1) : T(1);
    } else if (kind == LossKind::poisson) {
        y = positive<T>(1, n, 5);
        t = positive<T>(2, n, 5);
    } else if (kind == LossKind::binary_cross_entropy) {
        y = positive<T>(1, n, 1);
        t = positive<T>(2, n, 1);
        set_ends(y);
    } else if (kind == LossKind::binary_cross_entropy_with_logits) {
        y = centred<T>(1, n, 60);
        t = positive<T>(2, n, 1);
    } else {
        for (std::size_t i = 0; i < y.size(); i += 7) y[i] = t[i];
    }
    const bool by_rows = name.operation == "sum_squared_error", none = name.has("none", 2);
    const std::vector<T> weight = positive<T>(3, rows, 2), dlosses = centred<T>(4, by_rows ? rows : n, 2);
    std::vector<T> losses(dlosses.size()), dy(y.size());

    fastnn::LossCall<T> call = {};
    call.kind = kind;
    call.parameter = 0.7;
    call.y = y.data();
    call.t = t.data();
    call.count = by_rows ? rows : n;
    call.features = by_rows ? columns : 1;
    call.weight = name.has("weight", 3) ? weight.data() : nullptr;
    call.weights = name.has("weight", 3) ? rows : 0;
    call.reduction = none                  ? fastnn::LossReduction::none
                     : name.has("mean", 2) ? fastnn::LossReduction::mean
                                           : fastnn::LossReduction::sum;
    call.losses = none ? losses.data() : nullptr;
    call.dloss = none ? 1.0 : 0.75;
    call.dlosses = none ? dlosses.data() : nullptr;
    for (T* const to : {static_cast<T*>(nullptr), dy.data()}) {
        call.dy = to;
        const double value = fastnn::loss<T>(call);
        none ? digest.add(losses) : add_scalar<T>(value, digest);
    }
    digest.add(dy);
}

template <class T>
bool run(const Name& name, Digest& digest) {
    if (name.operation == "cross_entropy" || name.operation == "categorical_cross_entropy") {
        class_loss<T>(name, digest);
        return true;
    }
    for (const auto& known : kLosses) {
        if (name.operation != known.first) continue;
        loss<T>(known.second, name, digest);
        return true;
    }
    return false;
}

}  // namespace

bool run_loss(const Name& name, Digest& digest) {
    return name.is_double ? run<double>(name, digest) : run<float>(name, digest);
}

}  // namespace golden
