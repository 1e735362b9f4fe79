// Where a network's samples come from: rows of numbers of several types, turned into the network's own.
#ifndef FASTNN_CORE_NETWORK_ROWS_H
#define FASTNN_CORE_NETWORK_ROWS_H

#include <cstddef>
#include <cstdint>

namespace fastnn {

struct RowSource {
    enum class Type { f32, f64, u8 };
    const void* data;  // (rows, columns), C-contiguous
    Type type;
    std::ptrdiff_t columns;
    // What a network does first: x * scale + offset, each operation rounded.
    bool rescales = false;
    double scale = 1.0, offset = 0.0;

    std::ptrdiff_t row_bytes() const;
    const char* row(std::ptrdiff_t index) const { return static_cast<const char*>(data) + index * row_bytes(); }
    // The rows as they lie in memory, if that is what the network reads; else null.
    template <class T>
    const T* as_they_are() const;
    template <class T>
    void copy_row(std::ptrdiff_t index, T* to) const;
};

// Fetches `bytes` bytes at p into the second-level cache.
void fetch(const char* p, std::ptrdiff_t bytes);

}  // namespace fastnn

#endif
