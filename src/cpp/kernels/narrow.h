// Products with fewer than kNarrowColumns columns. Each output has 16 interleaved chains over the inner dimension
// (term p in lane p mod 16), ended by the fixed tree of lanes.h; chunks of 16 kChunk terms; the bias comes first:
// ((bias + chunk 0) + chunk 1) ... A last group of fewer than 16 terms is filled up with zeros.
#ifndef FASTNN_KERNELS_NARROW_H
#define FASTNN_KERNELS_NARROW_H

#include "dense.h"
#include "lanes.h"

namespace fastnn {
namespace FASTNN_TARGET {

constexpr ptrdiff_t kNarrowChunk = kLanes * kChunk;

// Accumulators that fit beside the operands in the register file.
#if defined(FASTNN_TARGET_AVX512) || defined(FASTNN_TARGET_NEON)
constexpr ptrdiff_t kNarrowRegisters = 24;
#else
constexpr ptrdiff_t kNarrowRegisters = 12;
#endif

// a by rows, b as (columns, k) rows: sums[i][j] of one chunk of k terms.
template <class T, int kRows, int kColumns>
void narrow_dots(const T* a, ptrdiff_t lda, const T* bt, ptrdiff_t ldb, ptrdiff_t k, T* sums, ptrdiff_t lds) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    constexpr int kParts = static_cast<int>(lane_vectors<T>);
    Lanes<T> sum[kRows][kColumns];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < kColumns; ++j) sum[i][j] = Lanes<T>::all(T(0));
    }
    const auto group = [&](ptrdiff_t p, auto read) {
#pragma GCC unroll 8
        for (int v = 0; v < kParts; ++v) {
            vec<T> from_a[kRows];
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) from_a[i] = read(a + i * lda + p, v);
#pragma GCC unroll 8
            for (int j = 0; j < kColumns; ++j) {
                const vec<T> from_b = read(bt + j * ldb + p, v);
#pragma GCC unroll 8
                for (int i = 0; i < kRows; ++i) sum[i][j].part[v] = fma(from_a[i], from_b, sum[i][j].part[v]);
            }
        }
    };
    ptrdiff_t p = 0;
    for (; p + kLanes <= k; p += kLanes) {
        group(p, [](const T* from, int v) { return load(from + v * kLane); });
    }
    if (p < k) {
        const ptrdiff_t left = k - p;
        group(p, [left](const T* from, int v) {
            const ptrdiff_t here = left - v * kLane;
            if (here <= 0) return vec<T>{};
            return here >= kLane ? load(from + v * kLane) : load(from + v * kLane, Tail<T>(here));
        });
    }
    for (int i = 0; i < kRows; ++i) {
        for (int j = 0; j < kColumns; ++j) sums[i * lds + j] = tree_sum(sum[i][j]);
    }
}

// All columns of kRows rows, as many columns at a time as the registers hold.
template <class T, int kRows>
void narrow_rows(const Product<T>& g, const T* bt, ptrdiff_t ldb, ptrdiff_t row) {
    constexpr int kGroup = static_cast<int>(kNarrowRegisters / lane_vectors<T> / kRows);
    static_assert(kGroup >= 1, "one column at least");
    T* c = g.c + row * g.ldc;
    for (int i = 0; i < kRows; ++i) {
        for (ptrdiff_t j = 0; j < g.n; ++j) c[i * g.ldc + j] = g.bias != nullptr ? g.bias[j] : T(0);
    }
    for (ptrdiff_t begin = 0; begin < g.k; begin += kNarrowChunk) {
        const ptrdiff_t k = g.k - begin < kNarrowChunk ? g.k - begin : kNarrowChunk;
        const T* a = g.a + row * g.a_row + begin;
        T sums[kRows * kNarrowColumns];
        for (ptrdiff_t j = 0; j < g.n;) {
            const T* b = bt + j * ldb + begin;
            if (j + kGroup <= g.n) {
                narrow_dots<T, kRows, kGroup>(a, g.a_row, b, ldb, k, sums + j, kNarrowColumns);
                j += kGroup;
            } else {
                narrow_dots<T, kRows, 1>(a, g.a_row, b, ldb, k, sums + j, kNarrowColumns);
                j += 1;
            }
        }
        for (int i = 0; i < kRows; ++i) {
            for (ptrdiff_t j = 0; j < g.n; ++j) c[i * g.ldc + j] += sums[i * kNarrowColumns + j];
        }
    }
}

