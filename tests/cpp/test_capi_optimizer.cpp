// The optimizer steps and the norm in C.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "capi.h"
#include "core/optimizer.h"
#include "golden_inputs.h"

namespace {

using namespace capi;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
const std::vector<Sizes> kLengths = {{33}, {1}, {15}, {16}, {5000}, {100000}};

template <class T>
void check_sgd(double momentum, bool nesterov, bool has_velocity) {
    const auto n = product({0});
    const Operand velocity = output<T>("velocity", n);
    check({std::string("sgd_step") + Api<T>::kSuffix,
           {output<T>("p", n), input<T>("g", n),
            !has_velocity     ? absent(velocity)
            : momentum == 0.0 ? optional(velocity)
                              : velocity},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::sgd_step(s[0], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), 0.1, momentum, nesterov, 0.01);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::sgd_step<T>({0.1, momentum, 0.01, nesterov}, as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), s[0]);
           },
           nullptr});
}

template <class T>
void check_adam(bool decoupled) {
    const auto n = product({0});
    check({std::string("adam_step") + Api<T>::kSuffix,
           {output<T>("p", n), input<T>("g", n), output<T>("m", n), output<T>("v", n)},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::adam_step(s[0], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), as<T>(p[3]), 3, 0.1, 0.9, 0.999,
                                        1e-8, 0.01, decoupled);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::adam_step<T>({3, 0.1, 0.9, 0.999, 1e-8, 0.01, decoupled}, as<T>(p[0]), as<T>(p[1]), as<T>(p[2]),
                                    as<T>(p[3]), s[0]);
           },
           nullptr});
}

template <class T>
void check_rmsprop(double momentum) {
    const auto n = product({0});
    const Operand buffer = output<T>("momentum_buffer", n);
    check({std::string("rmsprop_step") + Api<T>::kSuffix,
           {output<T>("p", n), input<T>("g", n), output<T>("v", n), momentum == 0.0 ? absent(buffer) : buffer},
           kLengths,
           [=](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::rmsprop_step(s[0], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), as<T>(p[3]), 0.1, 0.99, 1e-8,
                                           momentum, 0.01);
           },
           [=](const Sizes& s, void* const* p) {
               fastnn::rmsprop_step<T>({0.1, 0.99, 1e-8, momentum, 0.01}, as<T>(p[0]), as<T>(p[1]), as<T>(p[2]),
                                       as<T>(p[3]), s[0]);
           },
           nullptr});
}

template <class T>
void check_adagrad() {
    const auto n = product({0});
    check({std::string("adagrad_step") + Api<T>::kSuffix,
           {output<T>("p", n), input<T>("g", n), output<T>("s", n)},
           kLengths,
           [](const Sizes& s, void* const* p, void*, std::size_t) {
               return Api<T>::adagrad_step(s[0], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), 0.1, 1e-10, 0.01);
           },
           [](const Sizes& s, void* const* p) {
               fastnn::adagrad_step<T>({0.1, 1e-10, 0.01}, as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), s[0]);
           },
           nullptr});
}

template <class T>
void check_norm() {
    check({std::string("global_norm") + Api<T>::kSuffix,
           {input<T>("x[0]", product({0})), input<T>("x[1]", product({1})), output<double>("norm", product({}))},
           {{5000, 7}, {1, 1}, {3, 100000}},
           [](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               const T* const x[] = {as<T>(p[0]), as<T>(p[1])};
               return Api<T>::global_norm(2, s.data(), x, as<double>(p[2]), memory, bytes);
           },
           [](const Sizes& s, void* const* p) {
               const double sum =
                   fastnn::sum_of_squares<T>(as<T>(p[0]), s[0]) + fastnn::sum_of_squares<T>(as<T>(p[1]), s[1]);
               *as<double>(p[2]) = std::sqrt(sum);
           },
           [](const Sizes& s) {
               return s[0] < 0 || s[1] < 0 ? Api<T>::global_norm_scratch(-1)
                                           : Api<T>::global_norm_scratch(std::max(s[0], s[1]));
           }});
    double norm = 7;
    const std::int64_t size = 1;
    const T one = 1;
    const T* x = &one;
    CHECK(Api<T>::global_norm(-1, &size, &x, &norm, nullptr, 0) == FASTNN_BAD_SIZE);
    CHECK(Api<T>::global_norm(1, nullptr, &x, &norm, nullptr, 0) == FASTNN_NULL_POINTER);
    CHECK(Api<T>::global_norm(1, &size, nullptr, &norm, nullptr, 0) == FASTNN_NULL_POINTER);
    CHECK(norm == 7);
    CHECK(Api<T>::global_norm(0, nullptr, nullptr, &norm, nullptr, 0) == FASTNN_OK);
    CHECK(norm == 0);
}

