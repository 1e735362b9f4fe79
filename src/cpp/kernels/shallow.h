// Products whose inner length is so short that writing the result is all the work: a weight gradient of a few rows, an
// input gradient through a few outputs. One row of the result after the other, each written in one run.
#ifndef FASTNN_KERNELS_SHALLOW_H
#define FASTNN_KERNELS_SHALLOW_H

#include "dense.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Results from this size on go round the caches: they would drive everything else out of them.
constexpr ptrdiff_t kShallowStreamBytes = 32 * 1024 * 1024;

// c[j] = bias[j] + sum over p of a[p * a_col] b[p * ldb + j], one ascending chain.
template <class T, int kDepth>
void shallow_row(const T* a, ptrdiff_t a_col, const T* b, ptrdiff_t ldb, const T* bias, T* c, ptrdiff_t n, bool relu,
                 bool stream) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    vec<T> from_a[kDepth];
#pragma GCC unroll 8
    for (int p = 0; p < kDepth; ++p) from_a[p] = set1(a[p * a_col]);
    const auto value = [&](ptrdiff_t j, auto read) {
        vec<T> sum = bias != nullptr ? read(bias + j) : vec<T>{};
#pragma GCC unroll 8
        for (int p = 0; p < kDepth; ++p) sum = fma(from_a[p], read(b + p * ldb + j), sum);
        return relu ? max(vec<T>{}, sum) : sum;
    };
    const auto whole = [](const T* p) { return load(p); };
    const auto some = [&](ptrdiff_t j, ptrdiff_t count) {
        const Tail<T> tail(count);
        store(c + j, value(j, [tail](const T* p) { return load(p, tail); }), tail);
    };
    ptrdiff_t j = 0;
    if (stream) {
        const ptrdiff_t past = static_cast<ptrdiff_t>(reinterpret_cast<uintptr_t>(c) / sizeof(T) % kLane);
        const ptrdiff_t head = past == 0 ? 0 : kLane - past < n ? kLane - past : n;
        if (head > 0) some(0, head);
        for (j = head; j + kLane <= n; j += kLane) store_stream(c + j, value(j, whole));
    } else {
        for (; j + kLane <= n; j += kLane) store(c + j, value(j, whole));
    }
    if (j < n) some(j, n - j);
}

// Rows [row_begin, row_end), columns [begin, end) of a product with 1 <= k < kShallow and layout rows, without its
// activation, but for relu.
template <class T, int kDepth>
void shallow_rows(const Product<T>& g, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t begin, ptrdiff_t end,
                  bool relu) {
    if constexpr (kDepth < kShallow) {
        if (g.k != kDepth) {
            shallow_rows<T, kDepth + 1>(g, row_begin, row_end, begin, end, relu);
            return;
        }
        const bool stream = g.m * g.n >= kShallowStreamBytes / static_cast<ptrdiff_t>(sizeof(T));
        const T* const bias = g.bias != nullptr ? g.bias + begin : nullptr;
        for (ptrdiff_t row = row_begin; row < row_end; ++row) {
            shallow_row<T, kDepth>(g.a + row * g.a_row, g.a_col, g.b + begin, g.ldb, bias, g.c + row * g.ldc + begin,
                                   end - begin, relu, stream);
        }
        if (stream) stream_fence();
    }
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
