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

// Rows that share the loads of b, columns that share those of a, and rows whose sums are finished together: in c they
// are one run.
template <class T>
constexpr int kNarrowRows = lane_vectors<T> >= 4   ? 1
                            : lane_vectors<T> == 2 ? 2
                                                   : 4;
template <class T>
constexpr int kNarrowGroup = kNarrowRegisters / lane_vectors<T> / kNarrowRows<T> < 4
                                 ? static_cast<int>(kNarrowRegisters / lane_vectors<T> / kNarrowRows<T>)
                                 : 4;
constexpr ptrdiff_t kNarrowBlock = 16;

// a by rows, b as (columns, k) rows: the sums of one chunk of k terms, up to the last steps of their trees.
template <class T, int kRows, int kColumns>
void narrow_dots(const T* a, ptrdiff_t lda, const T* bt, ptrdiff_t ldb, ptrdiff_t k, TreeHead<T>* heads,
                 ptrdiff_t ldh) {
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
            for (int i = 0; i < kRows; ++i) from_a[i] = in_register(read(a + i * lda + p, v));
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
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < kColumns; ++j) heads[i * ldh + j] = tree_head(sum[i][j]);
    }
}

// Columns [first, n) of kRows rows.
template <class T, int kRows, int kColumns>
void narrow_groups(const T* a, ptrdiff_t lda, const T* bt, ptrdiff_t ldb, ptrdiff_t k, TreeHead<T>* heads, ptrdiff_t n,
                   ptrdiff_t first) {
    for (; first + kColumns <= n; first += kColumns) {
        narrow_dots<T, kRows, kColumns>(a, lda, bt + first * ldb, ldb, k, heads + first, n);
    }
    if constexpr (kColumns > 1) {
        if (first < n) narrow_groups<T, kRows, kColumns - 1>(a, lda, bt, ldb, k, heads, n, first);
    }
}

// All columns of up to kNarrowBlock rows. starts: their bias, row by row.
template <class T>
void narrow_block(const Product<T>& g, ptrdiff_t row, ptrdiff_t rows, const T* starts) {
    constexpr int kRows = kNarrowRows<T>, kGroup = kNarrowGroup<T>;
    constexpr ptrdiff_t kMost = kNarrowBlock * kNarrowColumns;
    const ptrdiff_t count = rows * g.n;
    T* const c = g.c + row * g.n;
    ptrdiff_t begin = 0;
    do {
        const ptrdiff_t k = g.k - begin < kNarrowChunk ? g.k - begin : kNarrowChunk;
        const T* a = g.a + row * g.a_row + begin;
        TreeHead<T> heads[kMost];
        T sums[kMost];
        ptrdiff_t i = 0;
        for (; i + kRows <= rows; i += kRows) {
            narrow_groups<T, kRows, kGroup>(a + i * g.a_row, g.a_row, g.b + begin, g.ldb, k, heads + i * g.n, g.n, 0);
        }
        // Left-over rows a column at a time: the code of more columns would be as large as that of whole groups.
        for (; i < rows; ++i) {
            narrow_groups<T, 1, kRows == 1 ? kGroup : 1>(a + i * g.a_row, g.a_row, g.b + begin, g.ldb, k,
                                                         heads + i * g.n, g.n, 0);
        }
        // The last bunch may be filled up with heads of no sum.
        for (ptrdiff_t h = count; h % kTreeBunch != 0; ++h) heads[h] = TreeHead<T>{};
        for (ptrdiff_t h = 0; h < count; h += kTreeBunch) tree_sums(heads + h, sums + h);
        const T* const start = begin == 0 ? starts : c;
        for (ptrdiff_t j = 0; j < count; ++j) c[j] = start[j] + sums[j];
        begin += k;
    } while (begin < g.k);
}

// a by columns (a weight gradient): rank-one updates of a block of rows, term p into lane p mod 16 of `lanes`
// (16, n, width), which stays in L1 while a streams by. Four terms of a lane a visit: the sums are loaded and stored
// once for four.
constexpr ptrdiff_t kNarrowLaneBytes = 16 * 1024;

template <class T>
ptrdiff_t narrow_width(ptrdiff_t n) {
    const ptrdiff_t line = 64 / static_cast<ptrdiff_t>(sizeof(T));
    return kNarrowLaneBytes / (kLanes * n * static_cast<ptrdiff_t>(sizeof(T))) / line * line;
}

