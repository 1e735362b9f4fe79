// dense, its gradients and packed weights in C.
#include <doctest/doctest.h>

#include "capi.h"
#include "core/activation.h"
#include "core/dense.h"
#include "golden_inputs.h"

namespace {

using namespace capi;
using fastnn::Kind;

// Every way through core/dense.cpp: few and many rows, narrow, shallow, in place, packed, chunks of k, weights that are
// near and far.
std::vector<Sizes> shapes() {
    std::vector<Sizes> all = {{5, 20, 12}};
    for (const Sizes& sizes : all_of({{1, 4, 5, 23, 25, 41, 100}, {1, 7, 8, 64, 300}, {1, 7, 8, 65, 130, 257}})) {
        all.push_back(sizes);
    }
    for (const Sizes& sizes : {Sizes{1, 1100, 700}, Sizes{4, 2100, 300}, Sizes{5, 1100, 520}, Sizes{30, 1030, 520},
                               Sizes{600, 70, 300}, Sizes{2000, 3, 12}, Sizes{2000, 40, 3}, Sizes{3, 9000, 70}}) {
        all.push_back(sizes);
    }
    return all;
}

template <class T>
fastnn::DenseShape<T> shape_of(const Sizes& s) {
    return {static_cast<std::ptrdiff_t>(s[0]), static_cast<std::ptrdiff_t>(s[1]), static_cast<std::ptrdiff_t>(s[2])};
}

template <class T>
void check_dense(Kind kind, double parameter, bool transposed, bool has_bias, bool has_z, std::vector<Sizes> of) {
    const Operand b = input<T>("b", product({2})), z = output<T>("z", product({0, 2}));
    check({std::string("dense") + Api<T>::kSuffix,
           {input<T>("x", product({0, 1})), input<T>("w", product({1, 2})), has_bias ? optional(b) : absent(b),
            output<T>("y", product({0, 2})), has_z ? optional(z) : absent(z)},
           std::move(of),
           [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return Api<T>::dense(s[0], s[1], s[2], as<T>(p[0]), as<T>(p[1]), transposed, as<T>(p[2]),
                                    static_cast<fastnn_activation>(kind), parameter, as<T>(p[3]), as<T>(p[4]), memory,
                                    bytes);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::dense<T>(shape_of<T>(s), as<T>(p[0]), {as<T>(p[1]), transposed}, as<T>(p[2]), kind,
                                golden::narrowed<T>(parameter), as<T>(p[3]), as<T>(p[4]));
           },
           [](const Sizes& s) { return Api<T>::dense_scratch(s[0], s[1], s[2]); }});
}

// wants: dx, dw, db.
template <class T>
void check_backward(Kind kind, double parameter, bool transposed, std::vector<bool> wants, std::vector<Sizes> of) {
    const bool from_z = fastnn::needs_z(kind, parameter), linear = kind == Kind::identity;
    const auto either = [](bool given, const Operand& operand) { return given ? operand : absent(operand); };
    const auto result = [&](std::size_t i, const char* name, std::vector<std::size_t> sizes) {
        return either(wants[i], optional(output<T>(name, product(std::move(sizes)))));
    };
    check({std::string("dense_backward") + Api<T>::kSuffix,
           {input<T>("dy", product({0, 2})), either(wants[1], input<T>("x", product({0, 1}))),
            either(wants[0], input<T>("w", product({1, 2}))),
            either(!from_z && !linear, input<T>("y", product({0, 2}))), either(from_z, input<T>("z", product({0, 2}))),
            result(0, "dx", {0, 1}), result(1, "dw", {1, 2}), result(2, "db", {2})},
           std::move(of),
           [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return Api<T>::dense_backward(s[0], s[1], s[2], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), transposed,
                                             as<T>(p[3]), as<T>(p[4]), static_cast<fastnn_activation>(kind), parameter,
                                             as<T>(p[5]), as<T>(p[6]), as<T>(p[7]), memory, bytes);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::dense_backward<T>(shape_of<T>(s), as<T>(p[0]), as<T>(p[1]), {as<T>(p[2]), transposed},
                                         as<T>(p[from_z ? 4 : 3]), kind, golden::narrowed<T>(parameter), as<T>(p[5]),
                                         as<T>(p[6]), as<T>(p[7]));
           },
           [](const Sizes& s) { return Api<T>::dense_backward_scratch(s[0], s[1], s[2]); }});
}

