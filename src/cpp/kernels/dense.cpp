// Matrix products of one instruction set: the loops round the micro-kernels. Rounding: see kChunk in dense.h.
#define FASTNN_TILES
#include "dense.h"

#include "activation.h"
#include "few_rows.h"
#include "gradient_adam.h"
#include "narrow.h"
#include "pack.h"
#include "shallow.h"
#include "strips.h"

namespace fastnn {
namespace FASTNN_TARGET {

extern const ActivationKernels<float> activation_f32;
extern const ActivationKernels<double> activation_f64;

namespace {

// The columns of b that a pass over the strips takes: a chunk of them should stay in the L2. Measured on Zen 3 (512 KiB
// L2), 512^3 float32, share of the fma peak: 256 KiB 92 %, 512 KiB 93 %, 1 MiB 91 %, 8 MiB 91 %.
template <class T>
constexpr ptrdiff_t kBlockColumns = 512 * 1024 /
                                    (kChunk * static_cast<ptrdiff_t>(sizeof(T))) / kTileColumns<T>* kTileColumns<T>;

const ActivationKernels<float>& activation(const Product<float>&) { return activation_f32; }
const ActivationKernels<double>& activation(const Product<double>&) { return activation_f64; }

// One strip of at most kTileRows rows against the columns [begin, end) over one chunk.
template <class T>
void strip(const Product<T>& g, ptrdiff_t rows, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t chunk, TileArguments<T>& t) {
    constexpr ptrdiff_t kWidth = kTileColumns<T>;
    const bool packed = g.layout == Layout::packed;
    T* const c = t.c;
    ptrdiff_t j = begin;
    const auto at = [&](ptrdiff_t width) {
        t.b = packed ? g.b + (j - g.first_column) * g.k + chunk * width : g.b + chunk * g.ldb + j;
        t.b_stride = packed ? width : g.ldb;
        t.b_panel = packed ? kWidth * g.k : kWidth;
        t.bias = chunk == 0 && g.bias != nullptr ? g.bias + j : nullptr;
        t.c = c + j;
    };
    if (rows <= kWideRows) {
        const ptrdiff_t step = wide_vectors(static_cast<int>(rows)) * lane_count<T>;
        for (; j + step <= end; j += step) {
            at(kWidth);
            Tiles<T>::wide[rows - 1](t);
        }
    }
    for (; j + kWidth <= end; j += kWidth) {
        at(kWidth);
        Tiles<T>::whole[rows - 1](t);
        t.next = nullptr;  // fetched by now
    }
    if (j < end) {
        const ptrdiff_t left = end - j, vectors = (left + lane_count<T> - 1) / lane_count<T>;
        t.tail = Tail<T>(left - (vectors - 1) * lane_count<T>);
        at(panel_width<T>(g.n, j));
        Tiles<T>::partial(rows, static_cast<int>(vectors))(t);
    }
}

// y = f(c) over the columns [begin, end) of some rows.
template <class T>
void activate(const Product<T>& g, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t row = row_begin; row < row_end; ++row) {
        const ptrdiff_t at = row * g.ldc + begin;
        activation(g).forward(g.kind, g.parameter, g.c + at, g.y + at, end - begin);
    }
}

template <class T>
ptrdiff_t workspace_size(const Product<T>& g) {
    if (sweeps(g)) return g.m * g.n;
    return StripBlock<T>::copies(g, g.n) ? StripBlock<T>::size(g) : 0;
}

// The rows against the columns, a chunk of the inner length after the other, block by block of both.
template <class T>
void tiled_product(const Product<T>& g, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t column_begin,
                   ptrdiff_t column_end, bool relu, bool separate, T* workspace) {
    const bool copies = StripBlock<T>::copies(g, column_end - column_begin);
    const ptrdiff_t row_step = copies ? StripBlock<T>::kRows : row_end - row_begin;
    for (ptrdiff_t first = row_begin; first < row_end; first += row_step) {
        const Strips strips(first, row_end - first < row_step ? row_end : first + row_step);
        // With few rows b passes through the caches once anyway, so that there is nothing to block for.
        const ptrdiff_t column_step = strips.count == 1 ? column_end - column_begin : kBlockColumns<T>;
        ptrdiff_t chunk = 0;
        do {
            const ptrdiff_t k = g.k - chunk < kChunk ? g.k - chunk : kChunk;
            const bool last = chunk + k == g.k;
            const StripBlock<T> a(g, strips, chunk, k, copies ? workspace : nullptr);
            for (ptrdiff_t j = column_begin; j < column_end; j += column_step) {
                const ptrdiff_t end = column_end - j < column_step ? column_end : j + column_step;
                for (ptrdiff_t s = 0; s < strips.count; ++s) {
                    const ptrdiff_t row = strips.row(s), rows = strips.row(s + 1) - row;
                    TileArguments<T> t = {};
                    t.k = k;
                    t.a = a.strip(s);
                    t.a_row = a.row_step;
                    t.a_step = a.term_step;
                    t.a_rows = g.a_rows != nullptr ? g.a_rows + row : nullptr;
                    t.c = g.c + row * g.ldc;
                    t.ldc = g.ldc;
                    t.add = chunk > 0;
                    t.relu = relu && last;
                    if (s + 1 < strips.count && (copies || g.a_col == 1)) {
                        // A line of each row, or as many of a copied strip.
                        t.next = a.strip(s + 1);
                        t.next_line = copies ? a.kLine : g.a_row;
                        t.next_step = copies ? a.kLine * kTileRows : a.kLine;
                    }
                    if (g.layout == Layout::transposed) {
                        turned_strip(g, rows, j, end, chunk, t);
                    } else {
                        strip(g, rows, j, end, chunk, t);
                    }
                    if (separate && last) activate(g, row, row + rows, j, end);
                }
            }
            chunk += k;
        } while (chunk < g.k);
    }
}

template <class T>
void product(const Product<T>& g, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t column_begin, ptrdiff_t column_end,
             T* workspace) {
    if (row_end <= row_begin || column_end <= column_begin) return;
    const bool relu = g.kind == static_cast<int>(Kind::relu) && g.y == g.c;
    const bool separate = !relu && g.y != nullptr;
    const ptrdiff_t rows = row_end - row_begin;
    if (rows <= kTileRows && g.k <= kChunk && g.layout == Layout::packed && g.a_col == 1 && g.a_rows == nullptr) {
        // One strip and one chunk, as in the small layers of a network that serves one sample.
        TileArguments<T> t = {};
        t.k = g.k;
        t.a = g.a + row_begin * g.a_row;
        t.a_row = g.a_row;
        t.a_step = 1;
        t.c = g.c + row_begin * g.ldc;
        t.ldc = g.ldc;
        t.relu = relu;
        strip(g, rows, column_begin, column_end, 0, t);
        if (separate) activate(g, row_begin, row_end, column_begin, column_end);
        return;
    }
    const bool shallow = g.layout == Layout::rows && g.k > 0 && g.k < kShallow;
    if (!shallow && !sweeps(g)) {
        tiled_product(g, row_begin, row_end, column_begin, column_end, relu, separate, workspace);
        return;
    }
    if (shallow) {
        shallow_rows<T, 1>(g, row_begin, row_end, column_begin, column_end, relu);
    } else {
        sweep_product(g, column_begin, column_end, workspace);
    }
    if (separate || (relu && !shallow)) activate(g, row_begin, row_end, column_begin, column_end);
}

template <class T>
void narrow(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, T* workspace) {
    narrow_product(g, begin, end, workspace);
    const ptrdiff_t at = begin * g.n;
    if (g.y != nullptr) activation(g).forward(g.kind, g.parameter, g.c + at, g.y + at, (end - begin) * g.n);
}

// kVectors vectors of columns: a chain per column over each chunk of rows.
template <class T, int kVectors>
void chain_sums(const T* a, ptrdiff_t m, ptrdiff_t lda, Tail<T> tail, T* sums) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    vec<T> total[kVectors] = {};
    for (ptrdiff_t first = 0; first < m; first += kChunk) {
        const ptrdiff_t end = m - first < kChunk ? m : first + kChunk;
        vec<T> sum[kVectors] = {};
        for (ptrdiff_t row = first; row < end; ++row) {
            const T* from = a + row * lda;
#pragma GCC unroll 8
            for (int v = 0; v < kVectors - 1; ++v) sum[v] = sum[v] + load(from + v * kLane);
            sum[kVectors - 1] = sum[kVectors - 1] + load(from + (kVectors - 1) * kLane, tail);
        }
        for (int v = 0; v < kVectors; ++v) total[v] = first > 0 ? total[v] + sum[v] : sum[v];
    }
    for (int v = 0; v < kVectors - 1; ++v) store(sums + v * kLane, total[v]);
    store(sums + (kVectors - 1) * kLane, total[kVectors - 1], tail);
}

// All n < kNarrowColumns columns of contiguous rows: 16 chains a column and the tree. 16 rows are one run of 16 n
// numbers, so that the chains of all columns advance together.
template <class T>
void narrow_sums(const T* a, ptrdiff_t m, ptrdiff_t n, T* sums) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const ptrdiff_t run = kLanes * n;
    for (ptrdiff_t first = 0; first < m; first += kNarrowChunk) {
        const ptrdiff_t end = (m - first < kNarrowChunk ? m : first + kNarrowChunk) * n;
        T lanes[kLanes * kNarrowColumns] = {};
        for (ptrdiff_t at = first * n; at < end; at += run) {
            const ptrdiff_t count = end - at < run ? end - at : run;
            ptrdiff_t i = 0;
            for (; i + kLane <= count; i += kLane) store(lanes + i, load(lanes + i) + load(a + at + i));
            for (; i < count; ++i) lanes[i] += a[at + i];
        }
        for (ptrdiff_t half = run / 2; half >= n; half /= 2) {
            for (ptrdiff_t i = 0; i < half; ++i) lanes[i] += lanes[half + i];
        }
        for (ptrdiff_t j = 0; j < n; ++j) sums[j] = first > 0 ? sums[j] + lanes[j] : lanes[j];
    }
}

