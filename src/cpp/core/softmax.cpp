#include "softmax.h"

#include "cache_size.h"
#include "dispatch.h"
#include "fpenv.h"
#include "scratch.h"
#include "threads.h"

namespace fastnn {
namespace {

double work_of(std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return kSoftmaxWork * static_cast<double>(rows) * static_cast<double>(columns);
}

// Elements of scratch memory a part. A line apart, so that no two threads write to one.
template <class T>
std::ptrdiff_t part_size(std::ptrdiff_t columns) {
    return kernels_of<T>().softmax->scratch_size(columns) + 64;
}

// f(begin, end, scratch) over parts of the rows.
template <class T, class F>
void over_rows(std::ptrdiff_t rows, std::ptrdiff_t columns, F&& f) {
    const FpEnvironment environment;
    const int parts = parts_for(work_of(rows, columns), rows);
    const std::ptrdiff_t size = part_size<T>(columns);
    const Scratch<T> scratch(size * parts);
    parallel(parts, [&](int part) {
        const Range range = part_of(rows, parts, part);
        f(range.begin, range.end - range.begin, scratch.data() + part * size);
    });
}

// Whether results apart from the inputs go round the caches: `arrays` of them altogether would not stay in the cache,
// so that the next to read them would not find them there.
template <class T>
bool streams(int arrays, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    const double elements = static_cast<double>(rows) * static_cast<double>(columns);
    return arrays * sizeof(T) * elements > last_level_cache_bytes();
}

}  // namespace

template <class T>
std::size_t softmax_scratch_bytes(std::ptrdiff_t rows, std::ptrdiff_t columns) {
    return scratch_bytes<T>(part_size<T>(columns) * most_parts_for(work_of(rows, columns), rows));
}

template <class T>
void softmax(const T* x, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    const bool stream = x != y && streams<T>(2, rows, columns);
    over_rows<T>(rows, columns, [=](std::ptrdiff_t first, std::ptrdiff_t count, T* scratch) {
        const std::ptrdiff_t at = first * columns;
        kernels_of<T>().softmax->softmax(x + at, y + at, count, columns, stream, scratch);
    });
}

template <class T>
void softmax_backward(const T* dy, const T* y, T* dx, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    const bool stream = dx != dy && streams<T>(3, rows, columns);
    over_rows<T>(rows, columns, [=](std::ptrdiff_t first, std::ptrdiff_t count, T* scratch) {
        const std::ptrdiff_t at = first * columns;
        kernels_of<T>().softmax->softmax_backward(dy + at, y + at, dx + at, count, columns, stream, scratch);
    });
}

template <class T>
void log_softmax(const T* x, T* y, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    over_rows<T>(rows, columns, [=](std::ptrdiff_t first, std::ptrdiff_t count, T* scratch) {
        const std::ptrdiff_t at = first * columns;
        kernels_of<T>().softmax->log_softmax(x + at, y + at, count, columns, scratch);
    });
}

template <class T>
void log_softmax_backward(const T* dy, const T* y, T* dx, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    over_rows<T>(rows, columns, [=](std::ptrdiff_t first, std::ptrdiff_t count, T* scratch) {
        const std::ptrdiff_t at = first * columns;
        kernels_of<T>().softmax->log_softmax_backward(dy + at, y + at, dx + at, count, columns, scratch);
    });
}

template <class T>
void logsumexp(const T* x, T* s, std::ptrdiff_t rows, std::ptrdiff_t columns) {
    over_rows<T>(rows, columns, [=](std::ptrdiff_t first, std::ptrdiff_t count, T* scratch) {
        kernels_of<T>().softmax->logsumexp(x + first * columns, s + first, count, columns, scratch);
    });
}

#define FASTNN_INSTANTIATE(T)                                                                      \
    template std::size_t softmax_scratch_bytes<T>(std::ptrdiff_t, std::ptrdiff_t);                 \
    template void softmax<T>(const T*, T*, std::ptrdiff_t, std::ptrdiff_t);                        \
    template void softmax_backward<T>(const T*, const T*, T*, std::ptrdiff_t, std::ptrdiff_t);     \
    template void log_softmax<T>(const T*, T*, std::ptrdiff_t, std::ptrdiff_t);                    \
    template void log_softmax_backward<T>(const T*, const T*, T*, std::ptrdiff_t, std::ptrdiff_t); \
    template void logsumexp<T>(const T*, T*, std::ptrdiff_t, std::ptrdiff_t);
FASTNN_INSTANTIATE(float)
FASTNN_INSTANTIATE(double)

}  // namespace fastnn
