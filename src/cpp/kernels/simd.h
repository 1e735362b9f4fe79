// One native-width vector per element type over GCC/Clang vector extensions, with intrinsics where the
// extension has no word for it or GCC 12 spells it badly. Compiled once per instruction set: FASTNN_TARGET names
// the namespace (generic, avx2, avx512 or neon), so no symbol of one instruction set can be linked into another.
//
// Types: f32, f64 and the integer vectors i32, i64 of the same lane counts. vec<T>, ivec<T>, lane_count<T>.
// A comparison gives an integer vector of 0 / -1 lanes; select(mask, a, b) takes it.
// Precision: fma is one rounding on every target but generic, which multiplies and then adds.
#ifndef FASTNN_KERNELS_SIMD_H
#define FASTNN_KERNELS_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "fastnn's kernels define the order of every rounding: build them without -ffast-math"
#endif
#ifndef FASTNN_TARGET
#error "FASTNN_TARGET must name the instruction set: generic, avx2, avx512 or neon"
#endif

#if defined(FASTNN_TARGET_AVX512) || defined(FASTNN_TARGET_AVX2)
#include <immintrin.h>
#elif defined(FASTNN_TARGET_NEON)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#if defined(FASTNN_TARGET_AVX512)
#define FASTNN_VECTOR_BYTES 64
#elif defined(FASTNN_TARGET_AVX2)
#define FASTNN_VECTOR_BYTES 32
#else
#define FASTNN_VECTOR_BYTES 16
#endif

#if defined(__OPTIMIZE_SIZE__) && !defined(FASTNN_TILES)
// 215 KB of code instead of 360, at half the speed. Tiles would not get smaller.
#define FASTNN_INLINE inline
#define FASTNN_INLINE_BODY
#else
#define FASTNN_INLINE inline __attribute__((always_inline))
// For a lambda's body. Left out of line, it reads what it captured again after every store: GCC 12 did so to a loop
// over blocks of rows in a function that had grown (softmax_backward of 10 columns: 5.0 us instead of 4.0).
#define FASTNN_INLINE_BODY __attribute__((always_inline))
#endif

namespace fastnn {
namespace FASTNN_TARGET {

// Fewer variants of a loop, each for more cases.
#if defined(__OPTIMIZE_SIZE__)
constexpr bool kForSize = true;
#else
constexpr bool kForSize = false;
#endif

typedef float f32 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));
typedef double f64 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));
typedef int32_t i32 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));
typedef int64_t i64 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));
typedef uint32_t u32 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));
typedef uint64_t u64 __attribute__((vector_size(FASTNN_VECTOR_BYTES)));

template <class T>
struct vector_of;
template <>
struct vector_of<float> {
    typedef f32 type;
    typedef i32 mask;
    typedef int32_t integer;
};
template <>
struct vector_of<double> {
    typedef f64 type;
    typedef i64 mask;
    typedef int64_t integer;
};
template <class T>
using vec = typename vector_of<T>::type;
template <class T>
using ivec = typename vector_of<T>::mask;

template <class T>
constexpr ptrdiff_t lane_count = FASTNN_VECTOR_BYTES / static_cast<ptrdiff_t>(sizeof(T));

// The fixed number of partial sums of every reduction, whatever the width of the hardware's registers.
constexpr ptrdiff_t kLanes = 16;
// Registers that hold those 16 lanes: 1 to 8.
template <class T>
constexpr ptrdiff_t lane_vectors = kLanes / lane_count<T>;

// ---- bits, constants -------------------------------------------------------------------------------------------

FASTNN_INLINE i32 as_int(f32 a) { return reinterpret_cast<i32>(a); }
FASTNN_INLINE i64 as_int(f64 a) { return reinterpret_cast<i64>(a); }
FASTNN_INLINE f32 as_float(i32 a) { return reinterpret_cast<f32>(a); }
FASTNN_INLINE f64 as_float(i64 a) { return reinterpret_cast<f64>(a); }

// Subtracting a vector of +0 leaves every number as it is (-0 too), and is the extension's way to spell a broadcast
// that both compilers turn into the one instruction; a loop over lanes GCC 12 turns into inserts.
FASTNN_INLINE f32 set1(float a) { return a - f32{}; }
FASTNN_INLINE f64 set1(double a) { return a - f64{}; }
FASTNN_INLINE i32 set1(int32_t a) { return a - i32{}; }
FASTNN_INLINE i64 set1(int64_t a) { return a - i64{}; }

// A constant of a formula that is written once for both types.
template <class T>
FASTNN_INLINE vec<T> constant(double value) {
    return set1(static_cast<T>(value));
}

// ---- memory ----------------------------------------------------------------------------------------------------

template <class T>
FASTNN_INLINE vec<T> load(const T* p) {
    vec<T> v;
    memcpy(&v, p, sizeof v);
    return v;
}
FASTNN_INLINE void store(float* p, f32 v) { memcpy(p, &v, sizeof v); }
FASTNN_INLINE void store(double* p, f64 v) { memcpy(p, &v, sizeof v); }

