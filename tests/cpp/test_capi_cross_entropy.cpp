// The losses over classes in C.
#include <doctest/doctest.h>

#include <limits>

#include "capi.h"
#include "core/cross_entropy.h"
#include "golden_inputs.h"

namespace {

using namespace capi;
using fastnn::ClassInput;
using fastnn::ClassReduction;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Options {
    ClassInput input;
    fastnn_reduction reduction;
    bool by_index, has_weight, with_grad, has_dlosses;
    double smoothing;
};

// x, targets, probabilities, weight, dlosses, loss, gradient
template <class T>
fastnn_status call(const Options& o, const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
    const T *x = as<T>(p[0]), *probabilities = as<T>(p[2]), *weight = as<T>(p[3]), *dlosses = as<T>(p[4]);
    const std::int64_t* const targets = as<std::int64_t>(p[1]);
    T *loss = as<T>(p[5]), *gradient = as<T>(p[6]);
    const bool logits = o.input == ClassInput::logits;
    if (o.with_grad && logits) {
        return Api<T>::cross_entropy_with_grad(s[0], s[1], x, targets, probabilities, weight, dlosses, -100,
                                               o.smoothing, o.reduction, 0.75, loss, gradient, memory, bytes);
    }
    if (o.with_grad) {
        return Api<T>::categorical_with_grad(s[0], s[1], x, targets, probabilities, weight, dlosses, o.smoothing,
                                             o.reduction, 0.75, loss, gradient, memory, bytes);
    }
    if (logits) {
        return Api<T>::cross_entropy(s[0], s[1], x, targets, probabilities, weight, -100, o.smoothing, o.reduction,
                                     loss, memory, bytes);
    }
    return Api<T>::categorical(s[0], s[1], x, targets, probabilities, weight, o.smoothing, o.reduction, loss, memory,
                               bytes);
}

template <class T>
void core(const Options& o, const Sizes& s, void* const* p) {
    fastnn::ClassLoss<T> loss = {};
    loss.input = o.input;
    loss.reduction = o.reduction == FASTNN_NONE   ? ClassReduction::none
                     : o.reduction == FASTNN_MEAN ? ClassReduction::mean
                                                  : ClassReduction::sum;
    loss.x = as<T>(p[0]);
    loss.rows = s[0];
    loss.columns = s[1];
    const std::int64_t ignored = o.input == ClassInput::logits ? -100 : std::numeric_limits<std::int64_t>::min();
    loss.targets = {as<std::int64_t>(p[1]), ignored, as<T>(p[2]), as<T>(p[3]), golden::narrowed<T>(o.smoothing)};
    loss.losses = o.reduction == FASTNN_NONE ? as<T>(p[5]) : nullptr;
    loss.gradient = as<T>(p[6]);
    loss.dloss = o.with_grad ? 0.75 : 1.0;
    loss.dlosses = as<T>(p[4]);
    const double value = fastnn::class_loss<T>(loss);
    if (o.reduction != FASTNN_NONE) *as<T>(p[5]) = golden::narrowed<T>(value);
}

template <class T>
void check_loss(const Options& o) {
    const auto matrix = product({0, 1}), rows = product({0});
    const auto given = [](bool is_given, const Operand& operand) { return is_given ? operand : absent(operand); };
    // Without targets and without probabilities it is the latter that are missing.
    const Operand targets = input<std::int64_t>("targets", rows, Fill::classes),
                  probabilities = input<T>("probabilities", matrix, Fill::probabilities);
    check({std::string("cross_entropy") + Api<T>::kSuffix,
           {input<T>("x", matrix, o.input == ClassInput::logits ? Fill::centred : Fill::probabilities),
            given(o.by_index, targets), given(!o.by_index, probabilities),
            given(o.has_weight, optional(input<T>("weight", product({1}), Fill::positive))),
            given(o.has_dlosses, optional(input<T>("dlosses", rows))),
            output<T>("loss", o.reduction == FASTNN_NONE ? rows : product({})),
            given(o.with_grad, output<T>("gradient", matrix, true))},
           {{9, 10}, {1, 1}, {3, 17}, {33, 65}, {1000, 10}, {100, 1000}},
           [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return call<T>(o, s, p, memory, bytes);
           },
           [=](const Sizes& s, void* const* p) { core<T>(o, s, p); },
           [](const Sizes& s) { return Api<T>::cross_entropy_scratch(s[0], s[1]); }});
}

template <class T>
void check_all() {
    for (const ClassInput input : {ClassInput::logits, ClassInput::probabilities}) {
        for (const bool by_index : {true, false}) {
            check_loss<T>({input, FASTNN_MEAN, by_index, true, true, false, 0.1});
            check_loss<T>({input, FASTNN_SUM, by_index, false, true, false, 0.0});
            check_loss<T>({input, FASTNN_NONE, by_index, true, true, true, 0.0});
            check_loss<T>({input, FASTNN_NONE, by_index, false, true, false, 0.1});
            check_loss<T>({input, FASTNN_MEAN, by_index, false, false, false, 0.0});
            check_loss<T>({input, FASTNN_NONE, by_index, true, false, false, 0.1});
        }
    }
}

}  // namespace

