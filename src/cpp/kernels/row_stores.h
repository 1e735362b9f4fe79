// How a row of results is written to memory: through the caches or round them.
#ifndef FASTNN_KERNELS_ROW_STORES_H
#define FASTNN_KERNELS_ROW_STORES_H

#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {

// row.value(at, lanes), computed from what the row is made of, goes to row.to.
template <class T, class Row>
struct Stored {
    Row row;

    template <class Lanes>
    FASTNN_INLINE void operator()(ptrdiff_t at, Lanes lanes) const {
        store(row.to + at, row.value(at, lanes), lanes);
    }
};

// Round the caches, in whole lines: a line that is written both ways is slow. So a vector begins at its boundary, less
// than a line ahead of where the walk stands: what the walk then writes over the row's exponentials has been read. It
// is written a step later. Otherwise the next load, where the arrays are a multiple of a page apart, is taken to depend
// on it.
template <class T, class Row>
class Streamed {
   public:
    FASTNN_INLINE Streamed(const Row& row, ptrdiff_t columns) : row_(row), columns_(columns), held_{} {
        const ptrdiff_t past = static_cast<ptrdiff_t>(reinterpret_cast<uintptr_t>(row.to) / sizeof(T)) % kLine;
        shift_ = past == 0 ? 0 : kLine - past;
        end_ = columns - (columns - shift_) % kLine;
        inside_ = end_ > shift_ ? static_cast<size_t>(end_ - shift_ - kLane) : 0;
        for (ptrdiff_t at = 0; at < shift_; at += kLane) put(at, shift_);
    }
    // The vector at `at` of the walk is about to be written over.
    FASTNN_INLINE void step(ptrdiff_t at) {
        const ptrdiff_t place = at + shift_;
        if (static_cast<size_t>(at - kLane) < inside_) {
            const vec<T> next = row_.value(place, Whole<T>());
            store_stream(row_.to + place - kLane, held_);
            held_ = next;
            return;
        }
        if (at > 0 && place == end_) store_stream(row_.to + place - kLane, held_);
        if (place < end_) {
            held_ = row_.value(place, Whole<T>());
        } else if (place < columns_) {
            put(place, columns_);
        }
    }
    // After the walk's last step, if no step came after that of the last line.
    FASTNN_INLINE void finish() const {
        if (shift_ == 0 && end_ == columns_) store_stream(row_.to + columns_ - kLane, held_);
    }

   private:
    static constexpr ptrdiff_t kLane = lane_count<T>, kLine = 64 / static_cast<ptrdiff_t>(sizeof(T));

    // Up to `end`, at most a vector.
    FASTNN_INLINE void put(ptrdiff_t at, ptrdiff_t end) const {
        const Tail<T> lanes(end - at < kLane ? end - at : kLane);
        store(row_.to + at, row_.value(at, lanes), lanes);
    }

    Row row_;
    ptrdiff_t columns_, shift_, end_;
    size_t inside_;  // from the second vector on, those with one behind them
    vec<T> held_;
};

#if defined(FASTNN_TARGET_AVX512)
// The same where the vectors stand, in stores of 16 bytes, for rows of whole vectors that begin at such a boundary, as
// those of NumPy's large arrays do. No load crosses a line more than it must.
template <class Row>
class StreamedInPlace {
   public:
    FASTNN_INLINE StreamedInPlace(const Row& row, ptrdiff_t) : row_(row) {}
    FASTNN_INLINE static bool fits(const float* y, ptrdiff_t columns) {
        return reinterpret_cast<uintptr_t>(y) % 16 == 0 && columns % lane_count<float> == 0;
    }
    FASTNN_INLINE void step(ptrdiff_t at) const {
        const f32 v = row_.value(at, Whole<float>());
        _mm_stream_ps(row_.to + at, _mm512_castps512_ps128(v));
        _mm_stream_ps(row_.to + at + 4, _mm512_extractf32x4_ps(v, 1));
        _mm_stream_ps(row_.to + at + 8, _mm512_extractf32x4_ps(v, 2));
        _mm_stream_ps(row_.to + at + 12, _mm512_extractf32x4_ps(v, 3));
    }
    FASTNN_INLINE void finish() const {}

   private:
    Row row_;
};
#endif

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
