// Products of so few rows that reading b is all the work, with b read where it lies.
#ifndef FASTNN_KERNELS_FEW_ROWS_H
#define FASTNN_KERNELS_FEW_ROWS_H

#include "gemm.h"
#include "pack.h"

namespace fastnn {
namespace FASTNN_TARGET {

// ---- b by rows: sweeps along whole rows of b -------------------------------------------------------------------

// From this size on b comes from far away, and the panel walk of the tiles, with its stride of a row, costs more than
// to write the sums out every kSweepSteps terms. Zen 4, (1,4096,4096) float32: 4.6 ms by panels.
constexpr ptrdiff_t kSweepBytes = 2 * 1024 * 1024;
constexpr int kSweepSteps = 8;

template <class T>
bool sweeps(const Product<T>& g) {
    return g.layout == Layout::rows && g.a_col == 1 && g.m <= kFewRows &&
           g.k * g.n >= kSweepBytes / static_cast<ptrdiff_t>(sizeof(T));
}

// to[i][j] = start[i][j] + kSteps more terms. start may be null (zero), its stride 0 (the bias).
template <class T, int kRows, int kSteps>
void sweep(const T* a, ptrdiff_t a_row, const T* b, ptrdiff_t ldb, const T* start, ptrdiff_t start_stride, T* to,
           ptrdiff_t ldt, ptrdiff_t n) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const auto step = [&](ptrdiff_t j, auto read, auto write) {
        vec<T> sum[kRows];
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) sum[i] = start != nullptr ? read(start + i * start_stride + j) : vec<T>{};
#pragma GCC unroll 8
        for (int p = 0; p < kSteps; ++p) {
            const vec<T> from_b = read(b + p * ldb + j);
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) sum[i] = fma(set1(a[i * a_row + p]), from_b, sum[i]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) write(to + i * ldt + j, sum[i]);
    };
    ptrdiff_t j = 0;
    for (; j + kLane <= n; j += kLane) {
        step(
            j, [](const T* p) { return load(p); }, [](T* p, vec<T> v) { store(p, v); });
    }
    if (j < n) {
        const Tail<T> tail(n - j);
        step(
            j, [tail](const T* p) { return load(p, tail); }, [tail](T* p, vec<T> v) { store(p, v, tail); });
    }
}

// Columns [begin, end) of all rows, without the activation. `later` holds (m, end - begin): the chunks after the first.
template <class T, int kRows>
void sweep_rows(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, T* later) {
    const ptrdiff_t n = end - begin;
    T* const c = g.c + begin;
    for (ptrdiff_t chunk = 0; chunk < g.k; chunk += kChunk) {
        const ptrdiff_t stop = g.k - chunk < kChunk ? g.k : chunk + kChunk;
        T* const to = chunk == 0 ? c : later;
        const ptrdiff_t ldt = chunk == 0 ? g.ldc : n;
        const T* start = chunk == 0 && g.bias != nullptr ? g.bias + begin : nullptr;
        ptrdiff_t stride = 0, p = chunk;
        while (p < stop) {
            const T* const b = g.b + p * g.ldb + begin;
            if (p + kSweepSteps <= stop) {
                sweep<T, kRows, kSweepSteps>(g.a + p, g.a_row, b, g.ldb, start, stride, to, ldt, n);
                p += kSweepSteps;
            } else {
                sweep<T, kRows, 1>(g.a + p, g.a_row, b, g.ldb, start, stride, to, ldt, n);
                p += 1;
            }
            start = to;
            stride = ldt;
        }
        if (chunk == 0) continue;
        for (int i = 0; i < kRows; ++i) {
            for (ptrdiff_t j = 0; j < n; j += lane_count<T>) {
                const Tail<T> tail(n - j < lane_count<T> ? n - j : lane_count<T>);
                T* const total = c + i * g.ldc + j;
                store(total, load(total, tail) + load(later + i * n + j, tail), tail);
            }
        }
    }
}

template <class T>
void sweep_product(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, T* later) {
    static_assert(kFewRows == 4, "a case for each number of rows");
    switch (g.m) {
        case 1:
            return sweep_rows<T, 1>(g, begin, end, later);
        case 2:
            return sweep_rows<T, 2>(g, begin, end, later);
        case 3:
            return sweep_rows<T, 3>(g, begin, end, later);
        default:
            return sweep_rows<T, 4>(g, begin, end, later);
    }
}

