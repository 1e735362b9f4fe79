// The rows of a product in strips of one tile's height, and copies of them where they lie badly.
#ifndef FASTNN_KERNELS_STRIPS_H
#define FASTNN_KERNELS_STRIPS_H

#include "gemm.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Rows [begin, end) in strips of nearly equal height: a last strip of one row would run at a fraction of the speed.
struct Strips {
    ptrdiff_t begin, count, height, taller;

    FASTNN_INLINE Strips(ptrdiff_t first, ptrdiff_t end)
        : begin(first), count((end - first + kTileRows - 1) / kTileRows) {
        height = (end - first) / count;
        taller = (end - first) % count;
    }
    // The first row of a strip.
    FASTNN_INLINE ptrdiff_t row(ptrdiff_t strip) const {
        return begin + strip * height + (strip < taller ? strip : taller);
    }
};

// A chunk of some strips of a: where it lies, or copied as [p][row]. An a by columns (a weight gradient) has a cache
// line or a page between the terms of a row. To copy the rows of one by rows gains nothing, be their stride a power of
// two or not, since the strip that comes next is fetched ahead (Zen 4: 95.8 % of the peak with copies at 1024^3, 96.9
// without).
template <class T>
struct StripBlock {
    static constexpr ptrdiff_t kLine = 64 / static_cast<ptrdiff_t>(sizeof(T));
    // A line more than a chunk: strips a multiple of a page apart would fall into the same sets of the L1.
    static constexpr ptrdiff_t kStripSize = kTileRows * kChunk + kLine;
    // A block's copy should stay in the L2: 512^3 to 2048^3 are all within 2 % from 256 KiB to 2 MiB (Zen 4).
    static constexpr ptrdiff_t kStrips = 768 * 1024 / static_cast<ptrdiff_t>(sizeof(T)) / kStripSize;
    static constexpr ptrdiff_t kRows = kStrips * kTileRows;

    const T* a;
    ptrdiff_t row_step, term_step;  // as TileArguments::a_row and a_step
    ptrdiff_t a_row;
    Strips strips;
    bool copied;

    // An a by columns, and enough panels for a copy to serve.
    FASTNN_INLINE static bool copies(const Product<T>& g, ptrdiff_t columns) {
        return g.a_col != 1 && columns >= 4 * kTileColumns<T>;
    }
    FASTNN_INLINE static ptrdiff_t size(const Product<T>& g) {
        const ptrdiff_t count = (g.m + kTileRows - 1) / kTileRows;
        return (count < kStrips ? count : kStrips) * kStripSize;
    }

    FASTNN_INLINE StripBlock(const Product<T>& g, const Strips& of, ptrdiff_t chunk, ptrdiff_t k, T* copy)
        : a(g.a + chunk * g.a_col),
          row_step(g.a_row),
          term_step(g.a_col),
          a_row(g.a_rows != nullptr ? 0 : g.a_row),
          strips(of),
          copied(copy != nullptr) {
        if (!copied) return;
        copy_columns(g.a_col, k, copy);
        a = copy;
        row_step = 1;
        term_step = kTileRows;
    }

    FASTNN_INLINE const T* strip(ptrdiff_t s) const { return copied ? a + s * kStripSize : a + strips.row(s) * a_row; }

   private:
    // Long runs of a, and not too many lines of the copy at a time.
    void copy_columns(ptrdiff_t a_col, ptrdiff_t k, T* copy) const {
        constexpr ptrdiff_t kAtOnce = 32;
        for (ptrdiff_t s = 0; s < strips.count;) {
            const ptrdiff_t same = s < strips.taller ? strips.taller : strips.count;
            const ptrdiff_t end = same - s < kAtOnce ? same : s + kAtOnce;
            const ptrdiff_t rows = strips.row(s + 1) - strips.row(s);
            const T* from = a + strips.row(s);
            T* to = copy + s * kStripSize;
            for (ptrdiff_t p = 0; p < k; ++p, from += a_col, to += kTileRows) {
                if (rows == kTileRows) {  // a constant size makes the copy two moves instead of a loop
                    copy_run<kTileRows>(from, end - s, to);
                } else if (rows == kTileRows - 1) {
                    copy_run<kTileRows - 1>(from, end - s, to);
                } else {
                    for (ptrdiff_t t = 0; t < end - s; ++t) {
                        for (ptrdiff_t i = 0; i < rows; ++i) to[t * kStripSize + i] = from[t * rows + i];
                    }
                }
            }
            s = end;
        }
    }
    template <ptrdiff_t kHeight>
    FASTNN_INLINE static void copy_run(const T* from, ptrdiff_t count, T* to) {
        for (ptrdiff_t t = 0; t < count; ++t) memcpy(to + t * kStripSize, from + t * kHeight, kHeight * sizeof(T));
    }
};

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
