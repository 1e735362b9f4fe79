// The 16 virtual lanes of every reduction, kept in as many registers as the target needs, and the fixed tree that
// ends it: (l, l+8), (l, l+4), (l, l+2), (l, l+1). Element i of a row always lands in lane i mod 16, so a sum has
// the same bits at every vector width.
#ifndef FASTNN_KERNELS_LANES_H
#define FASTNN_KERNELS_LANES_H

#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

template <class T>
struct Lanes {
    vec<T> part[lane_vectors<T>];

    FASTNN_INLINE static Lanes all(T value) {
        Lanes lanes;
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) lanes.part[i] = set1(value);
        return lanes;
    }
    FASTNN_INLINE static Lanes load16(const T* p) {
        Lanes lanes;
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) lanes.part[i] = load(p + i * lane_count<T>);
        return lanes;
    }
    FASTNN_INLINE void store16(T* p) const {
        for (ptrdiff_t i = 0; i < lane_vectors<T>; ++i) store(p + i * lane_count<T>, part[i]);
    }
};

// The tree over 16 numbers in memory, halving: combine(a[l], a[l + half]).
template <class T, class F>
FASTNN_INLINE T tree16(const T* lanes, F combine) {
    T a[kLanes];
    memcpy(a, lanes, sizeof a);
    for (ptrdiff_t half = kLanes / 2; half > 0; half /= 2) {
        for (ptrdiff_t l = 0; l < half; ++l) a[l] = combine(a[l], a[l + half]);
    }
    return a[0];
}

#if defined(FASTNN_TARGET_AVX2) || defined(FASTNN_TARGET_AVX512)
FASTNN_INLINE float tree_of_8(__m256 a) {
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
FASTNN_INLINE double tree_of_4(__m256d a) {
    const __m128d b = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(b, _mm_unpackhi_pd(b, b)));
}
#endif

FASTNN_INLINE float tree_sum(const Lanes<float>& lanes) {
#if defined(FASTNN_TARGET_AVX512)
    return tree_of_8(_mm256_add_ps(_mm512_castps512_ps256(lanes.part[0]), _mm512_extractf32x8_ps(lanes.part[0], 1)));
#elif defined(FASTNN_TARGET_AVX2)
    return tree_of_8(lanes.part[0] + lanes.part[1]);
#else
    float a[kLanes];
    lanes.store16(a);
    return tree16(a, [](float x, float y) { return x + y; });
#endif
}
FASTNN_INLINE double tree_sum(const Lanes<double>& lanes) {
#if defined(FASTNN_TARGET_AVX512)
    const f64 a = lanes.part[0] + lanes.part[1];
    return tree_of_4(_mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1)));
#elif defined(FASTNN_TARGET_AVX2)
    return tree_of_4((lanes.part[0] + lanes.part[2]) + (lanes.part[1] + lanes.part[3]));
#else
    double a[kLanes];
    lanes.store16(a);
    return tree16(a, [](double x, double y) { return x + y; });
#endif
}

// The largest of the lanes; the order does not matter to a maximum, but nan does: no lane may hold one.
template <class T>
FASTNN_INLINE T tree_max(const Lanes<T>& lanes) {
    vec<T> m = lanes.part[0];
    for (ptrdiff_t i = 1; i < lane_vectors<T>; ++i) m = max(m, lanes.part[i]);
    T a[lane_count<T>];
    store(a, m);
    T largest = a[0];
    for (ptrdiff_t i = 1; i < lane_count<T>; ++i) largest = a[i] > largest ? a[i] : largest;
    return largest;
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
