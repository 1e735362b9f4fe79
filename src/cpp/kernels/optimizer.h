// Optimizer steps, elementwise and in place on the parameters p and their states. Formulas: PyTorch's torch.optim.
// A state whose magnitude falls below the smallest normal number becomes 0: the decay of a dead unit's moments
// otherwise ends in denormals, which make a step up to twice as slow.
#ifndef FASTNN_KERNELS_OPTIMIZER_H
#define FASTNN_KERNELS_OPTIMIZER_H

#include <stddef.h>

namespace fastnn {

// Elements in one partial sum of sum_of_squares.
constexpr ptrdiff_t kNormChunk = 4096;

// v = momentum v + g;  p -= lr (nesterov ? g + momentum v : v).  Without v: p -= lr g.
template <class T>
struct SgdStep {
    T lr, momentum, weight_decay;
    bool nesterov;
};

// m += (g - m) one_minus_beta1;  v = beta2 v + one_minus_beta2 g g;  p = shrink p - rate m / (sqrt(v) root + eps),
// with rate = lr / (1 - beta1^t), root = 1 / sqrt(1 - beta2^t), shrink = 1 - lr * decoupled weight decay.
template <class T>
struct AdamStep {
    T rate, root, one_minus_beta1, beta2, one_minus_beta2, eps, weight_decay, shrink;
};

// v = alpha v + added + one_minus_alpha g g;  d = g / (sqrt(v) + eps);  buffer = momentum buffer + d;  p -= lr buffer.
// Without a buffer: p -= lr d.
template <class T>
struct RmspropStep {
    T lr, alpha, one_minus_alpha, eps, momentum, weight_decay, added;
};

// s += g g;  p -= lr g / (sqrt(s) + eps).
template <class T>
struct AdagradStep {
    T lr, eps, weight_decay;
};

// Everywhere g stands for g + weight_decay p. No array overlaps another.
template <class T>
struct OptimizerKernels {
    void (*sgd)(const SgdStep<T>& step, T* p, const T* g, T* velocity, ptrdiff_t n);  // velocity may be null
    void (*adam)(const AdamStep<T>& step, T* p, const T* g, T* m, T* v, ptrdiff_t n);
    void (*rmsprop)(const RmspropStep<T>& step, T* p, const T* g, T* v, T* buffer, ptrdiff_t n);  // buffer: or null
    void (*adagrad)(const AdagradStep<T>& step, T* p, const T* g, T* s, ptrdiff_t n);
    // At most kNormChunk elements, in float64 over 16 lanes and the fixed tree.
    double (*sum_of_squares)(const T* x, ptrdiff_t n);
};

}  // namespace fastnn

#endif
