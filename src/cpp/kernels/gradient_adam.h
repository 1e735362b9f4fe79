// A weight gradient and Adam's step on the weights in one: a tile of the gradient is computed while the one before it
// is used. Square roots and divisions keep a unit of the processor busy for longer than all other operations of a step,
// but leave the multipliers free.
#ifndef FASTNN_KERNELS_GRADIENT_ADAM_H
#define FASTNN_KERNELS_GRADIENT_ADAM_H

#include "adam.h"
#include "gemm.h"

namespace fastnn {
namespace FASTNN_TARGET {

// A tile whose gradient is known and waits to be used: so many elements.
template <class T, bool kShrinks>
struct KnownGradient {
    const T* gradient;
    T *p, *m, *v;
    ptrdiff_t size;

    FASTNN_INLINE void move(const AdamVectors<T>& step, ptrdiff_t at) const {
        // The next tile's: weights and moments together rarely fit in the second-level cache.
        prefetch_to_write(p + at + size);
        prefetch_to_write(m + at + size);
        prefetch_to_write(v + at + size);
        adam_vector<kShrinks>(step, load(gradient + at), load(p + at), p + at, m + at, v + at, Whole<T>());
    }
};

// result (kTileRows, kTileColumns) = the gradient of kTileRows rows from `a` on; the known one is used on the way, a
// vector after each of three in four terms: in lumps it would not overlap (Zen 4, batches of 32).
template <class T, bool kShrinks>
void gradient_tile(const Product<T>& g, const T* a, T* result, const AdamVectors<T>& step,
                   KnownGradient<T, kShrinks> known) {
    constexpr ptrdiff_t kLane = lane_count<T>;
    const ptrdiff_t* rows = g.a_rows;
    const ptrdiff_t b_step = g.ldb;
    const T* b = g.b;
    vec<T> sum[kTileRows][kTileVectors] = {};
    const auto term = [&]() FASTNN_INLINE_BODY {
        const T* const from = a + *rows;
        vec<T> row_of_b[kTileVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) row_of_b[v] = load(b + v * kLane);
#pragma GCC unroll 8
        for (int i = 0; i < kTileRows; ++i) {
            const vec<T> from_a = set1(from[i]);
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; ++v) sum[i][v] = fma(from_a, row_of_b[v], sum[i][v]);
        }
        ++rows;
        b += b_step;
    };
    ptrdiff_t left = g.k, at = 0;
    for (; left >= 4 && at + 3 * kLane <= known.size; left -= 4, at += 3 * kLane) {
        term();
        known.move(step, at);
        term();
        known.move(step, at + kLane);
        term();
        known.move(step, at + 2 * kLane);
        term();
    }
    for (; left > 0; --left) term();
    for (; at < known.size; at += kLane) known.move(step, at);
#pragma GCC unroll 8
    for (int i = 0; i < kTileRows; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) store(result + (i * kTileVectors + v) * kLane, sum[i][v]);
    }
}

// A few terms: a vector of the gradient is used as soon as it is there.
template <class T>
void gradient_rows_adam(const Product<T>& g, ptrdiff_t begin, ptrdiff_t end, const AdamVectors<T>& step, T* p, T* m,
                        T* v) {
    for (ptrdiff_t row = begin; row < end; ++row) {
#pragma GCC unroll 4
        for (ptrdiff_t j = 0; j < kTileColumns<T>; j += lane_count<T>) {
            vec<T> sum = {};
            for (ptrdiff_t t = 0; t < g.k; ++t) sum = fma(set1(g.a[row + g.a_rows[t]]), load(g.b + t * g.ldb + j), sum);
            const ptrdiff_t at = row * kTileColumns<T> + j;
            adam_vector<true>(step, sum, load(p + at), p + at, m + at, v + at, Whole<T>());
        }
    }
}

// Whole tiles of many terms; returns the first row that is left.
template <class T, bool kShrinks>
ptrdiff_t gradient_tiles_adam(const Product<T>& g, const AdamVectors<T>& step, T* p, T* m, T* v) {
    constexpr ptrdiff_t kTile = kTileRows * kTileColumns<T>;
    T room[2][kTile];
    KnownGradient<T, kShrinks> known = {room[1], p, m, v, 0};
    ptrdiff_t row = 0;
    for (int turn = 0; row + kTileRows <= g.m; row += kTileRows, turn ^= 1) {
        gradient_tile(g, g.a + row, room[turn], step, known);
        const ptrdiff_t at = row * kTileColumns<T>;
        known = {room[turn], p + at, m + at, v + at, kTile};
    }
    for (ptrdiff_t at = 0; at < known.size; at += lane_count<T>) known.move(step, at);
    return row;
}

// See DenseKernels::gradient_adam.
template <class T>
void gradient_adam(const Product<T>& g, const AdamStep<T>& numbers, T* p, T* m, T* v) {
    constexpr ptrdiff_t kFew = 4;
    const AdamVectors<T> step(numbers);
    ptrdiff_t row = 0;
    if (g.k > kFew) {
        row = numbers.shrink == T(1) ? gradient_tiles_adam<T, false>(g, step, p, m, v)
                                     : gradient_tiles_adam<T, true>(g, step, p, m, v);
    }
    gradient_rows_adam(g, row, g.m, step, p, m, v);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
