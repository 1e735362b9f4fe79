// Packing: the columns of a matrix into panels of one tile's width, each row of a panel contiguous.
#ifndef FASTNN_KERNELS_PACK_H
#define FASTNN_KERNELS_PACK_H

#include "gemm.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Interleaves the lower (upper) halves of a and b: a0 b0 a1 b1 ...
#if FASTNN_VECTOR_BYTES == 64
FASTNN_INLINE f32 zip_low(f32 a, f32 b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
FASTNN_INLINE f32 zip_high(f32 a, f32 b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
FASTNN_INLINE f64 zip_low(f64 a, f64 b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
FASTNN_INLINE f64 zip_high(f64 a, f64 b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#elif FASTNN_VECTOR_BYTES == 32
FASTNN_INLINE f32 zip_low(f32 a, f32 b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
FASTNN_INLINE f32 zip_high(f32 a, f32 b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
FASTNN_INLINE f64 zip_low(f64 a, f64 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
FASTNN_INLINE f64 zip_high(f64 a, f64 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#else
FASTNN_INLINE f32 zip_low(f32 a, f32 b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
FASTNN_INLINE f32 zip_high(f32 a, f32 b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
FASTNN_INLINE f64 zip_low(f64 a, f64 b) { return __builtin_shufflevector(a, b, 0, 2); }
FASTNN_INLINE f64 zip_high(f64 a, f64 b) { return __builtin_shufflevector(a, b, 1, 3); }
#endif

// Transposes a square of registers: log2(lanes) perfect shuffles of row i with row i + lanes / 2.
template <class T>
FASTNN_INLINE void transpose(vec<T>* rows) {
    constexpr ptrdiff_t kLane = lane_count<T>;
#pragma GCC unroll 4
    for (ptrdiff_t step = 1; step < kLane; step *= 2) {
        vec<T> zipped[kLane];
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < kLane / 2; ++i) {
            zipped[2 * i] = zip_low(rows[i], rows[i + kLane / 2]);
            zipped[2 * i + 1] = zip_high(rows[i], rows[i + kLane / 2]);
        }
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < kLane; ++i) rows[i] = zipped[i];
    }
}

// The width of the panel that starts at `column`: a whole tile's, or for the last one the vectors that are needed.
template <class T>
ptrdiff_t panel_width(ptrdiff_t n, ptrdiff_t column) {
    const ptrdiff_t left = n - column;
    if (left >= kTileColumns<T>) return kTileColumns<T>;
    return (left + lane_count<T> - 1) / lane_count<T> * lane_count<T>;
}

// Whole panels side by side, row by row: each row of b is read in one run. Down one panel after the other takes
// twice as long (Zen 3, 784 x 128).
template <class T>
void pack_panels_from_rows(const T* b, ptrdiff_t ldb, ptrdiff_t k, ptrdiff_t panels, T* packed) {
    constexpr ptrdiff_t kWidth = kTileColumns<T>;
    for (ptrdiff_t p = 0; p < k; ++p) {
        for (ptrdiff_t j = 0; j < panels; ++j) {
            T* const to = packed + (j * k + p) * kWidth;
#pragma GCC unroll 4
            for (ptrdiff_t v = 0; v < kTileVectors; ++v) {
                store(to + v * lane_count<T>, load(b + p * ldb + j * kWidth + v * lane_count<T>));
            }
        }
    }
}

template <class T>
void pack_last_panel_from_rows(const T* b, ptrdiff_t ldb, ptrdiff_t k, ptrdiff_t columns, ptrdiff_t width, T* panel) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    for (ptrdiff_t j = 0; j < width; j += kLane) {
        const Tail<T> tail(columns - j < kLane ? columns - j : kLane);
        for (ptrdiff_t p = 0; p < k; ++p) store(panel + j + p * width, load(b + j + p * ldb, tail));
    }
}

template <class T>
void pack_panel_from_transposed(const T* b, ptrdiff_t ldb, ptrdiff_t k, ptrdiff_t columns, ptrdiff_t width, T* panel) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    for (ptrdiff_t j = 0; j < width; j += kLane) {
        const ptrdiff_t lines = columns - j < kLane ? columns - j : kLane;
        for (ptrdiff_t p = 0; p < k; p += kLane) {
            const ptrdiff_t steps = k - p < kLane ? k - p : kLane;
            const Tail<T> tail(steps);
            vec<T> square[kLane] = {};
            for (ptrdiff_t i = 0; i < lines; ++i) {
                const T* from = b + (j + i) * ldb + p;
                square[i] = steps == kLane ? load(from) : load(from, tail);
            }
            transpose<T>(square);
            for (ptrdiff_t i = 0; i < steps; ++i) store(panel + (p + i) * width + j, square[i]);
        }
    }
}

template <class T>
ptrdiff_t packed_size(ptrdiff_t k, ptrdiff_t n) {
    const ptrdiff_t whole = n / kTileColumns<T> * kTileColumns<T>;
    return k * (whole + (whole < n ? panel_width<T>(n, whole) : 0));
}

template <class T>
void pack(const T* b, ptrdiff_t ldb, Layout layout, ptrdiff_t k, ptrdiff_t n, ptrdiff_t begin, ptrdiff_t end,
          T* packed) {
    constexpr ptrdiff_t kWidth = kTileColumns<T>, kPanelsAtOnce = 8;
    ptrdiff_t j = begin;
    while (j < end) {
        T* const panel = packed + (j - begin) * k;
        const ptrdiff_t width = panel_width<T>(n, j), columns = n - j < width ? n - j : width;
        if (layout == Layout::transposed) {
            pack_panel_from_transposed(b + j * ldb, ldb, k, columns, width, panel);
            j += kWidth;
        } else if (j + kWidth <= end) {
            const ptrdiff_t whole = (end - j) / kWidth, panels = whole < kPanelsAtOnce ? whole : kPanelsAtOnce;
            pack_panels_from_rows(b + j, ldb, k, panels, panel);
            j += panels * kWidth;
        } else {
            pack_last_panel_from_rows(b + j, ldb, k, columns, width, panel);
            j += kWidth;
        }
    }
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
