// The softmax family in C.
#include <doctest/doctest.h>

#include "capi.h"
#include "core/softmax.h"

namespace {

using namespace capi;

template <class T>
void check_all() {
    const auto matrix = product({0, 1});
    const std::string suffix = Api<T>::kSuffix;
    const std::vector<Sizes> shapes = [] {
        std::vector<Sizes> all = {{5, 10}};
        for (const Sizes& sizes : all_of({{1, 2, 31, 64, 1000}, {1, 2, 15, 16, 17, 63, 64, 65, 100, 1000}})) {
            all.push_back(sizes);
        }
        return all;
    }();
    const auto scratch = [](const Sizes& s) { return Api<T>::softmax_scratch(s[0], s[1]); };
    const auto forward = [&](const char* name, auto function, auto core) {
        check({name + suffix,
               {input<T>("x", matrix), output<T>("y", matrix, true)},
               shapes,
               [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
                   return function(s[0], s[1], as<T>(p[0]), as<T>(p[1]), memory, bytes);
               },
               [=](const Sizes& s, void* const* p) { core(as<T>(p[0]), as<T>(p[1]), s[0], s[1]); },
               scratch});
    };
    forward("softmax", Api<T>::softmax, fastnn::softmax<T>);
    forward("log_softmax", Api<T>::log_softmax, fastnn::log_softmax<T>);
    const auto backward = [&](const char* name, auto function, auto core) {
        check({name + suffix,
               {input<T>("dy", matrix), input<T>("y", matrix), output<T>("dx", matrix, true)},
               shapes,
               [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
                   return function(s[0], s[1], as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), memory, bytes);
               },
               [=](const Sizes& s, void* const* p) { core(as<T>(p[0]), as<T>(p[1]), as<T>(p[2]), s[0], s[1]); },
               scratch});
    };
    backward("softmax_backward", Api<T>::softmax_backward, fastnn::softmax_backward<T>);
    backward("log_softmax_backward", Api<T>::log_softmax_backward, fastnn::log_softmax_backward<T>);
    check({"logsumexp" + suffix,
           {input<T>("x", matrix), output<T>("s", product({0}))},
           shapes,
           [](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
               return Api<T>::logsumexp(s[0], s[1], as<T>(p[0]), as<T>(p[1]), memory, bytes);
           },
           [](const Sizes& s, void* const* p) { fastnn::logsumexp<T>(as<T>(p[0]), as<T>(p[1]), s[0], s[1]); },
           scratch});
}

}  // namespace

TEST_CASE("C interface: softmax") {
    check_all<float>();
    check_all<double>();
}
