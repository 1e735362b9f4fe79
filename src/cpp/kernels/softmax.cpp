#include "softmax.h"

#include "row_stores.h"
#include "softmax_blocks.h"
#include "softmax_rows.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// A row of softmax from its exponentials.
template <class T>
struct Scale {
    const T* e;
    T* to;
    vec<T> scale;

    template <class Lanes>
    FASTNN_INLINE vec<T> value(ptrdiff_t at, Lanes lanes) const {
        return load(e + at, lanes) * scale;
    }
};

// From memory, 8 KB ahead of where it is read.
template <class T>
FASTNN_INLINE void fetch_ahead(const T* x) {
    prefetch_l2(x + 8192 / sizeof(T));
}

// A row is scaled while the next one's exponentials are computed: its multiplications and stores hide behind them.
template <class T>
void softmax_rows(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* e) {
    T sum = sum_lone_row<T, true>(x, columns, e).sum;
    for (ptrdiff_t row = 1; row < rows; ++row) {
        const Stored<T, Scale<T>> scale = {{e, y + (row - 1) * columns, set1(1 / sum)}};
        sum = sum_row<T, true>(x + row * columns, columns, e, scale).sum;
    }
    for_vectors<T>(columns, Stored<T, Scale<T>>{{e, y + (rows - 1) * columns, set1(1 / sum)}});
}

// The same round the caches, but for the last row.
template <class Put, class T>
void softmax_stream(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* e) {
    T sum = sum_lone_row<T, true>(x, columns, e).sum;
    for (ptrdiff_t row = 1; row < rows; ++row) {
        Put scale({e, y + (row - 1) * columns, set1(1 / sum)}, columns);
        const T* const next = x + row * columns;
        const auto fetching = [&](ptrdiff_t at, auto) FASTNN_INLINE_BODY {
            fetch_ahead(next + at);
            scale.step(at);
        };
        sum = sum_row<T, true>(next, columns, e, fetching).sum;
        scale.finish();
    }
    for_vectors<T>(columns, Stored<T, Scale<T>>{{e, y + (rows - 1) * columns, set1(1 / sum)}});
    stream_fence();
}

template <class T>
void softmax_blocks(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* scratch) {
    const Block<T> block(scratch);
    for_blocks(rows, columns, [&](ptrdiff_t row, ptrdiff_t count) FASTNN_INLINE_BODY {
        const ptrdiff_t n = count * columns;
        const T* from = x + row * columns;
        T* to = y + row * columns;
        if (columns == 1 || !exp_block(from, n, block.e)) {
            softmax_rows(from, to, count, columns, block.e);
            return;
        }
        sum_block(block.e, count, columns, block.sums);
        reciprocals(block.sums, count, block.a);
        finish_rows<T>(count, columns, [&](ptrdiff_t r) {
            return Stored<T, Scale<T>>{{block.e, to, set1(block.a[r])}};
        });
    });
}

template <class T>
void softmax(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, bool stream, T* scratch) {
    if (rows == 0 || columns == 0) return;
    if (columns <= kBlockColumns) {
        softmax_blocks(x, y, rows, columns, scratch);
    } else if (!stream) {
        softmax_rows(x, y, rows, columns, scratch);
    } else {
#if defined(FASTNN_TARGET_AVX512)
        // float32 alone computes so little that it gains, a tenth to a fifth (Zen 5, (256,32000) and (4096,4096)).
        using InPlace = StreamedInPlace<Scale<T>>;
        if constexpr (sizeof(T) == sizeof(float)) {
            if (InPlace::fits(y, columns)) return softmax_stream<InPlace>(x, y, rows, columns, scratch);
        }
#endif
        softmax_stream<Streamed<T, Scale<T>>>(x, y, rows, columns, scratch);
    }
}

// A row of the gradient: dx = (dy - sum) * y.
template <class T>
struct Project {
    const T* dy;
    const T* y;
    T* to;
    vec<T> sum;

    template <class Lanes>
    FASTNN_INLINE vec<T> value(ptrdiff_t at, Lanes lanes) const {
        return (load(dy + at, lanes) - sum) * load(y + at, lanes);
    }
};