template <class T>
void check_all() {
    check_sgd<T>(0.0, false, false);
    check_sgd<T>(0.0, false, true);
    check_sgd<T>(0.9, false, true);
    check_sgd<T>(0.9, true, true);
    for (const bool decoupled : {false, true}) check_adam<T>(decoupled);
    for (const double momentum : {0.0, 0.9}) check_rmsprop<T>(momentum);
    check_adagrad<T>();
    check_norm<T>();
}

}  // namespace

TEST_CASE("C interface: optimizer, float") { check_all<float>(); }
TEST_CASE("C interface: optimizer, double") { check_all<double>(); }

TEST_CASE("C interface: numbers of the optimizer steps") {
    float p = 7, g = 1, m = 0, v = 0;
    for (const double bad : {-1.0, kNan}) {
        CAPTURE(bad);
        CHECK(fastnn_sgd_step_f32(1, &p, &g, nullptr, bad, 0, 0, 0) == FASTNN_BAD_VALUE);
        CHECK(fastnn_sgd_step_f32(1, &p, &g, &m, 0.1, bad, 0, 0) == FASTNN_BAD_VALUE);
        CHECK(fastnn_sgd_step_f32(1, &p, &g, nullptr, 0.1, 0, 0, bad) == FASTNN_BAD_VALUE);
        for (int i = 0; i < 5; ++i) {
            double numbers[] = {0.1, 0.9, 0.99, 1e-8, 0};
            numbers[i] = bad;
            CHECK(fastnn_adam_step_f32(1, &p, &g, &m, &v, 1, numbers[0], numbers[1], numbers[2], numbers[3], numbers[4],
                                       0) == FASTNN_BAD_VALUE);
            CHECK(fastnn_rmsprop_step_f32(1, &p, &g, &v, &m, numbers[0], numbers[1], numbers[2], numbers[3],
                                          numbers[4]) == FASTNN_BAD_VALUE);
            if (i < 3) {
                CHECK(fastnn_adagrad_step_f32(1, &p, &g, &v, numbers[0], numbers[1], numbers[2]) == FASTNN_BAD_VALUE);
            }
        }
    }
    CHECK(fastnn_sgd_step_f32(1, &p, &g, &m, 0.1, 0.0, 1, 0) == FASTNN_BAD_VALUE);  // nesterov without momentum
    CHECK(fastnn_adam_step_f32(1, &p, &g, &m, &v, 0, 0.1, 0.9, 0.99, 1e-8, 0, 0) == FASTNN_BAD_VALUE);
    CHECK(fastnn_adam_step_f32(1, &p, &g, &m, &v, 1, 0.1, 1.0, 0.99, 1e-8, 0, 0) == FASTNN_BAD_VALUE);
    CHECK(fastnn_adam_step_f32(1, &p, &g, &m, &v, 1, 0.1, 0.9, 1.0, 1e-8, 0, 0) == FASTNN_BAD_VALUE);
    CHECK(fastnn_rmsprop_step_f32(1, &p, &g, &v, &m, 0.1, 1.1, 1e-8, 0, 0) == FASTNN_BAD_VALUE);
    CHECK(p == 7);
    CHECK(m == 0);
    CHECK(v == 0);
}
