// The elementwise losses in C.
#include <doctest/doctest.h>

#include <limits>

#include "capi.h"
#include "core/loss.h"
#include "golden_inputs.h"

namespace {

using namespace capi;
using fastnn::LossKind;
using fastnn::LossReduction;

struct Options {
    fastnn_loss_kind kind;
    fastnn_reduction reduction;
    bool has_weight, with_grad, has_dlosses;
};

// y, targets, weight, dlosses, loss, dy
template <class T>
fastnn_status call(const Options& o, const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
    if (o.with_grad) {
        return Api<T>::loss_with_grad(s[0], s[1], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), as<T>(p[3]), o.kind, 0.7,
                                      o.reduction, 0.75, as<T>(p[4]), as<T>(p[5]), memory, bytes);
    }
    return Api<T>::loss(s[0], s[1], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), o.kind, 0.7, o.reduction, as<T>(p[4]),
                        memory, bytes);
}

template <class T>
void core(const Options& o, const Sizes& s, void* const* p) {
    static constexpr LossKind kKinds[] = {LossKind::mse,
                                          LossKind::mae,
                                          LossKind::huber,
                                          LossKind::mse,
                                          LossKind::poisson,
                                          LossKind::hinge,
                                          LossKind::binary_cross_entropy,
                                          LossKind::binary_cross_entropy_with_logits};
    const bool by_rows = o.kind == FASTNN_SUM_SQUARED_ERROR;
    fastnn::LossCall<T> loss = {};
    loss.kind = kKinds[o.kind];
    loss.parameter = 0.7;
    loss.y = as<T>(p[0]);
    loss.t = as<T>(p[1]);
    loss.count = by_rows ? s[0] : s[0] * s[1];
    loss.features = by_rows ? s[1] : 1;
    loss.weight = as<T>(p[2]);
    loss.weights = p[2] != nullptr ? s[0] : 0;
    loss.reduction = o.reduction == FASTNN_NONE   ? LossReduction::none
                     : o.reduction == FASTNN_MEAN ? LossReduction::mean
                                                  : LossReduction::sum;
    loss.losses = o.reduction == FASTNN_NONE ? as<T>(p[4]) : nullptr;
    loss.dy = as<T>(p[5]);
    loss.dloss = o.with_grad ? 0.75 : 1.0;
    loss.dlosses = as<T>(p[3]);
    const double value = fastnn::loss<T>(loss);
    if (o.reduction != FASTNN_NONE) *as<T>(p[4]) = golden::narrowed<T>(value);
}

template <class T>
void check_loss(const Options& o) {
    const auto matrix = product({0, 1}), rows = product({0});
    const auto losses = o.kind == FASTNN_SUM_SQUARED_ERROR ? rows : matrix;
    const auto given = [](bool is_given, const Operand& operand) { return is_given ? operand : absent(operand); };
    check({std::string("loss") + Api<T>::kSuffix,
           {input<T>("y", matrix, Fill::probabilities), input<T>("targets", matrix, Fill::probabilities),
            given(o.has_weight, optional(input<T>("weight", rows, Fill::positive))),
            given(o.has_dlosses, optional(input<T>("dlosses", losses))),
            output<T>("loss", o.reduction == FASTNN_NONE ? losses : product({})),
            given(o.with_grad, output<T>("dy", matrix, true))},
           {{9, 10}, {1, 1}, {4097, 1}, {1, 4097}, {100, 700}, {20000, 3}},
           [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return call<T>(o, s, p, memory, bytes);
           },
           [=](const Sizes& s, void* const* p) { core<T>(o, s, p); },
           [](const Sizes& s) { return Api<T>::loss_scratch(s[0], s[1]); }});
}

template <class T>
void check_all() {
    for (fastnn_loss_kind kind = FASTNN_MSE; kind <= FASTNN_BINARY_CROSS_ENTROPY_WITH_LOGITS; ++kind) {
        check_loss<T>({kind, FASTNN_MEAN, true, true, false});
        check_loss<T>({kind, FASTNN_SUM, false, false, false});
        check_loss<T>({kind, FASTNN_NONE, true, true, true});
    }
    check_loss<T>({FASTNN_MSE, FASTNN_MEAN, false, true, false});
    check_loss<T>({FASTNN_SUM_SQUARED_ERROR, FASTNN_NONE, false, true, true});
}

}  // namespace

TEST_CASE("C interface: loss, float") { check_all<float>(); }
TEST_CASE("C interface: loss, double") { check_all<double>(); }

TEST_CASE("C interface: options of loss") {
    const float y[2] = {1, 2}, t[2] = {2, 2};
    float loss = 7, dy[2] = {7, 7};
    const auto status = [&](fastnn_loss_kind kind, double delta, fastnn_reduction reduction, const float* dlosses) {
        return fastnn_loss_with_grad_f32(1, 2, y, t, nullptr, dlosses, kind, delta, reduction, 1.0, &loss, dy, nullptr,
                                         0);
    };
    for (const fastnn_loss_kind kind : {-1, 8}) CHECK(status(kind, 1.0, FASTNN_MEAN, nullptr) == FASTNN_BAD_VALUE);
    for (const fastnn_reduction reduction : {-1, 3}) {
        CHECK(status(FASTNN_MAE, 1.0, reduction, nullptr) == FASTNN_BAD_VALUE);
    }
    for (const double delta : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK(status(FASTNN_HUBER, delta, FASTNN_MEAN, nullptr) == FASTNN_BAD_VALUE);
    }
    CHECK(status(FASTNN_MAE, 1.0, FASTNN_SUM, t) == FASTNN_BAD_VALUE);
    CHECK(loss == 7);
    CHECK(dy[0] == 7);
    CHECK(status(FASTNN_MAE, 0.0, FASTNN_SUM, nullptr) == FASTNN_OK);
    CHECK(loss == 1);
    CHECK(dy[0] == -1);
}