// Integer memory of the same lane width, for tables and random words.
FASTNN_INLINE i32 load_int(const int32_t* p) {
    i32 v;
    memcpy(&v, p, sizeof v);
    return v;
}
FASTNN_INLINE i64 load_int(const int64_t* p) {
    i64 v;
    memcpy(&v, p, sizeof v);
    return v;
}

// The first n lanes of a vector, 0 <= n <= lane_count: loads give 0 in the others, stores leave memory alone.
template <class T>
struct Tail {
#if defined(FASTNN_TARGET_AVX512)
    __mmask16 bits;
    FASTNN_INLINE explicit Tail(ptrdiff_t n) : bits(static_cast<__mmask16>((1u << n) - 1u)) {}
#elif defined(FASTNN_TARGET_AVX2)
    __m256i lanes;
    FASTNN_INLINE explicit Tail(ptrdiff_t n) {
        static const int32_t kOnes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
        const ptrdiff_t words = n * static_cast<ptrdiff_t>(sizeof(T) / 4);
        lanes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kOnes + 8 - words));
    }
#else
    ptrdiff_t n;
    FASTNN_INLINE explicit Tail(ptrdiff_t count) : n(count) {}
#endif
};

FASTNN_INLINE f32 load(const float* p, Tail<float> tail) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_maskz_loadu_ps(tail.bits, p);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_maskload_ps(p, tail.lanes);
#else
    f32 v = {};
    memcpy(&v, p, static_cast<size_t>(tail.n) * sizeof(float));
    return v;
#endif
}
FASTNN_INLINE f64 load(const double* p, Tail<double> tail) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(tail.bits), p);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_maskload_pd(p, tail.lanes);
#else
    f64 v = {};
    memcpy(&v, p, static_cast<size_t>(tail.n) * sizeof(double));
    return v;
#endif
}
FASTNN_INLINE void store(float* p, f32 v, Tail<float> tail) {
#if defined(FASTNN_TARGET_AVX512)
    _mm512_mask_storeu_ps(p, tail.bits, v);
#elif defined(FASTNN_TARGET_AVX2)
    _mm256_maskstore_ps(p, tail.lanes, v);
#else
    memcpy(p, &v, static_cast<size_t>(tail.n) * sizeof(float));
#endif
}
FASTNN_INLINE void store(double* p, f64 v, Tail<double> tail) {
#if defined(FASTNN_TARGET_AVX512)
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>(tail.bits), v);
#elif defined(FASTNN_TARGET_AVX2)
    _mm256_maskstore_pd(p, tail.lanes, v);
#else
    memcpy(p, &v, static_cast<size_t>(tail.n) * sizeof(double));
#endif
}

// p aligned to FASTNN_VECTOR_BYTES. Goes round the caches where the target can; stream_fence() ends a run of them.
FASTNN_INLINE void store_stream(float* p, f32 v) {
#if defined(FASTNN_TARGET_AVX512)
    _mm512_stream_ps(p, v);
#elif defined(FASTNN_TARGET_AVX2)
    _mm256_stream_ps(p, v);
#elif defined(__SSE2__)
    _mm_stream_ps(p, v);
#else
    store(p, v);
#endif
}
FASTNN_INLINE void store_stream(double* p, f64 v) {
#if defined(FASTNN_TARGET_AVX512)
    _mm512_stream_pd(p, v);
#elif defined(FASTNN_TARGET_AVX2)
    _mm256_stream_pd(p, v);
#elif defined(__SSE2__)
    _mm_stream_pd(p, v);
#else
    store(p, v);
#endif
}
FASTNN_INLINE void stream_fence() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

// The same value, which the compiler must hold in a register: GCC 12 would rather load an operand of several
// instructions again for each of them, and a load that crosses a line costs two.
template <class V>
FASTNN_INLINE V in_register(V v) {
#if defined(__SSE2__) || defined(__aarch64__)
#if defined(FASTNN_TARGET_AVX512)
    asm("" : "+v"(v));
#elif defined(__SSE2__)
    asm("" : "+x"(v));
#else
    asm("" : "+w"(v));
#endif
#endif
    return v;
}

FASTNN_INLINE void prefetch_l1(const void* p) { __builtin_prefetch(p, 0, 3); }
FASTNN_INLINE void prefetch_l2(const void* p) { __builtin_prefetch(p, 0, 2); }
FASTNN_INLINE void prefetch_to_write(const void* p) { __builtin_prefetch(p, 1, 3); }

// ---- arithmetic ------------------------------------------------------------------------------------------------

// a * b + c, rounded once (generic: twice).
FASTNN_INLINE f32 fma(f32 a, f32 b, f32 c) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(FASTNN_TARGET_NEON)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}
FASTNN_INLINE f64 fma(f64 a, f64 b, f64 c) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_fmadd_pd(a, b, c);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_fmadd_pd(a, b, c);
#elif defined(FASTNN_TARGET_NEON)
    return vfmaq_f64(c, a, b);
#else
    return a * b + c;
