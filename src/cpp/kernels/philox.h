// Philox4x32-10, one block to a 64-bit lane: a lane holds a 32-bit word and may have anything above it.
#ifndef FASTNN_KERNELS_PHILOX_H
#define FASTNN_KERNELS_PHILOX_H

#include "random.h"
#include "simd.h"

namespace fastnn {
namespace FASTNN_TARGET {

// Blocks in a vector, and in what philox_blocks makes at once: two independent vectors keep the multipliers busy.
constexpr ptrdiff_t kPhiloxLanes = lane_count<double>;
constexpr ptrdiff_t kPhiloxBlocks = 2 * kPhiloxLanes;

FASTNN_INLINE u64 set1(uint64_t a) { return a - u64{}; }

// The full products of the lower halves of the lanes.
FASTNN_INLINE u64 multiply32(u64 a, u64 b) {
#if defined(FASTNN_TARGET_AVX512)
    return reinterpret_cast<u64>(_mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(FASTNN_TARGET_AVX2)
    return reinterpret_cast<u64>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#elif defined(FASTNN_TARGET_NEON)
    return vmull_u32(vmovn_u64(a), vmovn_u64(b));
#elif defined(__SSE2__)
    return reinterpret_cast<u64>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
    return (a & UINT64_C(0xffffffff)) * (b & UINT64_C(0xffffffff));
#endif
}

struct PhiloxState {
    u64 c0, c1, c2, c3;
};

FASTNN_INLINE void philox_round(PhiloxState& s, u64 key0, u64 key1) {
    const u64 product0 = multiply32(s.c0, set1(UINT64_C(0xD2511F53)));
    const u64 product1 = multiply32(s.c2, set1(UINT64_C(0xCD9E8D57)));
    s.c0 = (product1 >> 32) ^ s.c1 ^ key0;
    s.c1 = product1;
    s.c2 = (product0 >> 32) ^ s.c3 ^ key1;
    s.c3 = product0;
}

// first[0], second[0], first[1], second[1] ...
FASTNN_INLINE void store_alternately(u64 first, u64 second, uint32_t* words) {
#if FASTNN_VECTOR_BYTES == 64
    const u64 front = __builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
    const u64 back = __builtin_shufflevector(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
#elif FASTNN_VECTOR_BYTES == 32
    const u64 front = __builtin_shufflevector(first, second, 0, 4, 1, 5);
    const u64 back = __builtin_shufflevector(first, second, 2, 6, 3, 7);
#else
    const u64 front = __builtin_shufflevector(first, second, 0, 2);
    const u64 back = __builtin_shufflevector(first, second, 1, 3);
#endif
    memcpy(words, &front, sizeof front);
    memcpy(words + 2 * kPhiloxLanes, &back, sizeof back);
}

// The blocks' words in order of block and word.
FASTNN_INLINE void philox_store(const PhiloxState& s, uint32_t* words) {
    const u64 low = set1(UINT64_C(0xffffffff));
    store_alternately((s.c0 & low) | (s.c1 << 32), (s.c2 & low) | (s.c3 << 32), words);
}

// The 4 * kPhiloxBlocks words that begin at stream.block.
FASTNN_INLINE void philox_blocks(const RandomStream& stream, uint64_t block, uint32_t* words) {
    PhiloxState s[2];
    for (ptrdiff_t v = 0; v < 2; ++v) {
        u64 numbers = {};
        for (ptrdiff_t i = 0; i < kPhiloxLanes; ++i) numbers[i] = block + static_cast<uint64_t>(v * kPhiloxLanes + i);
        s[v] = {numbers, numbers >> 32, set1(stream.counter), set1(stream.counter >> 32)};
    }
    uint32_t key0 = static_cast<uint32_t>(stream.seed), key1 = static_cast<uint32_t>(stream.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const u64 k0 = set1(static_cast<uint64_t>(key0)), k1 = set1(static_cast<uint64_t>(key1));
        philox_round(s[0], k0, k1);
        philox_round(s[1], k0, k1);
        key0 += UINT32_C(0x9E3779B9);
        key1 += UINT32_C(0xBB67AE85);
    }
    philox_store(s[0], words);
    philox_store(s[1], words + 4 * kPhiloxLanes);
}

}  // namespace FASTNN_TARGET
}  // namespace fastnn

#endif
