// dense, its gradients and packed weights in C.
#include "core/dense.h"

#include "checks.h"
#include "core/activation.h"
#include "fastnn/operations.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
DenseShape<T> shape_of(std::int64_t batch, std::int64_t inputs, std::int64_t outputs) {
    return {static_cast<std::ptrdiff_t>(batch), static_cast<std::ptrdiff_t>(inputs),
            static_cast<std::ptrdiff_t>(outputs)};
}

// Bytes for the shape; 0 for one that cannot be.
template <class T>
std::size_t scratch_of(std::size_t (*bytes)(const DenseShape<T>&), std::int64_t batch, std::int64_t inputs,
                       std::int64_t outputs) {
    if (count(batch, inputs) < 0 || count(inputs, outputs) < 0 || count(batch, outputs) < 0) return 0;
    return bytes(shape_of<T>(batch, inputs, outputs));
}

template <class T>
fastnn_status dense(std::int64_t batch, std::int64_t inputs, std::int64_t outputs, const T* x, Weights<T> w, const T* b,
                    Activation f, T* y, T* z, Memory scratch) {
    const DenseShape<T> shape = shape_of<T>(batch, inputs, outputs);
    const std::int64_t n = count(batch, outputs);
    return run(
        {input(x, count(batch, inputs)), input(w.data, count(inputs, outputs)), input(b, count(outputs), true),
         output(y, n), output(z, n, true)},
        scratch, [&] { return dense_scratch_bytes(shape); },
        [&] {
            fastnn::dense<T>(shape, x, w, b, f.kind, narrowed<T>(f.parameter), y, z);
            return FASTNN_OK;
        });
}

template <class T>
fastnn_status dense_backward(std::int64_t batch, std::int64_t inputs, std::int64_t outputs, const T* dy, const T* x,
                             Weights<T> w, const T* y, const T* z, Activation f, T* dx, T* dw, T* db, Memory scratch) {
    const DenseShape<T> shape = shape_of<T>(batch, inputs, outputs);
    const std::int64_t n = count(batch, outputs), samples = count(batch, inputs), weights = count(inputs, outputs);
    const bool from_z = needs_z(f.kind, f.parameter), linear = f.kind == Kind::identity;
    return run(
        {input(dy, n), input(x, samples, dw == nullptr), input(w.data, weights, dx == nullptr),
         input(y, n, from_z || linear), input(z, n, !from_z), output(dx, samples, true), output(dw, weights, true),
         output(db, count(outputs), true)},
        scratch, [&] { return dense_backward_scratch_bytes(shape); },
        [&] {
            fastnn::dense_backward<T>(shape, dy, x, w, from_z ? z : y, f.kind, narrowed<T>(f.parameter), dx, dw, db);
            return FASTNN_OK;
        });
}

// Elements; negative for sizes that cannot be.
template <class T>
std::int64_t packed_size(std::int64_t inputs, std::int64_t outputs) {
    const std::int64_t n = count(inputs, outputs);
    return n <= 0 ? n : packed_weights_size<T>(inputs, outputs);
}

template <class T>
std::size_t packed_bytes(std::int64_t inputs, std::int64_t outputs) {
    const std::int64_t n = packed_size<T>(inputs, outputs);
    return n < 0 ? 0 : static_cast<std::size_t>(n) * sizeof(T);
}

template <class T>
fastnn_status pack(std::int64_t inputs, std::int64_t outputs, Weights<T> w, T* packed) {
    const std::int64_t n = packed_size<T>(inputs, outputs);
    const fastnn_status status = check({input(w.data, count(inputs, outputs)), output(packed, n)});
    if (status == FASTNN_OK && n > 0) pack_weights(inputs, outputs, w, packed);
    return status;
}