// sum(dy * y) of a row; before(at, lanes) as in sum_row.
template <class T, bool kFetch, class Before>
FASTNN_INLINE vec<T> dot_row(const T* dy, const T* y, ptrdiff_t columns, Before before) {
    Lanes<T> sums = Lanes<T>::all(0);
    for_lanes<T>(columns, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T>) {
        if (kFetch) {
            fetch_ahead(dy + at);
            fetch_ahead(y + at);
        }
        sums.part[i] = sums.part[i] + load(dy + at, lanes) * load(y + at, lanes);
        before(at, lanes);
    });
    return set1(tree_sum(sums));
}

template <class T>
void softmax_backward_rows(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns) {
    for (ptrdiff_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
        const vec<T> sum = dot_row<T, false>(dy, y, columns, Nothing());
        for_vectors<T>(columns, Stored<T, Project<T>>{{dy, y, dx, sum}});
    }
}

// The same round the caches. A row is finished while the next one's sum is taken, so that memory is read and written
// all the time; in the caches this is slower (a store is taken for the source of loads a page away).
template <class T>
void softmax_backward_stream(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns) {
    vec<T> sum = dot_row<T, true>(dy, y, columns, Nothing());
    for (ptrdiff_t row = 1; row < rows; ++row, dy += columns, y += columns, dx += columns) {
        Streamed<T, Project<T>> project({dy, y, dx, sum}, columns);
        const auto step = [&](ptrdiff_t at, auto) FASTNN_INLINE_BODY { project.step(at); };
        sum = dot_row<T, true>(dy + columns, y + columns, columns, step);
        project.finish();
    }
    for_vectors<T>(columns, Stored<T, Project<T>>{{dy, y, dx, sum}});
    stream_fence();
}

template <class T>
void softmax_backward(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns, bool stream, T* scratch) {
    if (rows == 0 || columns == 0) return;
    if (columns > kBlockColumns || columns % kLanes == 0) {
        if (stream) return softmax_backward_stream(dy, y, dx, rows, columns);
        return softmax_backward_rows(dy, y, dx, rows, columns);
    }
    const Block<T> block(scratch);
    for_blocks(rows, columns, [&](ptrdiff_t row, ptrdiff_t count) FASTNN_INLINE_BODY {
        const ptrdiff_t n = count * columns, first = row * columns;
        for_vectors<T>(n, [&](ptrdiff_t at, auto lanes) {
            store(block.e + at, load(dy + first + at, lanes) * load(y + first + at, lanes));
        });
        sum_block(block.e, count, columns, block.sums);
        const T* from = apart(dy + first, dx + first, n, block.copy);
        finish_rows<T>(count, columns, [&](ptrdiff_t r) {
            return Stored<T, Project<T>>{{from, y + first, dx + first, set1(block.sums[r])}};
        });
    });
}

// Finishes a row of log_softmax from its logits.
template <class T>
struct Shift {
    const T* x;
    T* y;
    vec<T> reference, high, low;

    FASTNN_INLINE static Shift of(const T* x, T* y, RowSum<T> row) {
        const LogSum<T> log_sum(row.sum);
        return {x, y, set1(row.reference), set1(log_sum.high), set1(log_sum.low)};
    }
    template <class Lanes>
    FASTNN_INLINE void operator()(ptrdiff_t at, Lanes lanes) const {
        store(y + at, log_probability<T>(load(x + at, lanes) - reference, high, low), lanes);
    }
};

template <class T>
void log_softmax_rows(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* e) {
    RowSum<T> sum = sum_lone_row<T, false>(x, columns, e);
    for (ptrdiff_t row = 1;; ++row, x += columns, y += columns) {
        const auto shift = Shift<T>::of(x, y, sum);
        if (row == rows) return for_vectors<T>(columns, shift);
        sum = sum_row<T, false>(x + columns, columns, e, shift);
    }
}

template <class T>
void log_softmax(const T* x, T* y, ptrdiff_t rows, ptrdiff_t columns, T* scratch) {
    if (rows == 0 || columns == 0) return;
    if (columns > kLogBlockColumns) return log_softmax_rows(x, y, rows, columns, scratch);
    const Block<T> block(scratch);
    for_blocks(rows, columns, [&](ptrdiff_t row, ptrdiff_t count) FASTNN_INLINE_BODY {
        const ptrdiff_t n = count * columns;
        const T* from = x + row * columns;
        T* to = y + row * columns;
        if (columns == 1 || !exp_block(from, n, block.e)) return log_softmax_rows(from, to, count, columns, block.e);
        shared_sum_block(block.e, count, columns, block.sums);
        logs_of_sums(block.sums, count, block.a, block.b);
        from = apart(from, to, n, block.copy);
        finish_rows<T>(count, columns, [&](ptrdiff_t r) {
            return Shift<T>{from, to, vec<T>{}, set1(block.a[r]), set1(block.b[r])};
        });
    });
}

