// Walking over arrays vector by vector with one piece of code for the whole vectors and for the rest, so that an
// element's bits never depend on where it stands.
#ifndef FASTNN_KERNELS_SPANS_H
#define FASTNN_KERNELS_SPANS_H

#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Stands where a Tail may stand and means all lanes.
template <class T>
struct Whole {};

FASTNN_INLINE f32 load(const float* p, Whole<float>) { return load(p); }
FASTNN_INLINE f64 load(const double* p, Whole<double>) { return load(p); }
FASTNN_INLINE void store(float* p, f32 v, Whole<float>) { store(p, v); }
FASTNN_INLINE void store(double* p, f64 v, Whole<double>) { store(p, v); }

// f(i, lanes) for the vectors that begin at i = 0, W, 2 W ...; lanes is Whole or Tail.
template <class T, class F>
FASTNN_INLINE void for_vectors(ptrdiff_t n, F f) {
    ptrdiff_t i = 0;
    for (; i + lane_count<T> <= n; i += lane_count<T>) f(i, Whole<T>());
    if (i < n) f(i, Tail<T>(n - i));
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
