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
// What is left of the lanes after the additions that leave one 256-bit register.
template <class T>
struct tree_head_of;
template <>
struct tree_head_of<float> {
    typedef __m256 type;
};
template <>
struct tree_head_of<double> {
    typedef __m256d type;
};
template <class T>
using TreeHead = typename tree_head_of<T>::type;

FASTNN_INLINE __m256 tree_head(const Lanes<float>& lanes) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm256_add_ps(_mm512_castps512_ps256(lanes.part[0]), _mm512_extractf32x8_ps(lanes.part[0], 1));
#else
    return lanes.part[0] + lanes.part[1];
#endif
}
FASTNN_INLINE __m256d tree_head(const Lanes<double>& lanes) {
#if defined(FASTNN_TARGET_AVX512)
    const f64 a = lanes.part[0] + lanes.part[1];
    return _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
#else
    return (lanes.part[0] + lanes.part[2]) + (lanes.part[1] + lanes.part[3]);
#endif
}

FASTNN_INLINE float tree_sum(const Lanes<float>& lanes) {
    const __m256 a = tree_head(lanes);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
FASTNN_INLINE double tree_sum(const Lanes<double>& lanes) {
    const __m256d a = tree_head(lanes);
    const __m128d b = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(b, _mm_unpackhi_pd(b, b)));
}

// Trees of kTreeBunch sums at once: each addition is made for all of them by one instruction.
constexpr ptrdiff_t kTreeBunch = 8;

// Halves of a and of b: (a low + a high, b low + b high).
FASTNN_INLINE __m256 fold(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}
FASTNN_INLINE __m256d fold(__m256d a, __m256d b) {
    return _mm256_add_pd(_mm256_permute2f128_pd(a, b, 0x20), _mm256_permute2f128_pd(a, b, 0x31));
}
// The same for the halves of every 128 bits.
FASTNN_INLINE __m256 fold_inner(__m256 a, __m256 b) {
    const __m256d c = _mm256_castps_pd(a), d = _mm256_castps_pd(b);
    return _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(c, d)), _mm256_castpd_ps(_mm256_unpackhi_pd(c, d)));
}

// sums[i] of the kTreeBunch heads[i].
FASTNN_INLINE void tree_sums(const __m256* heads, float* sums) {
    __m256 a[4];
    for (ptrdiff_t i = 0; i < 4; ++i) a[i] = fold(heads[i], heads[i + 4]);
    const __m256 b = fold_inner(a[0], a[1]), c = fold_inner(a[2], a[3]);
    _mm256_storeu_ps(sums, _mm256_add_ps(_mm256_shuffle_ps(b, c, 0x88), _mm256_shuffle_ps(b, c, 0xdd)));
}
FASTNN_INLINE void tree_sums(const __m256d* heads, double* sums) {
    for (ptrdiff_t i = 0; i < kTreeBunch; i += 4) {
        const __m256d a = fold(heads[i], heads[i + 2]), b = fold(heads[i + 1], heads[i + 3]);
        _mm256_storeu_pd(sums + i, _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)));
    }
}
#else
template <class T>
FASTNN_INLINE T tree_sum(const Lanes<T>& lanes) {
    T a[kLanes];
    lanes.store16(a);
    return tree16(a, [](T x, T y) { return x + y; });
}

constexpr ptrdiff_t kTreeBunch = 1;
template <class T>
using TreeHead = Lanes<T>;

template <class T>
FASTNN_INLINE Lanes<T> tree_head(const Lanes<T>& lanes) {
    return lanes;
}
template <class T>
FASTNN_INLINE void tree_sums(const Lanes<T>* heads, T* sums) {
    *sums = tree_sum(*heads);
}
#endif

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
