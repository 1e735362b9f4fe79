// The micro-kernels: an outer-product tile of kRows x kVectors registers over one chunk of the inner dimension.
#ifndef FASTNN_KERNELS_GEMM_H
#define FASTNN_KERNELS_GEMM_H

#include "dense.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Registers decide the tile. AVX-512 has 32: 6 x 4 sums + 4 of b, a broadcast from memory. AVX2 has 16: 6 x 2 sums +
// 2 of b + 1 broadcast. NEON has 32: 6 x 4 + 4 + 1; baseline x86 has 16, and 4 x 2 sums hide its additions' latency.
#if defined(FASTNN_TARGET_AVX512) || defined(FASTNN_TARGET_NEON)
constexpr int kTileVectors = 4;
#else
constexpr int kTileVectors = 2;
#endif
constexpr int kTileRows = kForSize ? 4 : 6;
template <class T>
constexpr ptrdiff_t kTileColumns = kTileVectors* lane_count<T>;

// With few rows a tile spans several panels, so that 8 or more chains hide the fma's latency of 4 cycles at 2 a cycle.
constexpr int kWideRows = kTileVectors == 2 && !kForSize ? 3 : 1;
constexpr int wide_vectors(int rows) { return rows == 1 ? 8 : 4; }

template <class T>
struct TileArguments {
    ptrdiff_t k;
    const T* a;
    ptrdiff_t a_row, a_step;  // from a row to the next, from one p to the next
    const ptrdiff_t* a_rows;  // where each row begins, those of the next tile after them; null: i * a_row
    const T* b;
    ptrdiff_t b_stride;  // from one p to the next
    ptrdiff_t b_panel;   // from one panel to the next
    const T* bias;       // null: start at zero
    T* c;
    ptrdiff_t ldc;
    bool add;   // to what is in c: the later chunks
    bool relu;  // at the store: the one activation as cheap as the store itself
    Tail<T> tail{0};
    // The lines of the a whose tile comes next, to be near by then: some at each of so many steps; or null.
    const T* next;
    ptrdiff_t next_line, next_step;  // from a line to the next, from one kRows lines to the next
};

template <class T>
using TileFunction = void (*)(const TileArguments<T>&);

// kMasked: only `tail` lanes of the last vector exist in b, bias and c.
template <class T, int kRows, int kVectors, bool kMasked>
void tile(const TileArguments<T>& t) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const Tail<T> tail = t.tail;
    const auto read = [tail](const T* p, int v) { return kMasked && v == kVectors - 1 ? load(p, tail) : load(p); };
    vec<T> sum[kRows][kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
        const vec<T> start = t.bias != nullptr ? read(t.bias + v * kLane, v) : vec<T>{};
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) sum[i][v] = start;
    }
    const T* a = t.a;
    const T* b = t.b;
    const ptrdiff_t a_step = t.a_step, b_stride = t.b_stride, b_panel = t.b_panel;
    ptrdiff_t at[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) at[i] = t.a_rows != nullptr ? t.a_rows[i] : i * t.a_row;
    // Where there are rows enough for it to pay; nowhere else, for the size of the code.
    constexpr bool kFetches = !kMasked && kRows >= kTileRows - 1;
    if (kFetches) {
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) prefetch_to_write(t.c + i * t.ldc + v * kLane);
        }
    }
    const auto steps = [&](ptrdiff_t count) FASTNN_INLINE_BODY {
#pragma GCC unroll 1
        for (ptrdiff_t p = 0; p < count; ++p) {
            vec<T> row_of_b[kVectors];
#pragma GCC unroll 8
            for (int v = 0; v < kVectors; ++v) {
                row_of_b[v] = read(b + (v / kTileVectors) * b_panel + (v % kTileVectors) * kLane, v);
            }
            b += b_stride;
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) {
                const vec<T> from_a = set1(a[at[i]]);
#pragma GCC unroll 8
                for (int v = 0; v < kVectors; ++v) sum[i][v] = fma(from_a, row_of_b[v], sum[i][v]);
            }
            a += a_step;
        }
    };
    ptrdiff_t left = t.k;
    if (kFetches && t.next != nullptr) {
        constexpr ptrdiff_t kLine = 64 / static_cast<ptrdiff_t>(sizeof(T));
        const T* next = t.next;
        for (; left > kLine; left -= kLine, next += t.next_step) {
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i)
                prefetch_l2(next + (t.a_rows != nullptr ? t.a_rows[kRows + i] : i * t.next_line));
            steps(kLine);
        }
    }
    steps(left);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
            T* c = t.c + i * t.ldc + v * kLane;
            vec<T> value = sum[i][v];
            if (t.add) value = read(c, v) + value;
            // max(0, nan) is nan with the operands in this order, as PyTorch has it.
            if (t.relu) value = max(vec<T>{}, value);
            if (kMasked && v == kVectors - 1) {
                store(c, value, tail);
            } else {
                store(c, value);
            }
        }
    }
}

// [rows - 1] of whole panels; [rows - 1][vectors - 1] of a last, partial one; [rows - 1] of several panels.
template <class T>
struct Tiles {
    static constexpr TileFunction<T> whole[kTileRows] = {
        tile<T, 1, kTileVectors, false>, tile<T, 2, kTileVectors, false>,
        tile<T, 3, kTileVectors, false>, tile<T, 4, kTileVectors, false>,
#if !defined(__OPTIMIZE_SIZE__)
        tile<T, 5, kTileVectors, false>, tile<T, 6, kTileVectors, false>,
#endif
    };
    template <int kRows>
    static constexpr TileFunction<T> masked(int vectors) {
        switch (vectors) {
            case 1:
                return tile<T, kRows, 1, true>;
            case 2:
                return tile<T, kRows, 2, true>;
#if !defined(FASTNN_TARGET_AVX2) && !defined(FASTNN_TARGET_GENERIC)
            case 3:
                return tile<T, kRows, 3, true>;
#endif
            default:
                return tile<T, kRows, kTileVectors, true>;
        }
    }
    static TileFunction<T> partial(ptrdiff_t rows, int vectors) {
        switch (rows) {
            case 1:
                return masked<1>(vectors);
            case 2:
                return masked<2>(vectors);
            case 3:
                return masked<3>(vectors);
            case 4:
                return masked<4>(vectors);
#if !defined(__OPTIMIZE_SIZE__)
            case 5:
                return masked<5>(vectors);
#endif
            default:
                return masked<kTileRows>(vectors);
        }
    }
    static constexpr TileFunction<T> wide[kWideRows] = {
        tile<T, 1, wide_vectors(1), false>,
#if !defined(FASTNN_TARGET_AVX512) && !defined(FASTNN_TARGET_NEON) && !defined(__OPTIMIZE_SIZE__)
        tile<T, 2, wide_vectors(2), false>,
        tile<T, 3, wide_vectors(3), false>,
#endif
    };
};

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
