// Dense layers over whole batches: forward, backward and packed weights, split over the pool's threads.
// Nothing is checked here: shapes, overlap and kinds are the caller's. All functions are thread-safe.
#ifndef FASTNN_CORE_DENSE_H
#define FASTNN_CORE_DENSE_H

#include <cstddef>

#include "../kernels/activation.h"
#include "../kernels/dense.h"

namespace fastnn {

// The weights w (I, O) as they lie in memory: by rows, or as a C-contiguous (O, I) array (w.T in Python).
template <class T>
struct Weights {
    const T* data;
    bool transposed;
};

template <class T>
struct DenseShape {
    std::ptrdiff_t batch, inputs, outputs;
    double work() const {
        return 2.0 * static_cast<double>(batch) * static_cast<double>(inputs) * static_cast<double>(outputs);
    }
};

// Bytes of scratch memory that dense, dense_backward and packed_dense take at most, whatever is null.
template <class T>
std::size_t dense_scratch_bytes(const DenseShape<T>& shape);
template <class T>
std::size_t dense_backward_scratch_bytes(const DenseShape<T>& shape);
template <class T>
std::size_t packed_dense_scratch_bytes(const DenseShape<T>& shape);

// y (B, O) = f(x (B, I) w + b); b may be null. z (B, O) receives x w + b unless it is null.
// May throw std::bad_alloc, before anything is written.
template <class T>
void dense(const DenseShape<T>& shape, const T* x, Weights<T> w, const T* b, Kind kind, T parameter, T* y, T* z);

// From dy (B, O): dx (B, I), dw (I, O), db (O,), each may be null. saved is y, or z for the kinds that need it.
template <class T>
void dense_backward(const DenseShape<T>& shape, const T* dy, const T* x, Weights<T> w, const T* saved, Kind kind,
                    T parameter, T* dx, T* dw, T* db);

// Any product, shared among the threads. May throw std::bad_alloc, before anything is written.
template <class T>
void run_product(const Product<T>& product);

// Elements that pack_weights writes and packed_dense reads.
template <class T>
std::ptrdiff_t packed_weights_size(std::ptrdiff_t inputs, std::ptrdiff_t outputs);
template <class T>
void pack_weights(std::ptrdiff_t inputs, std::ptrdiff_t outputs, Weights<T> w, T* packed);
// dense() with weights packed ahead; the same bits. packed is best aligned to 64 bytes.
template <class T>
void packed_dense(const DenseShape<T>& shape, const T* x, const T* packed, const T* b, Kind kind, T parameter, T* y);
// Whether packed_dense takes no scratch memory and no thread but the caller's, however many there are.
template <class T>
bool packed_dense_is_direct(const DenseShape<T>& shape);

}  // namespace fastnn

#endif
