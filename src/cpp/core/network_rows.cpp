#include "network_rows.h"

#include <cstring>

namespace fastnn {
namespace {

using std::ptrdiff_t;

// The multiplication and the addition are rounded each: this is compiled without contraction.
template <class T, class From>
void convert(const RowSource& source, const From* from, T* to) {
    if (!source.rescales) {
        for (ptrdiff_t i = 0; i < source.columns; ++i) to[i] = static_cast<T>(from[i]);
        return;
    }
    const T scale = static_cast<T>(source.scale), offset = static_cast<T>(source.offset);
    for (ptrdiff_t i = 0; i < source.columns; ++i) to[i] = static_cast<T>(from[i]) * scale + offset;
}

template <class T>
constexpr RowSource::Type type_of = sizeof(T) == 4 ? RowSource::Type::f32 : RowSource::Type::f64;

}  // namespace

ptrdiff_t RowSource::row_bytes() const {
    static constexpr ptrdiff_t kSizes[] = {4, 8, 1};
    return columns * kSizes[static_cast<int>(type)];
}

template <class T>
const T* RowSource::as_they_are() const {
    return type == type_of<T> && !rescales ? static_cast<const T*>(data) : nullptr;
}

template <class T>
void RowSource::copy_row(ptrdiff_t index, T* to) const {
    const char* const from = row(index);
    if (type == type_of<T> && !rescales) {
        std::memcpy(to, from, static_cast<std::size_t>(columns) * sizeof(T));
    } else if (type == Type::f32) {
        convert(*this, reinterpret_cast<const float*>(from), to);
    } else if (type == Type::f64) {
        convert(*this, reinterpret_cast<const double*>(from), to);
    } else {
        convert(*this, reinterpret_cast<const unsigned char*>(from), to);
    }
}

void fetch(const char* p, ptrdiff_t bytes) {
    for (ptrdiff_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i, 0, 2);
}

template const float* RowSource::as_they_are<float>() const;
template const double* RowSource::as_they_are<double>() const;
template void RowSource::copy_row<float>(ptrdiff_t, float*) const;
template void RowSource::copy_row<double>(ptrdiff_t, double*) const;

}  // namespace fastnn
