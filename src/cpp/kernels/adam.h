// One vector of Adam's step; see AdamStep in optimizer.h.
#ifndef FASTNN_KERNELS_ADAM_H
#define FASTNN_KERNELS_ADAM_H

#include "optimizer.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {

// +0 for what is smaller than every normal number.
#if defined(FASTNN_TARGET_AVX512)
// By the exponent's bits: half the instructions of a comparison and a select, which here compete with the products.
FASTNN_INLINE f32 without_denormals(f32 a) {
    const __mmask16 normal = _mm512_test_epi32_mask(_mm512_castps_si512(a), _mm512_set1_epi32(0x7f800000));
    return _mm512_maskz_mov_ps(normal, a);
}
FASTNN_INLINE f64 without_denormals(f64 a) {
    const __mmask8 normal = _mm512_test_epi64_mask(_mm512_castpd_si512(a), _mm512_set1_epi64(0x7ff0000000000000));
    return _mm512_maskz_mov_pd(normal, a);
}
#else
FASTNN_INLINE f32 without_denormals(f32 a) { return select(abs(a) < set1(0x1p-126f), f32{}, a); }
FASTNN_INLINE f64 without_denormals(f64 a) { return select(abs(a) < set1(0x1p-1022), f64{}, a); }
#endif

// The numbers of a step in all lanes. In memory, so that a loop short of registers reads them from there.
template <class T>
struct AdamVectors {
    vec<T> rate, root, eps, shrink, new_part1, new_part2, beta2;

    FASTNN_INLINE explicit AdamVectors(const AdamStep<T>& step)
        : rate(set1(step.rate)),
          root(set1(step.root)),
          eps(set1(step.eps)),
          shrink(set1(step.shrink)),
          new_part1(set1(step.one_minus_beta1)),
          new_part2(set1(step.one_minus_beta2)),
          beta2(set1(step.beta2)) {}
};

// Moves the parameters `old` at p, and the moments at m and v. lanes: Whole or Tail. kShrinks: false if step.shrink
// is 1.
template <bool kShrinks, class T, class Lanes>
FASTNN_INLINE void adam_vector(const AdamVectors<T>& step, vec<T> gradient, vec<T> old, T* p, T* m, T* v, Lanes lanes) {
    const vec<T> old_m = load(m, lanes);
    const vec<T> new_m = without_denormals(fma(gradient - old_m, step.new_part1, old_m));
    const vec<T> new_v = without_denormals(fma(step.new_part2 * gradient, gradient, step.beta2 * load(v, lanes)));
    store(m, new_m, lanes);
    store(v, new_v, lanes);
    const vec<T> kept = kShrinks ? step.shrink * old : old;
    store(p, kept - step.rate * new_m / fma(sqrt(new_v), step.root, step.eps), lanes);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
