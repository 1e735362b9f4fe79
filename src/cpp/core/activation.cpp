#include "activation.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "fpenv.h"
#include "scratch.h"
#include "threads.h"

namespace fastnn {
namespace {

// Elements of the pieces that threads get: whole cache lines, so that no two threads write to one.
constexpr std::ptrdiff_t kLine = 16;
constexpr std::ptrdiff_t kRowChunk = 1024;
constexpr std::ptrdiff_t kSharedChunk = 16 * 1024;
// Columns that one thread takes of a chunk of rows.
constexpr std::ptrdiff_t kColumnBlock = 512;

template <class F>
void over_elements(Kind kind, std::ptrdiff_t n, F&& f) {
    const FpEnvironment environment;
    const int parts = parts_for(activation_work(kind) * static_cast<double>(n), (n + kLine - 1) / kLine);
    if (parts == 1) {
        f(std::ptrdiff_t(0), n);
        return;
    }
    parallel(parts, [&](int part) {
        const Range range = part_of(n, parts, part, kLine);
        if (range.begin < range.end) f(range.begin, range.end - range.begin);
    });
}

std::ptrdiff_t blocks_of(std::ptrdiff_t n, std::ptrdiff_t block) { return (n + block - 1) / block; }

// The sums of a slope's gradient: over chunks of all elements if it is shared, else of the rows.
std::ptrdiff_t slope_chunks(bool shared, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return shared ? blocks_of(rows * columns, kSharedChunk) : blocks_of(rows, kRowChunk);
}

}  // namespace

const char* kind_name(Kind kind) {
    static constexpr const char* kNames[kKindCount] = {
        "identity",   "step",      "sign", "sigmoid",      "tanh",       "relu",       "relu6",
        "leaky_relu", "elu",       "selu", "celu",         "softplus",   "softsign",   "swish",
        "gelu",       "gelu_tanh", "mish", "hard_sigmoid", "hard_swish", "exponential"};
    return kNames[static_cast<int>(kind)];
}

double default_parameter(Kind kind) {
    switch (kind) {
        case Kind::leaky_relu:
            return 0.01;
        case Kind::elu:
        case Kind::celu:
        case Kind::softplus:
        case Kind::swish:
            return 1.0;
        default:
            return 0.0;
    }
}

bool is_valid_parameter(Kind kind, double parameter) {
    if (!std::isfinite(parameter)) return false;
    if (kind == Kind::celu) return parameter != 0.0;
    if (kind == Kind::softplus) return parameter > 0.0;
    return true;
}

bool needs_z(Kind kind, double parameter) {
    switch (kind) {
        case Kind::swish:
        case Kind::gelu:
        case Kind::gelu_tanh:
        case Kind::mish:
        case Kind::hard_swish:
            return true;
        case Kind::leaky_relu:
        case Kind::elu:
        case Kind::celu:
            return parameter < 0.0;
        default:
            return false;
    }
}

double activation_work(Kind kind) {
    switch (kind) {
        case Kind::sigmoid:
        case Kind::tanh:
        case Kind::elu:
        case Kind::selu:
        case Kind::celu:
        case Kind::softplus:
        case Kind::swish:
        case Kind::gelu:
        case Kind::gelu_tanh:
        case Kind::mish:
        case Kind::exponential:
            return 80.0;
        default:
            return 16.0;
    }
}

template <class T>
void activation(Kind kind, T parameter, const T* z, T* y, std::ptrdiff_t n) {
    over_elements(kind, n, [=](std::ptrdiff_t begin, std::ptrdiff_t count) {
        kernels_of<T>().activation->forward(static_cast<int>(kind), parameter, z + begin, y + begin, count);
    });
}

template <class T>
void activation_backward(Kind kind, T parameter, const T* dy, const T* saved, T* dz, std::ptrdiff_t n) {
    over_elements(kind, n, [=](std::ptrdiff_t begin, std::ptrdiff_t count) {
        kernels_of<T>().activation->backward(static_cast<int>(kind), parameter, dy + begin, saved + begin, dz + begin,
                                             count);
    });
}

template <class T>
void prelu(const T* x, const T* slope, bool shared, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    if (shared) {
        activation(Kind::leaky_relu, rows * columns > 0 ? *slope : T(0), x, y, rows * columns);
        return;
    }
    const FpEnvironment environment;
    const double work = activation_work(Kind::leaky_relu) * static_cast<double>(rows) * static_cast<double>(columns);
    const int parts = parts_for(work, rows);
    parallel(parts, [&](int part) {
        const Range range = part_of(rows, parts, part);
        const std::ptrdiff_t at = range.begin * columns;
        kernels_of<T>().activation->prelu(x + at, slope, y + at, range.end - range.begin, columns);
    });
}

template <class T>
std::size_t prelu_backward_scratch_bytes(bool shared, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return scratch_bytes<T>(slope_chunks(shared, rows, columns) * (shared ? 1 : columns));
}

template <class T>
void prelu_backward(const T* dy, const T* x, const T* slope, bool shared, T* dx, T* dslope, std::ptrdiff_t rows,
                    std::ptrdiff_t columns) {
    const FpEnvironment environment;
    const ActivationKernels<T>& kernel = *kernels_of<T>().activation;
    const std::ptrdiff_t n = rows * columns;
    const double work = activation_work(Kind::leaky_relu) * static_cast<double>(n);
    const std::ptrdiff_t chunks = slope_chunks(shared, rows, columns);
    const std::ptrdiff_t width = shared ? 1 : columns;
    const Scratch<T> sums(chunks * width);
    // The pieces: chunks, and within a chunk of rows blocks of columns.
    const std::ptrdiff_t blocks = shared ? 1 : blocks_of(columns, kColumnBlock);
    const int parts = parts_for(work, chunks * blocks);
    parallel(parts, [&](int part) {
        const Range range = part_of(chunks * blocks, parts, part);
        for (std::ptrdiff_t piece = range.begin; piece < range.end; ++piece) {
            const std::ptrdiff_t chunk = piece / blocks;
            if (shared) {
                const std::ptrdiff_t at = chunk * kSharedChunk;
                sums.data()[chunk] =
                    kernel.prelu_backward_shared(dy + at, x + at, *slope, dx + at, std::min(kSharedChunk, n - at));
                continue;
            }
            const std::ptrdiff_t row = chunk * kRowChunk, column = piece % blocks * kColumnBlock;
            const std::ptrdiff_t at = row * columns + column;
            kernel.prelu_backward(dy + at, x + at, slope + column, dx + at, sums.data() + chunk * width + column,
                                  std::min(kRowChunk, rows - row), std::min(kColumnBlock, columns - column), columns);
        }
    });
    for (std::ptrdiff_t j = 0; j < width; ++j) {
        T sum = chunks > 0 ? sums.data()[j] : T(0);
        for (std::ptrdiff_t chunk = 1; chunk < chunks; ++chunk) sum += sums.data()[chunk * width + j];
        dslope[j] = sum;
    }
}

#define FASTNN_INSTANTIATE(T)                                                                   \
    template void activation<T>(Kind, T, const T*, T*, std::ptrdiff_t);                         \
    template void activation_backward<T>(Kind, T, const T*, const T*, T*, std::ptrdiff_t);      \
    template void prelu<T>(const T*, const T*, bool, T*, std::ptrdiff_t, std::ptrdiff_t);       \
    template std::size_t prelu_backward_scratch_bytes<T>(bool, std::ptrdiff_t, std::ptrdiff_t); \
    template void prelu_backward<T>(const T*, const T*, const T*, bool, T*, T*, std::ptrdiff_t, std::ptrdiff_t);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)

}  // namespace fastnn
