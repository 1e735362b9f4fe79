// Rows of few columns, many at a time: a block of rows is walked as one flat array, so that no vector is half empty,
// and only the sums are taken row by row. The same bits as the row code of softmax_rows.h.
#ifndef FASTNN_KERNELS_SOFTMAX_BLOCKS_H
#define FASTNN_KERNELS_SOFTMAX_BLOCKS_H

#include "softmax_rows.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Up to so many columns rows are done in blocks.
constexpr ptrdiff_t kBlockColumns = 64;
// Where a row takes a logarithm: one serves a vector of sums. Zen 5, log_softmax (1024,100) float32: 35 us one by one,
// 19 so.
constexpr ptrdiff_t kLogBlockColumns = 256;
// Elements and rows of a block: its few flat arrays fit in half of an L1 cache.
constexpr ptrdiff_t kBlockElements = 1024;
constexpr ptrdiff_t kBlockRows = 128;
// Loads and stores of whole groups of 16 may run past the end of a flat array by less than this.
constexpr ptrdiff_t kBlockPad = 16;

// The flat arrays of a block and one value per row, carved out of the caller's scratch.
template <class T>
struct Block {
    T* e;
    T* copy;
    T* sums;
    T* a;
    T* b;

    static constexpr ptrdiff_t kFlat = kBlockElements + kBlockPad;
    static constexpr ptrdiff_t kSize = 2 * kFlat + 3 * kBlockRows;

    FASTNN_INLINE explicit Block(T* scratch)
        : e(scratch), copy(e + kFlat), sums(copy + kFlat), a(sums + kBlockRows), b(a + kBlockRows) {}
};

// f(first, count) for the blocks of consecutive rows.
template <class F>
FASTNN_INLINE void for_blocks(ptrdiff_t rows, ptrdiff_t columns, F f) {
    const ptrdiff_t fit = kBlockElements / columns, most = fit < kBlockRows ? fit : kBlockRows;
    for (ptrdiff_t row = 0; row < rows; row += most) f(row, rows - row < most ? rows - row : most);
}

// e = exp(x) of a flat array; false if an element is not moderate (e is then meaningless).
template <class T>
__attribute__((noinline)) bool exp_block(const T* x, ptrdiff_t n, T* e) {
    ivec<T> proof = {};
    for_vectors<T>(n, [&](ptrdiff_t at, auto lanes) {
        const vec<T> v = load(x + at, lanes);
        proof = prove_moderate(proof, v);
        store(e + at, exp_in_range(v));
    });
    return is_moderate(proof);
}

// The lanes of one row of a flat array that ends in a group of 16 to be masked.
template <class T>
struct FlatRows {
    const T* flat;
    ptrdiff_t columns, whole;  // whole: the elements before the last group
    ivec<T> masks[lane_vectors<T>];

    FASTNN_INLINE FlatRows(const T* from, ptrdiff_t n) : flat(from), columns(n), whole((n - 1) / kLanes * kLanes) {
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) {
            const ptrdiff_t rest = columns - whole - i * lane_count<T>;
            masks[i] = first_lanes(rest > 0 ? rest : 0, T());
        }
    }
    FASTNN_INLINE Lanes<T> operator[](ptrdiff_t row) const {
        const T* p = flat + row * columns;
        Lanes<T> lanes = Lanes<T>::all(0);
        for (ptrdiff_t k = 0; k < whole; k += kLanes) {
            const Lanes<T> group = Lanes<T>::load16(p + k);
            for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) lanes.part[i] = lanes.part[i] + group.part[i];
        }
        const Lanes<T> last = Lanes<T>::load16(p + whole);
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) lanes.part[i] = lanes.part[i] + keep(masks[i], last.part[i]);
        return lanes;
    }
};

// sums[row] over the flat array, each in the order of a single row's sum.
template <class T>
FASTNN_INLINE void sum_block(const T* flat, ptrdiff_t rows, ptrdiff_t columns, T* sums) {
    const FlatRows<T> of(flat, columns);
    ptrdiff_t row = 0;
    for (; row + kTreeBunch <= rows; row += kTreeBunch) {
        TreeHead<T> heads[kTreeBunch];
        for (ptrdiff_t i = 0; i < kTreeBunch; ++i) heads[i] = tree_head(of[row + i]);
        tree_sums(heads, sums + row);
    }
    for (; row < rows; ++row) sums[row] = tree_sum(of[row]);
}

// One copy for what is called less than softmax: 3 KB of a wheel each.
template <class T>
__attribute__((noinline)) void shared_sum_block(const T* flat, ptrdiff_t rows, ptrdiff_t columns, T* sums) {
    sum_block(flat, rows, columns, sums);
}

// Writes a block's rows to memory: make(row) gives f(at, lanes), which stores the vector that begins at element `at` of
// the flat result. A row's last vector may run over into the next row, whose turn comes later, but not past the block:
// so f must not read what it or a row before it has written.
template <class T, class Make>
FASTNN_INLINE void finish_rows(ptrdiff_t rows, ptrdiff_t columns, Make make) {
    const ptrdiff_t n = rows * columns;
    for (ptrdiff_t row = 0; row < rows; ++row) {
        const auto finish = make(row);
        for (ptrdiff_t at = row * columns; at < (row + 1) * columns; at += lane_count<T>) {
            if (at + lane_count<T> <= n) {
                finish(at, Whole<T>());
            } else {
                finish(at, Tail<T>(n - at));
            }
        }
    }
}

// `from`, or where it is written over while it is read, its copy.
template <class T>
FASTNN_INLINE const T* apart(const T* from, const T* to, ptrdiff_t n, T* copy) {
    if (from != to) return from;
    memcpy(copy, from, static_cast<size_t>(n) * sizeof(T));
    return copy;
}

template <class T>
FASTNN_INLINE void reciprocals(const T* values, ptrdiff_t n, T* results) {
    for_vectors<T>(
        n, [&](ptrdiff_t at, auto lanes) { store(results + at, set1(T(1)) / load(values + at, lanes), lanes); });
}

template <class T>
FASTNN_INLINE void logs_of_sums(const T* sums, ptrdiff_t n, T* high, T* low) {
    for_vectors<T>(n, [&](ptrdiff_t at, auto lanes) {
        vec<T> h, l;
        log_of_sum<T>(load(sums + at, lanes), h, l);
        store(high + at, h, lanes);
        store(low + at, l, lanes);
    });
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
