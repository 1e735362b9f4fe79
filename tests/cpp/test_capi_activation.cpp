// Activations, the parametric ReLU and the random operations in C.
#include <doctest/doctest.h>

#include <limits>

#include "capi.h"
#include "core/activation.h"
#include "core/random.h"
#include "golden_inputs.h"

namespace {

using namespace capi;
using fastnn::Kind;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kSeed = 0x0123456789ABCDEF, kCounter = 0xFEDCBA9876543210;

const std::vector<Sizes> kLengths = {{33}, {1}, {15}, {16}, {100000}};
const std::vector<Sizes> kMatrices = {{9, 5}, {1, 1}, {2100, 7}, {1, 1100}, {40000, 1}};

template <class T>
void check_activation(Kind kind, double parameter) {
    const auto n = product({0});
    const auto index = static_cast<fastnn_activation>(kind);
    const T narrow = golden::narrowed<T>(parameter);
    const bool from_z = fastnn::needs_z(kind, parameter);
    CHECK(fastnn_activation_needs_z(index, parameter) == (from_z ? 1 : 0));
    check({std::string("activation") + Api<T>::kSuffix,
           {input<T>("z", n), output<T>("y", n, true)},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::activation(s[0], as<T>(p[0]), index, parameter, as<T>(p[1]));
           },
           [=](const Sizes& s, void* const* p) { fastnn::activation<T>(kind, narrow, as<T>(p[0]), as<T>(p[1]), s[0]); },
           nullptr});
    const Operand y = input<T>("y", n), z = input<T>("z", n);
    check({std::string("activation_backward") + Api<T>::kSuffix,
           {input<T>("dy", n), from_z ? optional(y) : y, from_z ? z : absent(z), output<T>("dz", n, true)},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::activation_backward(s[0], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), index, parameter,
                                                  as<T>(p[3]));
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::activation_backward<T>(kind, narrow, as<T>(p[0]), as<T>(p[from_z ? 2 : 1]), as<T>(p[3]), s[0]);
           },
           nullptr});
}

template <class T>
void check_parameters() {
    T z = 1, y = 7;
    const auto status = [&](fastnn_activation kind, double parameter) {
        y = 7;
        const fastnn_status forward = Api<T>::activation(1, &z, kind, parameter, &y);
        if (forward != FASTNN_OK) CHECK(y == 7);
        CHECK(Api<T>::activation_backward(1, &z, &z, &z, kind, parameter, &y) == forward);
        CHECK(Api<T>::dense(1, 1, 1, &z, &z, 0, nullptr, kind, parameter, &y, nullptr, nullptr, 0) == forward);
        return forward;
    };
    for (const fastnn_activation kind : {-1, 20, 1 << 30}) CHECK(status(kind, 1.0) == FASTNN_BAD_VALUE);
    for (fastnn_activation kind = 0; kind < 20; ++kind) {
        CAPTURE(kind);
        const double usual = fastnn_activation_default(kind);
        CHECK(usual == fastnn::default_parameter(static_cast<Kind>(kind)));
        CHECK(status(kind, usual) == FASTNN_OK);
        // Not looked at by the kinds without one.
        CHECK(status(kind, kNan) == (usual == 0.0 ? FASTNN_OK : FASTNN_BAD_VALUE));
    }
    CHECK(fastnn_activation_default(-1) == 0.0);
    CHECK(fastnn_activation_default(20) == 0.0);
    CHECK(fastnn_activation_needs_z(99, 0.0) == 0);
    CHECK(status(FASTNN_CELU, 0.0) == FASTNN_BAD_VALUE);
    CHECK(status(FASTNN_SOFTPLUS, 0.0) == FASTNN_BAD_VALUE);
    CHECK(status(FASTNN_SOFTPLUS, -1.0) == FASTNN_BAD_VALUE);
}

template <class T>
void check_prelu(bool shared) {
    const auto matrix = product({0, 1}), slopes = shared ? product({}) : product({1});
    const auto slope_count = [=](const Sizes& s) { return shared ? 1 : s[1]; };
    check({std::string("prelu") + Api<T>::kSuffix,
           {input<T>("x", matrix), input<T>("slope", slopes), output<T>("y", matrix, true)},
           kMatrices,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::prelu(s[0], s[1], slope_count(s), as<T>(p[0]), as<T>(p[1]), as<T>(p[2]));
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::prelu<T>(as<T>(p[0]), as<T>(p[1]), slope_count(s) == 1, as<T>(p[2]), s[0], s[1]);
           },
           nullptr});
    check({std::string("prelu_backward") + Api<T>::kSuffix,
           {input<T>("dy", matrix), input<T>("x", matrix), input<T>("slope", slopes), output<T>("dx", matrix),
            output<T>("dslope", slopes)},
           kMatrices,
           [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return Api<T>::prelu_backward(s[0], s[1], slope_count(s), as<T>(p[0]), as<T>(p[1]), as<T>(p[2]),
                                             as<T>(p[3]), as<T>(p[4]), memory, bytes);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::prelu_backward<T>(as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), slope_count(s) == 1, as<T>(p[3]),
                                         as<T>(p[4]), s[0], s[1]);
           },
           [=](const Sizes& s) { return Api<T>::prelu_backward_scratch(s[0], s[1], slope_count(s)); }});
}

