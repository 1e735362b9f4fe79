// Activations over whole arrays: the work split over threads. Nothing is checked here. An output may be the first
// input itself. These may throw nothing but what is said.
#ifndef FASTNN_CORE_ACTIVATION_H
#define FASTNN_CORE_ACTIVATION_H

#include <cstddef>

#include "../kernels/activation.h"

namespace fastnn {

// As in Python: "relu". kind is one of the enum's.
const char* kind_name(Kind kind);
// What a bare name stands for; 0 for the kinds without a parameter.
double default_parameter(Kind kind);
// Finite, and where the formula divides by it, not 0 (celu) or positive (softplus).
bool is_valid_parameter(Kind kind, double parameter);
// Whether f' has to be had from z, because two z can share one y.
bool needs_z(Kind kind, double parameter);

// What one element costs, for parts_for and the release of locks.
double activation_work(Kind kind);

template <class T>
void activation(Kind kind, T parameter, const T* z, T* y, std::ptrdiff_t n);
// saved is y, or z if needs_z.
template <class T>
void activation_backward(Kind kind, T parameter, const T* dy, const T* saved, T* dz, std::ptrdiff_t n);

// x (rows, columns); slope (columns,), or one for all if `shared`.
template <class T>
void prelu(const T* x, const T* slope, bool shared, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns);
// Bytes of scratch memory that prelu_backward takes.
template <class T>
std::size_t prelu_backward_scratch_bytes(bool shared, std::ptrdiff_t rows, std::ptrdiff_t columns);
// dslope has the shape of slope. Summed over chunks of 1024 rows (shared: of 16384 elements), the chunks' sums in
// ascending order. May throw std::bad_alloc, before anything is written.
template <class T>
void prelu_backward(const T* dy, const T* x, const T* slope, bool shared, T* dx, T* dslope, std::ptrdiff_t rows,
                    std::ptrdiff_t columns);

}  // namespace fastnn

#endif