template <class T, int kTerms>
void narrow_updates(const Product<T>& g, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t p, T* lane, ptrdiff_t width) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const T* const a = g.a + row + p * g.a_col;
    const T* const b = g.b + p * g.ldb;
    const auto update = [&](ptrdiff_t i, auto read) {
        vec<T> from_a[kTerms];
#pragma GCC unroll 4
        for (int t = 0; t < kTerms; ++t) from_a[t] = read(a + t * kLanes * g.a_col + i);
        for (ptrdiff_t j = 0; j < g.n; ++j) {
            vec<T> sum = load(lane + j * width + i);
#pragma GCC unroll 4
            for (int t = 0; t < kTerms; ++t) sum = fma(from_a[t], set1(b[t * kLanes * g.ldb + j]), sum);
            store(lane + j * width + i, sum);
        }
    };
    ptrdiff_t i = 0;
    for (; i + kLane <= rows; i += kLane) update(i, [](const T* from) { return load(from); });
    if (i < rows) {
        const Tail<T> tail(rows - i);
        update(i, [tail](const T* from) { return load(from, tail); });
    }
}

template <class T>
void narrow_columns(const Product<T>& g, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t width, T* lanes) {
    constexpr ptrdiff_t kTerms = 4;
    const ptrdiff_t lane_size = g.n * width;
    for (ptrdiff_t begin = 0; begin < g.k; begin += kNarrowChunk) {
        const ptrdiff_t end = g.k - begin < kNarrowChunk ? g.k : begin + kNarrowChunk;
        // Lanes that no term falls into stay zero: the tree may leave them out, as the last sum starts at +0 or more.
        ptrdiff_t used = 1;
        while (used < kLanes && used < end - begin) used *= 2;
        memset(lanes, 0, static_cast<size_t>(used * lane_size) * sizeof(T));
        for (ptrdiff_t p = begin; p < end; p += kTerms * kLanes) {
            for (ptrdiff_t l = 0; l < kLanes && p + l < end; ++l) {
                T* const lane = lanes + l * lane_size;
                if (p + l + (kTerms - 1) * kLanes < end) {
                    narrow_updates<T, kTerms>(g, row, rows, p + l, lane, width);
                    continue;
                }
                for (ptrdiff_t q = p + l; q < end; q += kLanes) narrow_updates<T, 1>(g, row, rows, q, lane, width);
            }
        }
        for (ptrdiff_t half = used / 2; half > 0; half /= 2) {
            for (ptrdiff_t i = 0; i < half * lane_size; i += lane_count<T>) {
                store(lanes + i, load(lanes + i) + load(lanes + half * lane_size + i));
            }
        }
        for (ptrdiff_t i = 0; i < rows; ++i) {
            T* const c = g.c + (row + i) * g.ldc;
            for (ptrdiff_t j = 0; j < g.n; ++j) {
                const T start = begin > 0 ? c[j] : g.bias != nullptr ? g.bias[j] : T(0);
                c[j] = start + lanes[j * width + i];
            }
        }
    }
}

template <class T>
ptrdiff_t narrow_workspace_size(const Product<T>& g) {
    return g.a_col == 1 ? 0 : kLanes * g.n * narrow_width<T>(g.n);
}

template <class T>
void narrow_product(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, T* workspace) {
    ptrdiff_t row = begin;
    if (g.a_col != 1 && g.k > 0) {
        const ptrdiff_t width = narrow_width<T>(g.n);
        for (; row < end; row += width) {
            narrow_columns(g, row, end - row < width ? end - row : width, width, workspace);
        }
        return;
    }
    // Zeros in place of a test in the loop: gcc makes masked loads of one, which emulators let fault at null.
    const T zeros[kNarrowColumns] = {};
    const T* const bias = g.bias != nullptr ? g.bias : zeros;
    T starts[kNarrowBlock * kNarrowColumns];
    for (ptrdiff_t i = 0; i < kNarrowBlock && i < end - begin; ++i) {
        for (ptrdiff_t j = 0; j < g.n; ++j) starts[i * g.n + j] = bias[j];
    }
    for (; row < end; row += kNarrowBlock) {
        narrow_block(g, row, end - row < kNarrowBlock ? end - row : kNarrowBlock, starts);
    }
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
