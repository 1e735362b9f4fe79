#include "random.h"

#include "philox.h"
#include "spans.h"

namespace fastnn {
namespace FASTNN_TARGET {
namespace {

// Words made before they are used: they stay in the first-level cache.
constexpr ptrdiff_t kBuffer = 64 * kPhiloxBlocks;

void words(const RandomStream& stream, uint32_t* out, ptrdiff_t blocks) {
    ptrdiff_t b = 0;
    for (; b + kPhiloxBlocks <= blocks; b += kPhiloxBlocks) {
        philox_blocks(stream, stream.block + static_cast<uint64_t>(b), out + 4 * b);
    }
    if (b < blocks) {
        uint32_t last[4 * kPhiloxBlocks];
        philox_blocks(stream, stream.block + static_cast<uint64_t>(b), last);
        memcpy(out + 4 * b, last, static_cast<size_t>(4 * (blocks - b)) * sizeof(uint32_t));
    }
}

// f(i, words + i, lanes) for the vectors of n elements. Words are made for whole vectors.
template <class T, class F>
FASTNN_INLINE void for_vectors_with_words(const RandomStream& stream, ptrdiff_t n, F f) {
    uint32_t buffer[kBuffer];
    RandomStream at = stream;
    for (ptrdiff_t begin = 0; begin < n; begin += kBuffer, at.block += kBuffer / 4) {
        const ptrdiff_t count = n - begin < kBuffer ? n - begin : kBuffer;
        const ptrdiff_t made = (count + 4 * kPhiloxBlocks - 1) / (4 * kPhiloxBlocks) * kPhiloxBlocks;
        words(at, buffer, made);
        for_vectors<T>(
            count, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) { f(begin + i, buffer + i, lanes); });
    }
}

typedef uint32_t half_u32 __attribute__((vector_size(FASTNN_VECTOR_BYTES / 2)));

// One word to a lane of T's width, as a non-negative signed number after the shift.
template <class T>
FASTNN_INLINE ivec<T> upper_bits(const uint32_t* words, int shift);
template <>
FASTNN_INLINE i32 upper_bits<float>(const uint32_t* words, int shift) {
    u32 v;
    memcpy(&v, words, sizeof v);
    return reinterpret_cast<i32>(v >> static_cast<uint32_t>(shift));
}
template <>
FASTNN_INLINE i64 upper_bits<double>(const uint32_t* words, int shift) {
    half_u32 v;
    memcpy(&v, words, sizeof v);
    return __builtin_convertvector(v >> static_cast<uint32_t>(shift), i64);
}

// Lanes whose word is at least the threshold.
FASTNN_INLINE i32 at_least(const uint32_t* words, uint32_t threshold, f32) {
    // A signed comparison is all that AVX2 has.
    const i32 offset = set1(INT32_MIN);
    const uint32_t flipped = threshold ^ UINT32_C(0x80000000);
    int32_t limit;
    memcpy(&limit, &flipped, sizeof limit);
    return ~(set1(limit) > (upper_bits<float>(words, 0) ^ offset));
}
FASTNN_INLINE i64 at_least(const uint32_t* words, uint32_t threshold, f64) {
    return ~(set1(static_cast<int64_t>(threshold)) > upper_bits<double>(words, 0));
}

template <class T>
void dropout(const RandomStream& stream, uint32_t threshold, T divisor, const T* x, T* y, ptrdiff_t n) {
    const vec<T> kept = set1(divisor);
    for_vectors_with_words<T>(
        stream, n, [&](ptrdiff_t i, const uint32_t* at, auto lanes) __attribute__((always_inline)) {
            store(y + i, select(at_least(at, threshold, vec<T>{}), load(x + i, lanes) / kept, vec<T>{}), lanes);
        });
}

template <class T>
void rrelu(const RandomStream& stream, T lower, T range, const T* test, const T* x, T* y, ptrdiff_t n) {
    const vec<T> least = set1(lower), width = set1(range * static_cast<T>(0x1p-24));
    for_vectors_with_words<T>(
        stream, n, [&](ptrdiff_t i, const uint32_t* at, auto lanes) __attribute__((always_inline)) {
            const vec<T> number = __builtin_convertvector(upper_bits<T>(at, 8), vec<T>);
            const vec<T> slope = least + width * number;
            const vec<T> value = load(x + i, lanes);
            store(y + i, select(load(test + i, lanes) < vec<T>{}, value * slope, value), lanes);
        });
}

template <class T>
void leaky(T slope, const T* test, const T* x, T* y, ptrdiff_t n) {
    const vec<T> factor = set1(slope);
    for_vectors<T>(
        n, [&](ptrdiff_t i, auto lanes) __attribute__((always_inline)) {
            const vec<T> value = load(x + i, lanes);
            store(y + i, select(load(test + i, lanes) < vec<T>{}, value * factor, value), lanes);
        });
}

}  // namespace

extern const RandomKernels<float> random_f32;
extern const RandomKernels<double> random_f64;
const RandomKernels<float> random_f32 = {&words, &dropout<float>, &rrelu<float>, &leaky<float>};
const RandomKernels<double> random_f64 = {&words, &dropout<double>, &rrelu<double>, &leaky<double>};

}  // namespace FASTNN_TARGET
}  // namespace fastnn