template <class T>
void check_rrelu(bool training) {
    const auto n = product({0});
    const fastnn::RreluOptions options = {0.125, 1.0 / 3.0, training, {kSeed, kCounter}};
    check({std::string("rrelu") + Api<T>::kSuffix,
           {input<T>("x", n), output<T>("y", n, true)},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::rrelu(s[0], as<T>(p[0]), 0.125, 1.0 / 3.0, training, kSeed, kCounter, as<T>(p[1]));
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::rrelu<T>(options, as<T>(p[0]), as<T>(p[0]), as<T>(p[1]), s[0]);
           },
           nullptr});
    check({std::string("rrelu_backward") + Api<T>::kSuffix,
           {input<T>("dy", n), input<T>("x", n), output<T>("dx", n, true)},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::rrelu_backward(s[0], as<T>(p[0]), as<T>(p[1]), 0.125, 1.0 / 3.0, training, kSeed,
                                             kCounter, as<T>(p[2]));
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::rrelu<T>(options, as<T>(p[1]), as<T>(p[0]), as<T>(p[2]), s[0]);
           },
           nullptr});
    T x = -1, y = 7;
    for (const double lower : {0.5, kNan}) {
        CHECK(Api<T>::rrelu(1, &x, lower, 0.25, training, 0, 0, &y) == FASTNN_BAD_VALUE);
        CHECK(Api<T>::rrelu_backward(1, &x, &x, lower, 0.25, training, 0, 0, &y) == FASTNN_BAD_VALUE);
    }
    CHECK(y == 7);
}

template <class T>
void check_dropout(double rate) {
    const auto n = product({0});
    for (const auto function : {Api<T>::dropout, Api<T>::dropout_backward}) {
        check({std::string("dropout") + Api<T>::kSuffix,
               {input<T>("x", n), output<T>("y", n, true)},
               kLengths,
               [=](const Sizes& s, void* const* p, void*, std::size_t) {
                   return function(s[0], as<T>(p[0]), rate, kSeed, kCounter, as<T>(p[1]));
               },
               [=](const Sizes& s, void* const* p) {
                   fastnn::dropout<T>(rate, {kSeed, kCounter}, as<T>(p[0]), as<T>(p[1]), s[0]);
               },
               nullptr});
        T x = 1, y = 7;
        for (const double bad : {-0.1, 1.5, kNan}) CHECK(function(1, &x, bad, 0, 0, &y) == FASTNN_BAD_VALUE);
        CHECK(y == 7);
    }
}

template <class T>
void check_all() {
    for (int kind = 0; kind < fastnn::kKindCount; ++kind) {
        check_activation<T>(static_cast<Kind>(kind), fastnn::default_parameter(static_cast<Kind>(kind)));
    }
    check_activation<T>(Kind::leaky_relu, -0.1);
    check_activation<T>(Kind::celu, -2.5);
    check_parameters<T>();
    for (const bool shared : {false, true}) check_prelu<T>(shared);
    for (const bool training : {false, true}) check_rrelu<T>(training);
    for (const double rate : {0.0, 0.3, 1.0}) check_dropout<T>(rate);
}

}  // namespace

TEST_CASE("C interface: activation and random, float") { check_all<float>(); }
TEST_CASE("C interface: activation and random, double") { check_all<double>(); }

TEST_CASE("C interface: the number of slopes") {
    float x[6] = {}, slope[3] = {}, y[6] = {}, dslope[3] = {};
    CHECK(fastnn_prelu_f32(2, 3, 2, x, slope, y) == FASTNN_BAD_SIZE);
    CHECK(fastnn_prelu_backward_f32(2, 3, 0, x, x, slope, y, dslope, nullptr, 0) == FASTNN_BAD_SIZE);
    CHECK(fastnn_prelu_backward_scratch_f32(2, 3, 2) == 0);
}
