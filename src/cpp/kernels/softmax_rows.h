// One row of the softmax family: its exponentials, their sum and its logarithm.
#ifndef FASTNN_KERNELS_SOFTMAX_ROWS_H
#define FASTNN_KERNELS_SOFTMAX_ROWS_H

#include "lanes.h"
#include "math.h"
#include "simd.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {

// ---- lanes of a row's rest ---------------------------------------------------------------------------------------

// All bits set in the first n lanes, n >= 0; n may exceed the number of lanes.
FASTNN_INLINE i32 first_lanes(ptrdiff_t n, float) {
    static const int32_t kLane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return load_int(kLane) < set1(static_cast<int32_t>(n < kLanes ? n : kLanes));
}
FASTNN_INLINE i64 first_lanes(ptrdiff_t n, double) {
    static const int64_t kLane[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return load_int(kLane) < set1(static_cast<int64_t>(n));
}

// v in the lanes of the mask, +0 in the others.
FASTNN_INLINE f32 keep(i32 mask, f32 v) { return as_float(as_int(v) & mask); }
FASTNN_INLINE f64 keep(i64 mask, f64 v) { return as_float(as_int(v) & mask); }

// f(at, i, lanes, mask) for the vectors of a row: `at` is the vector's first element, i = its register in Lanes, lanes
// is Whole or Tail and mask the lanes that exist. Whole groups of 16 first, then the rest.
template <class T, class F>
FASTNN_INLINE void for_lanes(ptrdiff_t n, F f) {
    const ivec<T> every = first_lanes(kLanes, T());
    ptrdiff_t k = 0;
    for (; k + kLanes <= n; k += kLanes) {
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) f(k + i * lane_count<T>, i, Whole<T>(), every);
    }
    if (k == n) return;
    for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) {
        const ptrdiff_t at = k + i * lane_count<T>, rest = n - at;
        if (rest <= 0) return;
        f(at, i, Tail<T>(rest < lane_count<T> ? rest : lane_count<T>), first_lanes(rest, T()));
    }
}

// ---- exponentials and their sum ----------------------------------------------------------------------------------

// e = exp(x - reference); sum is nan where a softmax of the row is nan, and the reference then nan or infinite.
template <class T>
struct RowSum {
    T reference, sum;
};

template <class T>
FASTNN_INLINE T quiet_nan() {
    return static_cast<T>(__builtin_nan(""));
}
template <class T>
FASTNN_INLINE T infinity() {
    return static_cast<T>(__builtin_inf());
}

// The maximum of a row of at least one element; nan if there is one.
template <class T>
FASTNN_INLINE T row_max(const T* x, ptrdiff_t n) {
    const vec<T> lowest = set1(-infinity<T>());
    Lanes<T> largest = Lanes<T>::all(-infinity<T>());
    ivec<T> nans = {};
    for_lanes<T>(n, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T> mask) {
        const vec<T> v = select(mask, load(x + at, lanes), lowest);
        nans |= v != v;
        largest.part[i] = max(v, largest.part[i]);
    });
    return any(nans) ? quiet_nan<T>() : tree_max(largest);
}

// Not inlined: rows out of the moderate range are rare, and all callers share this copy, which stores e in any case.
template <class T>
__attribute__((noinline)) RowSum<T> sum_from_max(const T* x, ptrdiff_t n, T* e) {
    const T reference = row_max(x, n);
    if (!(reference - reference == 0)) return {reference, quiet_nan<T>()};
    const vec<T> shift = set1(reference);
    Lanes<T> sums = Lanes<T>::all(0);
    for_lanes<T>(n, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T> mask) {
        const vec<T> v = keep(mask, exp(load(x + at, lanes) - shift));
        store(e + at, v);
        sums.part[i] = sums.part[i] + v;
    });
    return {reference, tree_sum(sums)};
}

// The exponentials of a row, stored to e (with room for n rounded up to 16 elements) and their sum. Without kStore e is
// left with anything.
// before(at, lanes) runs once for every vector before its e is overwritten: the place to finish the row before.
template <class T, bool kStore, class Before>
FASTNN_INLINE RowSum<T> sum_row(const T* x, ptrdiff_t n, T* e, Before before) {
    ivec<T> proof = {};
    Lanes<T> sums = Lanes<T>::all(0);
    for_lanes<T>(n, [&](ptrdiff_t at, ptrdiff_t i, auto lanes, ivec<T> mask) {
        const vec<T> v = load(x + at, lanes);
        proof = prove_moderate(proof, v);
        const vec<T> y = keep(mask, exp_in_range(v));
        before(at, lanes);
        if (kStore) store(e + at, y);
        sums.part[i] = sums.part[i] + y;
    });
    if (is_moderate(proof) && n != 1) return {0, tree_sum(sums)};
    return sum_from_max<T>(x, n, e);
}

struct Nothing {
    template <class Lanes>
    FASTNN_INLINE void operator()(ptrdiff_t, Lanes) const {}
};

// One copy of it for the first of many rows, whose speed does not count, and for rows with nothing to finish.
template <class T, bool kStore>
__attribute__((noinline)) RowSum<T> sum_lone_row(const T* x, ptrdiff_t n, T* e) {
    return sum_row<T, kStore>(x, n, e, Nothing());
}

// log(sum) as high + low. Without low, a row of moderate numbers far from 0 would lose what x - log(sum) cancels: the
// absolute error of high alone is half an ULP of |log(sum)|, up to 4e-6 for float.
template <class T>
FASTNN_INLINE void log_of_sum(vec<T> sum, vec<T>& high, vec<T>& low) {
    high = log(sum);
    low = fma(sum, exp(-high), set1(T(-1)));
}

template <class T>
struct LogSum {
    T high, low;

    FASTNN_INLINE explicit LogSum(T sum) {
        vec<T> h, l;
        log_of_sum<T>(set1(sum), h, l);
        high = h[0];
        low = l[0];
    }
};

// (x - log(sum)) with x relative to the row's reference. Rounding must not make a probability exceed 1.
template <class T>
FASTNN_INLINE vec<T> log_probability(vec<T> x, vec<T> high, vec<T> low) {
    return min(set1(T(0)), (x - high) - low);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
