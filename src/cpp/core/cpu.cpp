#include "cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define FASTNN_X86 1
#endif

namespace fastnn {

#ifdef FASTNN_X86
namespace {

struct Leaf {
    unsigned a = 0, b = 0, c = 0, d = 0;
    explicit Leaf(unsigned number) { __get_cpuid_count(number, 0, &a, &b, &c, &d); }
};

bool has_all(unsigned reg, unsigned bits) { return (reg & bits) == bits; }

unsigned saved_register_states() {
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

}  // namespace

bool cpu_has_x86_64_v3() {
    const unsigned kOsxsave = 1u << 27, kYmmState = 0x6;
    const Leaf basic(1), extended(7), amd(0x80000001u);
    return has_all(basic.c, kOsxsave | bit_AVX | bit_FMA | bit_F16C | bit_MOVBE) &&
           has_all(extended.b, bit_AVX2 | bit_BMI | bit_BMI2) && has_all(amd.c, bit_LZCNT) &&
           has_all(saved_register_states(), kYmmState);
}

bool cpu_has_x86_64_v4() {
    const unsigned kZmmState = 0xe6;
    const Leaf extended(7);
    return cpu_has_x86_64_v3() &&
           has_all(extended.b, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL) &&
           has_all(saved_register_states(), kZmmState);
}
#else
bool cpu_has_x86_64_v3() { return false; }
bool cpu_has_x86_64_v4() { return false; }
#endif

}  // namespace fastnn
