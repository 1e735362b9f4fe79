// What the functions of the C interface share: the checks of their arguments, and scratch memory of the caller's.
#ifndef FASTNN_CAPI_CHECKS_H
#define FASTNN_CAPI_CHECKS_H

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "core/fpenv.h"
#include "fastnn/base.h"
#include "kernels/activation.h"

// A definition for each dtype: FASTNN_BOTH(X) is X(float, f32) X(double, f64).
#define FASTNN_BOTH(X) X(float, f32) X(double, f64)

namespace fastnn {
namespace capi {

// The elements of an array (a, b); negative if a size is, or if an array of 8-byte numbers of these sizes, or the
// largest of the core's copies of it, would be more than can be addressed.
std::int64_t count(std::int64_t a, std::int64_t b = 1);

// An array of an operation. `elements` as count gives it.
struct Array {
    const void* data;
    std::int64_t elements;
    unsigned char element_bytes;
    bool is_output, is_optional, may_be_first;  // the last: the output may be the very array that comes first

    bool is_there() const { return data != nullptr && elements > 0; }
    std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(data); }
    std::uintptr_t end() const { return begin() + static_cast<std::uintptr_t>(elements) * element_bytes; }
};

template <class T>
Array input(const T* data, std::int64_t elements, bool is_optional = false) {
    return {data, elements, sizeof(T), false, is_optional, false};
}
template <class T>
Array output(T* data, std::int64_t elements, bool is_optional = false) {
    return {data, elements, sizeof(T), true, is_optional, false};
}
// An output that may be the first of the arrays.
template <class T>
Array in_place(T* data, std::int64_t elements, bool is_optional = false) {
    return {data, elements, sizeof(T), true, is_optional, true};
}

using Arrays = std::initializer_list<Array>;

// Sizes, null pointers, alignment and overlap.
fastnn_status check(Arrays arrays);

// A reference to a callable that outlives it.
template <class Result>
class Callable {
   public:
    template <class F>
    Callable(const F& f)  // NOLINT(google-explicit-constructor): made from a lambda where it is passed
        : context_(&f), call_([](const void* context) -> Result { return (*static_cast<const F*>(context))(); }) {}
    Result operator()() const { return call_(context_); }

   private:
    const void* context_;
    Result (*call_)(const void*);
};

// The caller's scratch memory, or null and 0.
struct Memory {
    void* data;
    std::size_t bytes;
};

// The arrays, and scratch memory of which `needed` bytes are wanted.
fastnn_status check(Arrays arrays, Memory scratch, std::size_t needed);

// Checks the arrays and then the scratch memory, of which the core wants `needed` bytes, and runs the operation in it.
fastnn_status run(Arrays arrays, Memory scratch, Callable<std::size_t> needed, Callable<fastnn_status> operation);

struct Activation {
    Kind kind = Kind::identity;
    double parameter = 0.0;
    // False if the enumerator or a parameter that the kind has is out of range.
    bool read(std::int32_t activation, double value);
};

// None is negative or nan.
bool are_rates(std::initializer_list<double> values);

// The value in the type of the arrays, rounded by the FpEnvironment that the caller has opened.
template <class T>
T narrowed(double value) {
    return settled(static_cast<T>(settled(value)));
}

}  // namespace capi
}  // namespace fastnn

#endif
