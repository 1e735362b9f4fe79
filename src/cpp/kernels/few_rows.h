// Products of so few rows that reading b is all the work, with b read where it lies.
#ifndef FASTNN_KERNELS_FEW_ROWS_H
#define FASTNN_KERNELS_FEW_ROWS_H

#include "gemm.h"
#include "pack.h"

namespace fastnn {
namespace FASTNN_TARGET {

// ---- b by rows: sweeps along whole rows of b -------------------------------------------------------------------

// From this size on b comes from far away.
constexpr ptrdiff_t kFarBytes = 2 * 1024 * 1024;

template <class T>
bool is_far(const Product<T>& g) {
    return !kForSize && g.k * g.n >= kFarBytes / static_cast<ptrdiff_t>(sizeof(T));
}

// The panel walk of the tiles, with its stride of a row, then costs more than to write the sums out every kSweepSteps
// terms. Zen 4, (1,4096,4096) float32: 4.6 ms by panels.
constexpr int kSweepSteps = 8;

template <class T>
bool sweeps(const Product<T>& g) {
    return g.layout == Layout::rows && g.a_col == 1 && g.m <= kFewRows && is_far(g);
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

// Fetches the lines of b that the next tile reads, some at every step and along one row after the other. The squares
// themselves go down a column of lines, which with a power of two between rows keeps one memory channel busy and the
// others idle. Zen 4, dx of (1,4096,4096) float32: 5.4 ms without.
template <class T>
class RowsAhead {
   public:
    FASTNN_INLINE RowsAhead(const T* first, ptrdiff_t ldb, ptrdiff_t k) : row_(first), ldb_(ldb), k_(k), at_(0) {}
    // Once for every square.
    FASTNN_INLINE void step() {
        constexpr ptrdiff_t kLine = 64 / static_cast<ptrdiff_t>(sizeof(T)), kLane = lane_count<T>;
        constexpr ptrdiff_t kLines = kLane * kLane < kLine ? 1 : kLane * kLane / kLine;
        if (row_ == nullptr) return;
#pragma GCC unroll 16
        for (ptrdiff_t i = 0; i < kLines; ++i) prefetch_l2(row_ + at_ + i * kLine);
        at_ += kLines * kLine;
        if (at_ < k_) return;
        at_ = 0;
        row_ += ldb_;
    }

   private:
    const T* row_;
    ptrdiff_t ldb_, k_, at_;
};

// A strip of kRows rows against kBlocks vectors of columns, the last of them `columns` wide. b(p, j) = t.b[j * ldb +
// p]. Two blocks at a time: the chain of one runs while the other's square is turned. kFar: b comes from
// memory. Runs of more rows than an L1 has ways, a multiple of a page apart, are then copied to where they fit in it:
// (1,4096,4096) float32, 16 rows: 4.3 ms without, 3.4 with; 8 rows 2.6 to 3 and 5 (Zen 4).
template <class T, int kRows, int kBlocks, bool kFar>
void turned_tile(const TileArguments<T>& t, ptrdiff_t ldb, ptrdiff_t columns) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const auto lines = [columns](int block) { return block == kBlocks - 1 ? columns : kLane; };
    vec<T> sum[kBlocks][kRows];
    for (int block = 0; block < kBlocks; ++block) {
        const vec<T> start = t.bias != nullptr ? load(t.bias + block * kLane, Tail<T>(lines(block))) : vec<T>{};
        for (int i = 0; i < kRows; ++i) sum[block][i] = start;
    }
    constexpr ptrdiff_t kLine = 64 / static_cast<ptrdiff_t>(sizeof(T)), kRun = 8 * kLine, kStride = kRun + kLine;
    T near[kFar ? kLane * kStride : 1];
    const bool copies = kFar && kLane > 8 && columns == kLane && ldb * static_cast<ptrdiff_t>(sizeof(T)) % 4096 == 0;
    RowsAhead<T> ahead(kFar ? t.next : nullptr, ldb, t.k);
    for (ptrdiff_t p = 0; p < t.k; p += kLane) {
        const ptrdiff_t steps = t.k - p < kLane ? t.k - p : kLane;
        const bool near_by = copies && t.k - p / kRun * kRun >= kRun;
        if (near_by && p % kRun == 0) {
            for (ptrdiff_t i = 0; i < kLane; ++i) {
#pragma GCC unroll 16
                for (ptrdiff_t l = 0; l < kRun; l += kLane) store(near + i * kStride + l, load(t.b + i * ldb + p + l));
            }
        }
#pragma GCC unroll 2
        for (int block = 0; block < kBlocks; ++block) {
            if (kFar) ahead.step();
            const T* const b = t.b + block * kLane * ldb + p;
            vec<T> square[kLane];
            if (near_by) {
#pragma GCC unroll 16
                for (ptrdiff_t i = 0; i < kLane; ++i) square[i] = load(near + i * kStride + p % kRun);
            } else if (steps == kLane && lines(block) == kLane) {
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
                        sum[block][i] = fma(set1(t.a[i * t.a_row + p + q]), square[q], sum[block][i]);
                    }
                }
            } else {
                for (ptrdiff_t q = 0; q < steps; ++q) {
                    for (int i = 0; i < kRows; ++i) {
                        sum[block][i] = fma(set1(t.a[i * t.a_row + p + q]), square[q], sum[block][i]);
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
    const bool far = is_far(g);
    // One row alone has too few chains to hide a square's turning. More have enough: pairs of blocks then cost 20 KB of
    // the wheel, and in float64 a tenth of the time (Zen 4).
    constexpr bool kPairs = kRows == 1;
    const ptrdiff_t step = far || !kPairs ? kLane : 2 * kLane;
    for (ptrdiff_t j = begin; j < end; j += step) {
        const ptrdiff_t left = end - j;
        t.b = g.b + j * g.ldb + chunk;
        t.next = far && left >= 2 * kLane ? t.b + kLane * g.ldb : nullptr;
        t.bias = chunk == 0 && g.bias != nullptr ? g.bias + j : nullptr;
        t.c = c + j;
        if constexpr (kPairs) {
            if (!far && left > kLane) {
                turned_tile<T, kRows, 2, false>(t, g.ldb, left < 2 * kLane ? left - kLane : kLane);
                continue;
            }
        }
        turned_tile<T, kRows, 1, true>(t, g.ldb, left < kLane ? left : kLane);
    }
}

// What strip() in dense.cpp is for the other layouts.
template <class T>
void turned_strip(const Product<T>& g, ptrdiff_t rows, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t chunk,
                  const TileArguments<T>& t) {
    if constexpr (kForSize) {
        TileArguments<T> row = t;
        for (ptrdiff_t i = 0; i < rows; ++i, row.a += t.a_row, row.c += t.ldc) {
            turned_columns<T, 1>(g, begin, end, chunk, row);
        }
        return;
    } else {
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
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
