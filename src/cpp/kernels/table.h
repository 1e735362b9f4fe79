// All kernels of one instruction set. Each target exports exactly one object of this type.
#ifndef FASTNN_KERNELS_TABLE_H
#define FASTNN_KERNELS_TABLE_H

#include "activation.h"
#include "cross_entropy.h"
#include "dense.h"
#include "loss.h"
#include "optimizer.h"
#include "probe.h"
#include "random.h"
#include "softmax.h"

namespace fastnn {

// The kernels of every noun for one element type.
template <class T>
struct KernelsOf {
    const DenseKernels<T>* dense;
    const ActivationKernels<T>* activation;
    const SoftmaxKernels<T>* softmax;
    const CrossEntropyKernels<T>* cross_entropy;
    const LossKernels<T>* loss;
    const OptimizerKernels<T>* optimizer;
    const ProbeKernels<T>* probe;
    const RandomKernels<T>* random;
};

struct Kernels {
    const char* name;
    KernelsOf<float> f32;
    KernelsOf<double> f64;
};

}  // namespace fastnn

#endif
