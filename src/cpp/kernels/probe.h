// What the processor can do at best, in loops as plain as can be: the limits that kernels are held against.
#ifndef FASTNN_KERNELS_PROBE_H
#define FASTNN_KERNELS_PROBE_H

#include <stddef.h>

namespace fastnn {

template <class T>
struct ProbeKernels {
    // Independent chains of fma in registers; returns the floating-point operations done.
    double (*fma)(ptrdiff_t rounds);
    // The kernels' own exp, from registers to registers; returns the exponentials done.
    double (*exp)(ptrdiff_t rounds);
    // Reads n elements and returns a number that depends on all of them. n is a multiple of 256.
    T (*read)(const T* from, ptrdiff_t n);
    // Copies n elements, with non-temporal stores if `stream`. n is a multiple of 256, both ends aligned to 64 bytes.
    void (*copy)(const T* from, T* to, ptrdiff_t n, bool stream);
};

}  // namespace fastnn

#endif
