// Random masks: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) keyed by the seed,
// counting the caller's counter and the element's index, so that an element's number depends on nothing else.
//   key     = (seed low, seed high)
//   counter = (block low, block high, counter low, counter high),  block = index / 4, word = index % 4
#ifndef FASTNN_KERNELS_RANDOM_H
#define FASTNN_KERNELS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

namespace fastnn {

// Where an array's random words begin: its first element has index 4 * block.
struct RandomStream {
    uint64_t seed, counter, block;
};

template <class T>
struct RandomKernels {
    // The four words of each of `blocks` blocks.
    void (*words)(const RandomStream& stream, uint32_t* words, ptrdiff_t blocks);
    // y = word >= threshold ? x / divisor : 0. y may be x itself.
    void (*dropout)(const RandomStream& stream, uint32_t threshold, T divisor, const T* x, T* y, ptrdiff_t n);
    // y = test < 0 ? x * (lower + range * u) : x with u = the word's upper 24 bits / 2^24, every operation rounded.
    // x, y and test may be the same array.
    void (*rrelu)(const RandomStream& stream, T lower, T range, const T* test, const T* x, T* y, ptrdiff_t n);
    // The same with one slope.
    void (*leaky)(T slope, const T* test, const T* x, T* y, ptrdiff_t n);
};

}  // namespace fastnn

#endif
