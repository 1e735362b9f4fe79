// The softmax family over the rows of (rows, columns), C-contiguous: the work split over threads. No row is split, and
// a row's bits do not depend on where it stands. An output may be the first input itself.
#ifndef FASTNN_CORE_SOFTMAX_H
#define FASTNN_CORE_SOFTMAX_H

#include <cstddef>

namespace fastnn {

// What one element of the family costs, for parts_for and the release of locks: about one exponential.
constexpr double kSoftmaxWork = 30;

// Bytes of scratch memory that any of these takes at most.
template <class T>
std::size_t softmax_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns);

// These may throw std::bad_alloc, before anything is written.
template <class T>
void softmax(const T* x, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns);
template <class T>
void softmax_backward(const T* dy, const T* y, T* dx, std::ptrdiff_t rows, std::ptrdiff_t columns);
template <class T>
void log_softmax(const T* x, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns);
template <class T>
void log_softmax_backward(const T* dy, const T* y, T* dx, std::ptrdiff_t rows, std::ptrdiff_t columns);
// s (rows,)
template <class T>
void logsumexp(const T* x, T* s, std::ptrdiff_t rows, std::ptrdiff_t columns);

}  // namespace fastnn

#endif