#endif
}
// The same on one number, with the same rounding as a lane of the vector form.
FASTNN_INLINE float fma(float a, float b, float c) {
#if defined(FASTNN_TARGET_GENERIC)
    return a * b + c;
#else
    return __builtin_fmaf(a, b, c);
#endif
}
FASTNN_INLINE double fma(double a, double b, double c) {
#if defined(FASTNN_TARGET_GENERIC)
    return a * b + c;
#else
    return __builtin_fma(a, b, c);
#endif
}
// c - a * b, with the bits of fma(-a, b, c).
FASTNN_INLINE f32 fnma(f32 a, f32 b, f32 c) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_fnmadd_ps(a, b, c);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_fnmadd_ps(a, b, c);
#else
    return fma(-a, b, c);
#endif
}
FASTNN_INLINE f64 fnma(f64 a, f64 b, f64 c) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_fnmadd_pd(a, b, c);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_fnmadd_pd(a, b, c);
#else
    return fma(-a, b, c);
#endif
}

FASTNN_INLINE f32 sqrt(f32 a) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_sqrt_ps(a);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_sqrt_ps(a);
#elif defined(FASTNN_TARGET_NEON)
    return vsqrtq_f32(a);
#elif defined(__SSE2__)
    return _mm_sqrt_ps(a);
#else
    for (ptrdiff_t i = 0; i < lane_count<float>; ++i) a[i] = __builtin_sqrtf(a[i]);
    return a;
#endif
}
FASTNN_INLINE f64 sqrt(f64 a) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_sqrt_pd(a);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_sqrt_pd(a);
#elif defined(FASTNN_TARGET_NEON)
    return vsqrtq_f64(a);
#elif defined(__SSE2__)
    return _mm_sqrt_pd(a);
#else
    for (ptrdiff_t i = 0; i < lane_count<double>; ++i) a[i] = __builtin_sqrt(a[i]);
    return a;
#endif
}

// ---- choosing --------------------------------------------------------------------------------------------------

FASTNN_INLINE f32 select(i32 mask, f32 a, f32 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)), b, a);
#else
    return as_float((mask & as_int(a)) | (~mask & as_int(b)));
#endif
}
FASTNN_INLINE f64 select(i64 mask, f64 a, f64 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_mask_blend_pd(_mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)), b, a);
#else
    return as_float((mask & as_int(a)) | (~mask & as_int(b)));
#endif
}

// a > b ? a : b and a < b ? a : b, so b where either is nan: the meaning of x86's maxps, on every target.
FASTNN_INLINE f32 max(f32 a, f32 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_max_ps(a, b);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#else
    return select(a > b, a, b);
#endif
}
FASTNN_INLINE f64 max(f64 a, f64 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_max_pd(a, b);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_max_pd(a, b);
#elif defined(__SSE2__)
    return _mm_max_pd(a, b);
#else
    return select(a > b, a, b);
#endif
}
FASTNN_INLINE f32 min(f32 a, f32 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_min_ps(a, b);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
    return _mm_min_ps(a, b);
#else
    return select(a < b, a, b);
#endif
}
FASTNN_INLINE f64 min(f64 a, f64 b) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_min_pd(a, b);
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_min_pd(a, b);
#elif defined(__SSE2__)
    return _mm_min_pd(a, b);
#else
    return select(a < b, a, b);
#endif
}

FASTNN_INLINE f32 abs(f32 a) { return as_float(as_int(a) & INT32_C(0x7fffffff)); }
FASTNN_INLINE f64 abs(f64 a) { return as_float(as_int(a) & INT64_C(0x7fffffffffffffff)); }
// The sign bit of `sign` on the magnitude of `a`.
FASTNN_INLINE f32 copysign(f32 a, f32 sign) {
    return as_float((as_int(a) & INT32_C(0x7fffffff)) | (as_int(sign) & INT32_MIN));
}
FASTNN_INLINE f64 copysign(f64 a, f64 sign) {
    return as_float((as_int(a) & INT64_C(0x7fffffffffffffff)) | (as_int(sign) & INT64_MIN));
}

// True if some lane of a comparison's mask is set.
FASTNN_INLINE bool any(i32 mask) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_ps(reinterpret_cast<__m128>(mask)) != 0;
#else
    int32_t all = 0;
    for (ptrdiff_t i = 0; i < lane_count<float>; ++i) all |= mask[i];
    return all != 0;
#endif
}
FASTNN_INLINE bool any(i64 mask) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask)) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_pd(reinterpret_cast<__m128d>(mask)) != 0;
#else
    int64_t all = 0;
    for (ptrdiff_t i = 0; i < lane_count<double>; ++i) all |= mask[i];
    return all != 0;
#endif
}

// table[index & 7] in each lane.
FASTNN_INLINE f32 lookup8(const float* table, i32 index) {
#if defined(FASTNN_TARGET_AVX512)
    return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(index & 7), _mm512_broadcast_f32x8(_mm256_loadu_ps(table)));
#elif defined(FASTNN_TARGET_AVX2)
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), reinterpret_cast<__m256i>(index));
#else
    f32 v = {};
    for (ptrdiff_t i = 0; i < lane_count<float>; ++i) v[i] = table[index[i] & 7];
    return v;
#endif
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