template <class T>
void column_sums(const T* a, ptrdiff_t m, ptrdiff_t n, ptrdiff_t lda, ptrdiff_t begin, ptrdiff_t end, T* sums) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    if (n == 0) return;
    if (n < kNarrowColumns && m > 0) {
        narrow_sums(a, m, n, sums);
        return;
    }
    ptrdiff_t j = begin;
    for (; j + 8 * kLane <= end; j += 8 * kLane) chain_sums<T, 8>(a + j, m, lda, Tail<T>(kLane), sums + j);
    for (; j < end; j += kLane) {
        chain_sums<T, 1>(a + j, m, lda, Tail<T>(end - j < kLane ? end - j : kLane), sums + j);
    }
}

template <class T>
constexpr DenseKernels<T> dense_kernels() {
    DenseKernels<T> kernels = {};
    kernels.tile_rows = kTileRows;
    kernels.tile_columns = kTileColumns<T>;
    kernels.packed_size = packed_size<T>;
    kernels.pack = pack<T>;
    kernels.product = product<T>;
    kernels.workspace_size = workspace_size<T>;
    kernels.narrow = narrow<T>;
    kernels.narrow_workspace_size = narrow_workspace_size<T>;
    if constexpr (kTileVectors == 4) kernels.gradient_adam = gradient_adam<T>;
    kernels.column_sums = column_sums<T>;
    return kernels;
}

}  // namespace

extern const DenseKernels<float> dense_f32;
extern const DenseKernels<double> dense_f64;
constexpr DenseKernels<float> dense_f32 = dense_kernels<float>();
constexpr DenseKernels<double> dense_f64 = dense_kernels<double>();

}  // namespace FASTNN_TARGET
}  // namespace fastnn
