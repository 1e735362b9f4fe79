// Dropout and the randomised leaky relu over whole arrays. The mask of an element depends on seed, counter and its
// index alone. y may be x (dx may be dy).
#ifndef FASTNN_CORE_RANDOM_H
#define FASTNN_CORE_RANDOM_H

#include <cstddef>
#include <cstdint>

namespace fastnn {

struct RandomKey {
    std::uint64_t seed, counter;
};

// 0 with probability p (0 <= p <= 1), else x / (1 - p). Its own backward operation.
template <class T>
void dropout(double p, RandomKey key, const T* x, T* y, std::ptrdiff_t n);

struct RreluOptions {
    double lower, upper;
    bool training;
    RandomKey key;
};

// x where test >= 0 or nan, else x times the element's slope. Forward: test is x; backward: x is dy and test x.
template <class T>
void rrelu(const RreluOptions& options, const T* test, const T* x, T* y, std::ptrdiff_t n);

}  // namespace fastnn

#endif
