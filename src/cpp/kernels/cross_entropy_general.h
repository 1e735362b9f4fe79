// The losses over classes that want every class's logarithm: label smoothing, probabilities as targets, and losses of
// probabilities. The AVX-512 kernels take AVX2's, which have the same bits: 9 KB of the wheel.
#ifndef FASTNN_KERNELS_CROSS_ENTROPY_GENERAL_H
#define FASTNN_KERNELS_CROSS_ENTROPY_GENERAL_H

#include "cross_entropy.h"

namespace fastnn {

#if defined(FASTNN_TARGET_AVX512)
namespace avx2 {
#else
namespace FASTNN_TARGET {
#endif

// As CrossEntropyKernels::from_logits, for any targets; e has room for the columns rounded up to 16.
template <class T>
void general_rows(const ClassLossRows<T>& in, T* e);
// CrossEntropyKernels::from_probabilities.
template <class T>
void from_probabilities(const ClassLossRows<T>& in, T* scratch);

}  // namespace

#if defined(FASTNN_TARGET_AVX512)
namespace avx512 {
using avx2::from_probabilities;
using avx2::general_rows;
}  // namespace avx512
#endif

}  // namespace fastnn

#endif