// a by columns (a weight gradient): lane l takes the terms l, l + 16 ... as rank-one updates of kVectors vectors of
// rows. The 16 partial results wait in `lanes` (16, n, kVectors vectors) for the tree.
template <class T, int kVectors>
void narrow_columns(const Product<T>& g, ptrdiff_t row, Tail<T> tail, T* lanes) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    constexpr ptrdiff_t kWidth = kVectors * kLane;
    const auto read = [tail](const T* p, int v) { return v == kVectors - 1 ? load(p, tail) : load(p); };
    const ptrdiff_t n = g.n;
    for (ptrdiff_t begin = 0; begin < g.k; begin += kNarrowChunk) {
        const ptrdiff_t end = g.k - begin < kNarrowChunk ? g.k : begin + kNarrowChunk;
        for (ptrdiff_t l = 0; l < kLanes; ++l) {
            vec<T> sum[kNarrowColumns][kVectors] = {};
            for (ptrdiff_t p = begin + l; p < end; p += kLanes) {
                const T* a = g.a + row + p * g.a_col;
                const T* b = g.b + p * g.ldb;
                vec<T> from_a[kVectors];
#pragma GCC unroll 4
                for (int v = 0; v < kVectors; ++v) from_a[v] = read(a + v * kLane, v);
                for (ptrdiff_t j = 0; j < n; ++j) {
                    const vec<T> from_b = set1(b[j]);
#pragma GCC unroll 4
                    for (int v = 0; v < kVectors; ++v) sum[j][v] = fma(from_a[v], from_b, sum[j][v]);
                }
            }
            for (ptrdiff_t j = 0; j < n; ++j) {
                for (int v = 0; v < kVectors; ++v) store(lanes + (l * n + j) * kWidth + v * kLane, sum[j][v]);
            }
        }
        for (ptrdiff_t half = kLanes / 2; half > 0; half /= 2) {
            for (ptrdiff_t i = 0; i < half * n * kWidth; i += kLane) {
                store(lanes + i, load(lanes + i) + load(lanes + half * n * kWidth + i));
            }
        }
        for (ptrdiff_t i = 0; i < kWidth && row + i < g.m; ++i) {
            T* c = g.c + (row + i) * g.ldc;
            for (ptrdiff_t j = 0; j < n; ++j) {
                const T start = begin > 0 ? c[j] : g.bias != nullptr ? g.bias[j] : T(0);
                c[j] = start + lanes[j * kWidth + i];
            }
        }
    }
}

// One cache line of rows at a time: 16 floats, 8 doubles, or a register where it is as wide.
template <class T>
constexpr int kNarrowVectors = FASTNN_VECTOR_BYTES >= 64 ? 1 : 64 / FASTNN_VECTOR_BYTES;

template <class T>
ptrdiff_t narrow_workspace_size(const Product<T>& g) {
    return g.a_col == 1 ? 0 : kLanes * g.n * kNarrowVectors<T> * lane_count<T>;
}

template <class T>
void narrow_product(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, T* workspace) {
    ptrdiff_t row = begin;
    if (g.a_col != 1 && g.k > 0) {
        constexpr ptrdiff_t kWidth = kNarrowVectors<T> * lane_count<T>;
        for (; row + kWidth <= end; row += kWidth) {
            narrow_columns<T, kNarrowVectors<T>>(g, row, Tail<T>(lane_count<T>), workspace);
        }
        for (; row < end; row += lane_count<T>) {
            const ptrdiff_t left = end - row < lane_count<T> ? end - row : lane_count<T>;
            narrow_columns<T, 1>(g, row, Tail<T>(left), workspace);
        }
        return;
    }
    // Rows that share the loads of b, as far as the registers go.
    constexpr int kRows = lane_vectors < T >> 4 ? 1 : lane_vectors < T >> 2 ? 2 : 4;
    for (; row + kRows <= end; row += kRows) narrow_rows<T, kRows>(g, g.b, g.ldb, row);
    for (; row < end; ++row) narrow_rows<T, 1>(g, g.b, g.ldb, row);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
