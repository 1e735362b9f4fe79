// Matrix products with a bias and an activation: what the kernels of every instruction set offer to core/dense.
#ifndef FASTNN_KERNELS_DENSE_H
#define FASTNN_KERNELS_DENSE_H

#include <stddef.h>

#include "optimizer.h"

namespace fastnn {

// A product's inner length is cut into chunks of this many terms. A chunk is one ascending chain of fma; the chunks'
// results are added in ascending order. Part of the definition of every result's bits: the same for all targets.
constexpr ptrdiff_t kChunk = 1024;
// Below this many columns a product has 16 interleaved chains instead (see kernels/narrow.h).
constexpr ptrdiff_t kNarrowColumns = 8;
// How a product is walked, not what it gives: up to kFewRows rows read b where it lies, whatever its layout; an inner
// length below kShallow wants b by rows (see kernels/shallow.h).
constexpr ptrdiff_t kFewRows = 4;
constexpr ptrdiff_t kShallow = 8;
// See Product::a_rows.
constexpr ptrdiff_t kRowsBeyond = 8;

enum class Layout {
    rows,        // b(p, j) = b[p * ldb + j]
    transposed,  // b(p, j) = b[j * ldb + p]
    packed       // panels made by DenseKernels::pack
};

// c (m, n) = bias (n,) + a (m, k) b (k, n);  y = f(c).
// a(i, p) = a[i * a_row + p * a_col]; a_row or a_col is 1. Or, where a_rows is not null, a[a_rows[i] + p]: rows
// anywhere in memory, for n >= kNarrowColumns and layout packed; the table then has kRowsBeyond numbers more than m,
// any. bias may be null (zero). y may be null (c is the result) or c itself. c and y are written, never read by the
// caller's meaning, and overlap nothing else.
template <class T>
struct Product {
    ptrdiff_t m, n, k;
    const T* a;
    ptrdiff_t a_row, a_col;
    const ptrdiff_t* a_rows;
    const T* b;
    ptrdiff_t ldb;
    Layout layout;
    ptrdiff_t first_column;  // where the first panel of a packed b begins
    const T* bias;
    T* c;
    ptrdiff_t ldc;
    T* y;  // leading dimension ldc as well
    int kind;
    T parameter;
};

template <class T>
struct DenseKernels {
    ptrdiff_t tile_rows;     // MR
    ptrdiff_t tile_columns;  // NR, the width of a panel

    // Elements of the packed form of a (k, n) matrix, n >= kNarrowColumns.
    ptrdiff_t (*packed_size)(ptrdiff_t k, ptrdiff_t n);
    // Packs the columns [begin, end) of b (k, n); begin is a multiple of tile_columns, end too or n.
    void (*pack)(const T* b, ptrdiff_t ldb, Layout layout, ptrdiff_t k, ptrdiff_t n, ptrdiff_t begin, ptrdiff_t end,
                 T* packed);
    // Rows [row_begin, row_end) and columns [column_begin, column_end) of a product with layout rows or packed, or
    // transposed if m <= kFewRows and a_col == 1. column_begin is a multiple of tile_columns. workspace holds
    // workspace_size elements.
    void (*product)(const Product<T>& product, ptrdiff_t row_begin, ptrdiff_t row_end, ptrdiff_t column_begin,
                    ptrdiff_t column_end, T* workspace);
    ptrdiff_t (*workspace_size)(const Product<T>& product);

    // The same for n < kNarrowColumns and all columns; ldc == n. Layout transposed where a_col == 1, else rows.
    void (*narrow)(const Product<T>& product, ptrdiff_t row_begin, ptrdiff_t row_end, T* workspace);
    ptrdiff_t (*narrow_workspace_size)(const Product<T>& product);

    // A product as a weight gradient (layout rows, n == tile_columns, k <= kChunk) whose result is not kept, with a(i,
    // p) = a[i + a_rows[p]]. Adam's step, without weight decay but the decoupled one, on p, m and v of m contiguous
    // rows of as many columns. Null where the registers do not suffice.
    void (*gradient_adam)(const Product<T>& gradient, const AdamStep<T>& step, T* p, T* m, T* v);

    // sums[j] over the rows of a (m, n) with row stride lda, columns [begin, end): what a row of ones in dw would be.
    void (*column_sums)(const T* a, ptrdiff_t m, ptrdiff_t n, ptrdiff_t lda, ptrdiff_t begin, ptrdiff_t end, T* sums);
};

}  // namespace fastnn

#endif
