// What the processor and the operating system offer; asked once, at the first dispatch.
#ifndef FASTNN_CORE_CPU_H
#define FASTNN_CORE_CPU_H

namespace fastnn {

// True if every instruction of the micro-architecture level x86-64-v3 (AVX2, FMA, BMI, F16C, LZCNT, MOVBE) may be
// used, the registers' saving by the operating system included. False on other processors.
bool cpu_has_x86_64_v3();

// The same for x86-64-v4: v3 and AVX-512 F, BW, CD, DQ, VL.
bool cpu_has_x86_64_v4();

}  // namespace fastnn

#endif