template <class T>
void check_packed() {
    const auto packed = [](const Sizes& s) {
        const std::size_t offset = s.size() - 2;
        return static_cast<std::int64_t>(Api<T>::packed_dense_bytes(s[offset], s[offset + 1]) / sizeof(T));
    };
    for (const bool transposed : {false, true}) {
        check({std::string("pack_dense") + Api<T>::kSuffix,
               {input<T>("w", product({0, 1})), output<T>("packed", packed)},
               all_of({{20, 1, 7, 300}, {12, 1, 7, 8, 65, 300}}),
               [=](const Sizes& s, void* const* p, void*, std::size_t) {
                   return Api<T>::pack_dense(s[0], s[1], as<T>(p[0]), transposed, as<T>(p[1]));
               },
               [=](const Sizes& s, void* const* p) {
                   fastnn::pack_weights<T>(s[0], s[1], {as<T>(p[0]), transposed}, as<T>(p[1]));
               },
               nullptr});
    }
    check({std::string("packed_dense") + Api<T>::kSuffix,
           {input<T>("x", product({0, 1})), input<T>("packed", packed), optional(input<T>("b", product({2}))),
            output<T>("y", product({0, 2}))},
           {{50, 20, 300}, {1, 1100, 700}, {5, 1100, 5}, {200, 100, 12}, {3, 2, 9}},
           [](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return Api<T>::packed_dense(s[0], s[1], s[2], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), FASTNN_RELU, 0.0,
                                           as<T>(p[3]), memory, bytes);
           },
           [](const Sizes& s, void* const* p) {
               fastnn::packed_dense<T>(shape_of<T>(s), as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), Kind::relu, T(0),
                                       as<T>(p[3]));
           },
           [](const Sizes& s) { return Api<T>::packed_dense_scratch(s[0], s[1], s[2]); }});
}

template <class T>
void check_packed_is_dense() {
    const std::int64_t batch = 9, inputs = 70, outputs = 30;
    const auto x = golden::centred<T>(1, batch * inputs, 4), w = golden::centred<T>(2, inputs * outputs, 1);
    const auto b = golden::centred<T>(3, outputs, 1);
    std::vector<T> y(static_cast<std::size_t>(batch * outputs)), again(y.size());
    std::vector<T> packed(Api<T>::packed_dense_bytes(inputs, outputs) / sizeof(T));
    REQUIRE(Api<T>::pack_dense(inputs, outputs, w.data(), 0, packed.data()) == FASTNN_OK);
    REQUIRE(Api<T>::dense(batch, inputs, outputs, x.data(), w.data(), 0, b.data(), FASTNN_ELU, 0.3, y.data(), nullptr,
                          nullptr, 0) == FASTNN_OK);
    REQUIRE(Api<T>::packed_dense(batch, inputs, outputs, x.data(), packed.data(), b.data(), FASTNN_ELU, 0.3,
                                 again.data(), nullptr, 0) == FASTNN_OK);
    CHECK(y == again);
}

template <class T>
void check_all() {
    const std::vector<Sizes> few = {{30, 20, 12}, {600, 70, 300}, {7, 3, 2}};
    check_dense<T>(Kind::identity, 0, false, false, false, shapes());
    check_dense<T>(Kind::identity, 0, true, true, false, shapes());
    check_dense<T>(Kind::relu, 0, true, true, true, few);
    check_dense<T>(Kind::celu, -2.5, false, true, true, few);
    check_dense<T>(Kind::swish, 0.1, false, false, true, few);
    check_backward<T>(Kind::identity, 0, false, {true, true, true}, shapes());
    check_backward<T>(Kind::swish, 0.1, true, {true, true, true}, shapes());
    check_backward<T>(Kind::tanh, 0, true, {true, false, false}, few);
    check_backward<T>(Kind::leaky_relu, -0.1, false, {false, true, false}, few);
    check_backward<T>(Kind::relu, 0, false, {false, false, true}, few);
    check_packed<T>();
    check_packed_is_dense<T>();
}

}  // namespace

TEST_CASE("C interface: dense, float") { check_all<float>(); }
TEST_CASE("C interface: dense, double") { check_all<double>(); }
