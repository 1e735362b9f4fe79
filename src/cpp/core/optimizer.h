// Optimizer steps over whole arrays. p and the states are written in place; no array overlaps another.
#ifndef FASTNN_CORE_OPTIMIZER_H
#define FASTNN_CORE_OPTIMIZER_H

#include <cstddef>
#include <cstdint>

#include "../kernels/optimizer.h"

namespace fastnn {

struct SgdOptions {
    double lr, momentum, weight_decay;
    bool nesterov;
};

struct AdamOptions {
    std::int64_t step;  // from 1
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled;
};

// beta^t = ((beta beta) beta) ... in float64. One multiplication a step: the last power is kept.
class DecayPower {
   public:
    double at(double beta, std::int64_t step);

   private:
    double beta_ = 0.0, value_ = 1.0;
    std::int64_t step_ = 0;
};

// What the kernel wants to know. The corrections are 1 - beta^step.
template <class T>
AdamStep<T> adam_constants(const AdamOptions& options, double correction1, double correction2);

struct RmspropOptions {
    double lr, alpha, eps, momentum, weight_decay;
};

struct AdagradOptions {
    double lr, eps, weight_decay;
};

// velocity may be null: then there is no momentum.
template <class T>
void sgd_step(const SgdOptions& options, T* p, const T* g, T* velocity, std::ptrdiff_t n);

template <class T>
void adam_step(const AdamOptions& options, T* p, const T* g, T* m, T* v, std::ptrdiff_t n);

// buffer may be null: then there is no momentum.
template <class T>
void rmsprop_step(const RmspropOptions& options, T* p, const T* g, T* v, T* buffer, std::ptrdiff_t n);

template <class T>
void adagrad_step(const AdagradOptions& options, T* p, const T* g, T* s, std::ptrdiff_t n);

// Bytes of scratch memory that sum_of_squares takes.
std::size_t sum_of_squares_scratch_bytes(std::ptrdiff_t n);
// In float64. May throw std::bad_alloc.
template <class T>
double sum_of_squares(const T* x, std::ptrdiff_t n);

}  // namespace fastnn

#endif
