// As many fma as the processor can start: 12 independent chains, compiled once per instruction set.
#include "kernels/simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Returns the floating-point operations of one call.
template <class T>
double chains(long rounds) {
    constexpr int kChains = 12;  // latency 4 at 2 a cycle needs 8; 3 registers are left for the operands
    vec<T> sum[kChains];
    for (int i = 0; i < kChains; ++i) sum[i] = set1(T(i));
    const vec<T> a = set1(T(0.5)), b = set1(T(1));
    for (long r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) sum[i] = fma(sum[i], a, b);
    }
    vec<T> total = sum[0];
    for (int i = 1; i < kChains; ++i) total = total + sum[i];
    T keep[lane_count<T>];
    store(keep, total);
    volatile T used = keep[0];
    static_cast<void>(used);
    return 2.0 * kChains * static_cast<double>(lane_count<T>) * static_cast<double>(rounds);
}

double run_chains_f32(long rounds);
double run_chains_f64(long rounds);
double run_chains_f32(long rounds) { return chains<float>(rounds); }
double run_chains_f64(long rounds) { return chains<double>(rounds); }

}  // namespace FASTNN_TARGET
}  // namespace fastnn