// ---- b transposed: squares of it turned round in registers -----------------------------------------------------

// A strip of kRows rows against kBlocks vectors of columns, the last of them `columns` wide. b(p, j) = t.b[j * ldb +
// p]. Two blocks at a time: the chain of one runs while the other's square is turned.
template <class T, int kRows, int kBlocks>
void turned_tile(const TileArguments<T>& t, ptrdiff_t ldb, ptrdiff_t columns) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const auto lines = [columns](int block) { return block == kBlocks - 1 ? columns : kLane; };
    vec<T> sum[kBlocks][kRows];
    for (int block = 0; block < kBlocks; ++block) {
        const vec<T> start = t.bias != nullptr ? load(t.bias + block * kLane, Tail<T>(lines(block))) : vec<T>{};
        for (int i = 0; i < kRows; ++i) sum[block][i] = start;
    }
    for (ptrdiff_t p = 0; p < t.k; p += kLane) {
        const ptrdiff_t steps = t.k - p < kLane ? t.k - p : kLane;
#pragma GCC unroll 2
        for (int block = 0; block < kBlocks; ++block) {
            const T* const b = t.b + block * kLane * ldb + p;
            vec<T> square[kLane];
            if (steps == kLane && lines(block) == kLane) {
#pragma GCC unroll 16
                for (ptrdiff_t i = 0; i < kLane; ++i) square[i] = load(b + i * ldb);
            } else {
                const Tail<T> tail(steps);
                for (ptrdiff_t i = 0; i < kLane; ++i) {
                    square[i] = i < lines(block) ? load(b + i * ldb, tail) : vec<T>{};
                }
            }
            transpose<T>(square);
            if (steps == kLane) {
#pragma GCC unroll 16
                for (ptrdiff_t q = 0; q < kLane; ++q) {
#pragma GCC unroll 4
                    for (int i = 0; i < kRows; ++i) {
                        sum[block][i] = fma(set1(t.a[i * t.a_stride + p + q]), square[q], sum[block][i]);
                    }
                }
            } else {
                for (ptrdiff_t q = 0; q < steps; ++q) {
                    for (int i = 0; i < kRows; ++i) {
                        sum[block][i] = fma(set1(t.a[i * t.a_stride + p + q]), square[q], sum[block][i]);
                    }
                }
            }
        }
    }
    for (int block = 0; block < kBlocks; ++block) {
        const Tail<T> tail(lines(block));
        for (int i = 0; i < kRows; ++i) {
            T* const c = t.c + i * t.ldc + block * kLane;
            vec<T> value = sum[block][i];
            if (t.add) value = load(c, tail) + value;
            if (t.relu) value = max(vec<T>{}, value);
            store(c, value, tail);
        }
    }
}

template <class T, int kRows>
void turned_columns(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t chunk, TileArguments<T> t) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    T* const c = t.c;
    for (ptrdiff_t j = begin; j < end; j += 2 * kLane) {
        const ptrdiff_t left = end - j;
        t.b = g.b + j * g.ldb + chunk;
        t.bias = chunk == 0 && g.bias != nullptr ? g.bias + j : nullptr;
        t.c = c + j;
        if (left > kLane) {
            turned_tile<T, kRows, 2>(t, g.ldb, left < 2 * kLane ? left - kLane : kLane);
        } else {
            turned_tile<T, kRows, 1>(t, g.ldb, left);
        }
    }
}

// What strip() in dense.cpp is for the other layouts.
template <class T>
void turned_strip(const Product<T>& g, ptrdiff_t rows, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t chunk,
                  const TileArguments<T>& t) {
    switch (rows) {
        case 1:
            return turned_columns<T, 1>(g, begin, end, chunk, t);
        case 2:
            return turned_columns<T, 2>(g, begin, end, chunk, t);
        case 3:
            return turned_columns<T, 3>(g, begin, end, chunk, t);
        default:
            return turned_columns<T, 4>(g, begin, end, chunk, t);
    }
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