TEST_CASE("C interface: cross_entropy, float") { check_all<float>(); }
TEST_CASE("C interface: cross_entropy, double") { check_all<double>(); }

TEST_CASE("C interface: class indices and options of cross_entropy") {
    const std::vector<float> x = golden::centred<float>(1, 12, 4), weight(4, 1.0f);
    const float dlosses[3] = {1, 1, 1};
    std::int64_t targets[3] = {0, 3, 1};
    float loss = 7, losses[3] = {7, 7, 7};
    std::vector<float> gradient(12, 7.0f);
    const auto untouched = [&] { return loss == 7 && losses[0] == 7 && gradient == std::vector<float>(12, 7.0f); };
    const auto status = [&](const float* probabilities, double smoothing, fastnn_reduction reduction,
                            const float* scales) {
        return fastnn_cross_entropy_with_grad_f32(3, 4, x.data(), targets, probabilities, weight.data(), scales, -100,
                                                  smoothing, reduction, 1.0, &loss, gradient.data(), nullptr, 0);
    };
    CHECK(status(x.data(), 0.0, FASTNN_MEAN, nullptr) == FASTNN_BAD_VALUE);
    for (const double smoothing : {-0.1, 1.1, kNan}) {
        CHECK(status(nullptr, smoothing, FASTNN_MEAN, nullptr) == FASTNN_BAD_VALUE);
    }
    for (const fastnn_reduction reduction : {-1, 3}) {
        CHECK(status(nullptr, 0.0, reduction, nullptr) == FASTNN_BAD_VALUE);
    }
    CHECK(status(nullptr, 0.0, FASTNN_MEAN, dlosses) == FASTNN_BAD_VALUE);
    for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{4}, std::numeric_limits<std::int64_t>::min()}) {
        CAPTURE(bad);
        targets[2] = bad;
        CHECK(status(nullptr, 0.0, FASTNN_MEAN, nullptr) == FASTNN_BAD_CLASS);
        CHECK(fastnn_cross_entropy_f32(3, 4, x.data(), targets, nullptr, nullptr, -100, 0.0, FASTNN_NONE, losses,
                                       nullptr, 0) == FASTNN_BAD_CLASS);
    }
    // Ignored, but by the losses of probabilities.
    targets[2] = -100;
    CHECK(fastnn_categorical_cross_entropy_f32(3, 4, x.data(), targets, nullptr, nullptr, 0.0, FASTNN_NONE, losses,
                                               nullptr, 0) == FASTNN_BAD_CLASS);
    CHECK(untouched());
    CHECK(fastnn_cross_entropy_f32(3, 4, x.data(), targets, nullptr, nullptr, -100, 0.0, FASTNN_NONE, losses, nullptr,
                                   0) == FASTNN_OK);
    CHECK(losses[2] == 0);
    CHECK(losses[0] != 7);
}