template <class T>
void log_softmax_backward(const T* dy, const T* y, T* dx, ptrdiff_t rows, ptrdiff_t columns, T* scratch) {
    if (rows == 0 || columns == 0) return;
    if (columns > kBlockColumns || columns % kLanes == 0) {
        for (ptrdiff_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
            Lanes<T> sums = Lanes<T>::all(0);
            for_lanes<T>(columns, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T>) {
                sums.part[i] = sums.part[i] + load(dy + at, lanes);
            });
            const vec<T> sum = set1(tree_sum(sums));
            for_vectors<T>(columns, [&](ptrdiff_t at, auto lanes) {
                store(dx + at, fnma(exp(load(y + at, lanes)), sum, load(dy + at, lanes)), lanes);
            });
        }
        return;
    }
    const Block<T> block(scratch);
    for_blocks(rows, columns, [&](ptrdiff_t row, ptrdiff_t count) FASTNN_INLINE_BODY {
        const ptrdiff_t n = count * columns, first = row * columns;
        // A copy, as the sums read whole groups of 16 past the end.
        memcpy(block.e, dy + first, static_cast<size_t>(n) * sizeof(T));
        shared_sum_block(block.e, count, columns, block.sums);
        for_vectors<T>(n, [&](ptrdiff_t at, auto lanes) { store(block.copy + at, exp(load(y + first + at, lanes))); });
        finish_rows<T>(count, columns, [&](ptrdiff_t r) {
            const vec<T> sum = set1(block.sums[r]);
            return [=](ptrdiff_t at, auto lanes) {
                store(dx + first + at, fnma(load(block.copy + at, lanes), sum, load(block.e + at, lanes)), lanes);
            };
        });
    });
}

template <class T>
FASTNN_INLINE T logsumexp_of(RowSum<T> row) {
    const T reference = row.reference;
    const bool is_infinite = reference == infinity<T>() || reference == -infinity<T>();
    return is_infinite ? reference : reference + LogSum<T>(row.sum).high;
}

template <class T>
void logsumexp(const T* x, T* s, ptrdiff_t rows, ptrdiff_t columns, T* scratch) {
    const auto each_row = [&](ptrdiff_t begin, ptrdiff_t end) {
        for (ptrdiff_t row = begin; row < end; ++row) {
            s[row] = logsumexp_of(sum_lone_row<T, false>(x + row * columns, columns, scratch));
        }
    };
    // A row of no elements: log(0).
    if (columns == 0) {
        for (ptrdiff_t row = 0; row < rows; ++row) s[row] = -infinity<T>();
    } else if (columns > kBlockColumns) {
        each_row(0, rows);
    } else {
        const Block<T> block(scratch);
        for_blocks(rows, columns, [&](ptrdiff_t row, ptrdiff_t count) FASTNN_INLINE_BODY {
            if (columns == 1 || !exp_block(x + row * columns, count * columns, block.e)) {
                return each_row(row, row + count);
            }
            shared_sum_block(block.e, count, columns, block.sums);
            for_vectors<T>(count, [&](ptrdiff_t at, auto lanes) {
                store(s + row + at, log(load(block.sums + at, lanes)), lanes);
            });
        });
    }
}

template <class T>
ptrdiff_t scratch_size(ptrdiff_t columns) {
    return columns <= kLogBlockColumns ? Block<T>::kSize : columns + kLanes;
}

}  // namespace

#define FASTNN_SOFTMAX_KERNELS(T) \
    { &scratch_size<T>, &softmax<T>, &softmax_backward<T>, &log_softmax<T>, &log_softmax_backward<T>, &logsumexp<T> }

extern const SoftmaxKernels<float> softmax_f32;
extern const SoftmaxKernels<double> softmax_f64;
const SoftmaxKernels<float> softmax_f32 = FASTNN_SOFTMAX_KERNELS(float);
const SoftmaxKernels<double> softmax_f64 = FASTNN_SOFTMAX_KERNELS(double);

}  // namespace FASTNN_TARGET
}  // namespace fastnn
