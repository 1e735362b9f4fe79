#include "probe.h"

#include "math.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// Keeps a result alive without storing every lane.
template <class T>
void use(vec<T> value) {
    volatile T used = value[0];
    static_cast<void>(used);
}

template <class T>
double probe_fma(ptrdiff_t rounds) {
    constexpr int kChains = 12;  // a latency of 4 at 2 a cycle needs 8; 3 of 16 registers are left for the operands
    vec<T> sum[kChains];
    for (int i = 0; i < kChains; ++i) sum[i] = set1(T(i));
    const vec<T> a = set1(T(0.5)), b = set1(T(1));
    for (ptrdiff_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
        for (int i = 0; i < kChains; ++i) sum[i] = fma(sum[i], a, b);
    }
    vec<T> total = sum[0];
    for (int i = 1; i < kChains; ++i) total = total + sum[i];
    use<T>(total);
    return 2.0 * kChains * static_cast<double>(lane_count<T>) * static_cast<double>(rounds);
}

template <class T>
double probe_exp(ptrdiff_t rounds) {
    constexpr int kVectors = 4;
    const vec<T> step = set1(T(0.0078125));
    vec<T> x[kVectors], total = {};
    for (int i = 0; i < kVectors; ++i) x[i] = set1(T(i - 2));
    for (ptrdiff_t r = 0; r < rounds; ++r) {
        // Steps that are exact and come back: the arguments stay within +-4 and are never the same twice in a row.
        const vec<T> change = (r & 255) < 128 ? step : -step;
#pragma GCC unroll 4
        for (int i = 0; i < kVectors; ++i) {
            total = max(total, exp_in_range(x[i]));
            x[i] = x[i] + change;
        }
    }
    use<T>(total);
    return static_cast<double>(kVectors) * static_cast<double>(lane_count<T>) * static_cast<double>(rounds);
}

constexpr int kUnroll = 8;

template <class T>
T probe_read(const T* from, ptrdiff_t n) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    vec<T> total[kUnroll] = {};
    for (ptrdiff_t i = 0; i < n; i += kUnroll * kLane) {
#pragma GCC unroll 8
        for (int v = 0; v < kUnroll; ++v) total[v] = max(total[v], load(from + i + v * kLane));
    }
    for (int v = 1; v < kUnroll; ++v) total[0] = max(total[0], total[v]);
    T most = total[0][0];
    for (ptrdiff_t i = 1; i < kLane; ++i) most = total[0][i] > most ? total[0][i] : most;
    return most;
}

template <class T>
void probe_copy(const T* from, T* to, ptrdiff_t n, bool stream) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    // As far ahead as the softmax reads: without it a streaming copy reaches 0.7 of the rate (Zen 4).
    constexpr ptrdiff_t kAhead = 8192 / static_cast<ptrdiff_t>(sizeof(T));
    for (ptrdiff_t i = 0; i < n; i += kUnroll * kLane) {
#pragma GCC unroll 8
        for (int v = 0; v < kUnroll; ++v) {
            const vec<T> value = load(from + i + v * kLane);
            if (stream) {
                prefetch_l2(from + i + v * kLane + kAhead);
                store_stream(to + i + v * kLane, value);
            } else {
                store(to + i + v * kLane, value);
            }
        }
    }
    if (stream) stream_fence();
}

template <class T>
constexpr ProbeKernels<T> probe_kernels() {
    return {probe_fma<T>, probe_exp<T>, probe_read<T>, probe_copy<T>};
}

}  // namespace

extern const ProbeKernels<float> probe_f32;
extern const ProbeKernels<double> probe_f64;
constexpr ProbeKernels<float> probe_f32 = probe_kernels<float>();
constexpr ProbeKernels<double> probe_f64 = probe_kernels<double>();

}  // namespace FASTNN_TARGET
}  // namespace fastnn
