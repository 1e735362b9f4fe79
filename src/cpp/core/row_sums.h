// Sums over the rows of a batch, in one fixed order.
#ifndef FASTNN_CORE_ROW_SUMS_H
#define FASTNN_CORE_ROW_SUMS_H

#include <cstddef>

namespace fastnn {

// The sum of f(row) in float64: row mod 16 is its chain, each chain ascending; then a fixed tree.
template <class F>
double sum_over_rows(std::ptrdiff_t rows, F&& f) {
    constexpr std::ptrdiff_t kChains = 16;
    double chains[kChains] = {};
    std::ptrdiff_t row = 0;
    for (; row + kChains <= rows; row += kChains) {
        for (std::ptrdiff_t i = 0; i < kChains; ++i) chains[i] += f(row + i);
    }
    for (std::ptrdiff_t i = 0; row + i < rows; ++i) chains[i] += f(row + i);
    for (std::ptrdiff_t half = kChains / 2; half > 0; half /= 2) {
        for (std::ptrdiff_t i = 0; i < half; ++i) chains[i] += chains[i + half];
    }
    return chains[0];
}

}  // namespace fastnn

#endif
