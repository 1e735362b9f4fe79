// Inputs and hashes of the golden cases, the same as in ../golden_inputs.py: integers and exact scaling alone.
#ifndef FASTNN_TESTS_GOLDEN_INPUTS_H
#define FASTNN_TESTS_GOLDEN_INPUTS_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/fpenv.h"

namespace golden {

using std::ptrdiff_t;

// Number n of the generator splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number generators").
inline std::uint64_t mix(std::uint64_t n) {
    std::uint64_t z = (n + 1) * 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

inline std::uint64_t word(std::uint64_t seed, ptrdiff_t i) { return mix((seed << 32) + static_cast<std::uint64_t>(i)); }

// The value rounded to T as everywhere else, whatever environment the test stands in for. Volatile: a compiler may move
// arithmetic between registers across a change of the environment.
template <class T>
T narrowed(double value) {
    const fastnn::FpEnvironment environment;
    const volatile double wide = value;
    const volatile T narrow = static_cast<T>(wide);
    return narrow;
}

// Numbers in [0, scale). The environment: a test may stand in for a host with one of its own.
template <class T>
std::vector<T> positive(std::uint64_t seed, ptrdiff_t n, double scale) {
    const fastnn::FpEnvironment environment;
    std::vector<T> values(static_cast<std::size_t>(n));
    for (ptrdiff_t i = 0; i < n; ++i) {
        const double unit = static_cast<double>(word(seed, i) >> 11) * 0x1p-53;
        values[static_cast<std::size_t>(i)] = static_cast<T>(unit * scale);
    }
    return values;
}

// Numbers in [-scale / 2, scale / 2).
template <class T>
std::vector<T> centred(std::uint64_t seed, ptrdiff_t n, double scale) {
    const fastnn::FpEnvironment environment;
    std::vector<T> values(static_cast<std::size_t>(n));
    for (ptrdiff_t i = 0; i < n; ++i) {
        const double unit = (static_cast<double>(word(seed, i) >> 11) - 0x1p52) * 0x1p-53;
        values[static_cast<std::size_t>(i)] = static_cast<T>(unit * scale);
    }
    return values;
}

// n numbers in 0 .. count - 1.
inline std::vector<std::int64_t> indices(std::uint64_t seed, ptrdiff_t n, ptrdiff_t count) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(n));
    for (ptrdiff_t i = 0; i < n; ++i) {
        values[static_cast<std::size_t>(i)] =
            static_cast<std::int64_t>(word(seed, i) % static_cast<std::uint64_t>(count));
    }
    return values;
}

// Rows for the softmax family; "mixed" ones are by turns ordinary, beyond exp's range, and with -inf entries.
template <class T>
std::vector<T> logits(std::uint64_t seed, ptrdiff_t rows, ptrdiff_t columns, const std::string& style) {
    std::vector<T> x = centred<T>(seed, rows * columns, 16);
    const fastnn::FpEnvironment environment;
    for (ptrdiff_t i = 0; style == "mixed" && i < rows * columns; ++i) {
        T& value = x[static_cast<std::size_t>(i)];
        const ptrdiff_t row = i / columns, column = i % columns;
        if (row % 3 == 1) value *= T(100);
        if (row % 3 == 2 && column % 7 == 1) value = -std::numeric_limits<T>::infinity();
    }
    return x;
}

// 64 bits over the bytes of all arrays, one after the other, as little-endian 32-bit words.
class Digest {
   public:
    template <class T>
    void add(const T* data, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            std::uint32_t halves[sizeof(T) / 4];
            std::memcpy(halves, data + i, sizeof(T));
            for (const std::uint32_t half : halves) sum_ += mix(half | (words_++ << 32));
            has_nan_ |= std::isnan(data[i]);
        }
    }
    template <class T>
    void add(const std::vector<T>& values) {
        add(values.data(), values.size());
    }

    std::uint64_t value() const { return sum_; }
    bool has_nan() const { return has_nan_; }

   private:
    std::uint64_t sum_ = 0, words_ = 0;
    bool has_nan_ = false;
};

}  // namespace golden

#endif