template <class T>
fastnn_status packed_dense(std::int64_t batch, std::int64_t inputs, std::int64_t outputs, const T* x, const T* packed,
                           const T* b, Activation f, T* y, Memory scratch) {
    const DenseShape<T> shape = shape_of<T>(batch, inputs, outputs);
    const std::initializer_list<Array> arrays = {input(x, count(batch, inputs)),
                                                 input(packed, packed_size<T>(inputs, outputs)),
                                                 input(b, count(outputs), true), output(y, count(batch, outputs))};
    const auto compute = [&] {
        fastnn::packed_dense<T>(shape, x, packed, b, f.kind, narrowed<T>(f.parameter), y);
        return FASTNN_OK;
    };
    if (!packed_dense_is_direct(shape)) {
        return run(
            arrays, scratch, [&] { return packed_dense_scratch_bytes(shape); }, compute);
    }
    const fastnn_status status = check(arrays, scratch, 0);
    return status == FASTNN_OK ? compute() : status;
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using namespace fastnn::capi;

#define FASTNN_DEFINE(T, S)                                                                                            \
    size_t fastnn_dense_scratch_##S(int64_t batch, int64_t inputs, int64_t outputs) noexcept {                         \
        return scratch_of<T>(fastnn::dense_scratch_bytes<T>, batch, inputs, outputs);                                  \
    }                                                                                                                  \
    fastnn_status fastnn_dense_##S(int64_t batch, int64_t inputs, int64_t outputs, const T* x, const T* w,             \
                                   int32_t w_transposed, const T* b, fastnn_activation activation, double parameter,   \
                                   T* y, T* z, void* scratch, size_t scratch_bytes) noexcept {                         \
        const fastnn::FpEnvironment environment;                                                                       \
        Activation f;                                                                                                  \
        if (!f.read(activation, parameter)) return FASTNN_BAD_VALUE;                                                   \
        return dense<T>(batch, inputs, outputs, x, {w, w_transposed != 0}, b, f, y, z, {scratch, scratch_bytes});      \
    }                                                                                                                  \
    size_t fastnn_dense_backward_scratch_##S(int64_t batch, int64_t inputs, int64_t outputs) noexcept {                \
        return scratch_of<T>(fastnn::dense_backward_scratch_bytes<T>, batch, inputs, outputs);                         \
    }                                                                                                                  \
    fastnn_status fastnn_dense_backward_##S(int64_t batch, int64_t inputs, int64_t outputs, const T* dy, const T* x,   \
                                            const T* w, int32_t w_transposed, const T* y, const T* z,                  \
                                            fastnn_activation activation, double parameter, T* dx, T* dw, T* db,       \
                                            void* scratch, size_t scratch_bytes) noexcept {                            \
        const fastnn::FpEnvironment environment;                                                                       \
        Activation f;                                                                                                  \
        if (!f.read(activation, parameter)) return FASTNN_BAD_VALUE;                                                   \
        return dense_backward<T>(batch, inputs, outputs, dy, x, {w, w_transposed != 0}, y, z, f, dx, dw, db,           \
                                 {scratch, scratch_bytes});                                                            \
    }                                                                                                                  \
    size_t fastnn_packed_dense_bytes_##S(int64_t inputs, int64_t outputs) noexcept {                                   \
        return packed_bytes<T>(inputs, outputs);                                                                       \
    }                                                                                                                  \
    fastnn_status fastnn_pack_dense_##S(int64_t inputs, int64_t outputs, const T* w, int32_t w_transposed,             \
                                        T* packed) noexcept {                                                          \
        return pack<T>(inputs, outputs, {w, w_transposed != 0}, packed);                                               \
    }                                                                                                                  \
    size_t fastnn_packed_dense_scratch_##S(int64_t batch, int64_t inputs, int64_t outputs) noexcept {                  \
        return scratch_of<T>(fastnn::packed_dense_scratch_bytes<T>, batch, inputs, outputs);                           \
    }                                                                                                                  \
    fastnn_status fastnn_packed_dense_##S(int64_t batch, int64_t inputs, int64_t outputs, const T* x, const T* packed, \
                                          const T* b, fastnn_activation activation, double parameter, T* y,            \
                                          void* scratch, size_t scratch_bytes) noexcept {                              \
        const fastnn::FpEnvironment environment;                                                                       \
        Activation f;                                                                                                  \
        if (!f.read(activation, parameter)) return FASTNN_BAD_VALUE;                                                   \
        return packed_dense<T>(batch, inputs, outputs, x, packed, b, f, y, {scratch, scratch_bytes});                  \
    }
FASTNN_BOTH(FASTNN_DEFINE)
