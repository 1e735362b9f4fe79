// The instruction set of this process: chosen once, from the processor and FASTNN_ISA.
#ifndef FASTNN_CORE_DISPATCH_H
#define FASTNN_CORE_DISPATCH_H

#include <atomic>

#include "../kernels/table.h"

namespace fastnn {

// Chooses the table at the first call. Thread-safe.
const Kernels& choose_kernels();

// What choose_kernels chose, or null. Small calls ask several times: 130 instructions of each through a function's
// static object.
extern std::atomic<const Kernels*> chosen_kernels;

// The table in use.
inline const Kernels& kernels() {
    const Kernels* const chosen = chosen_kernels.load(std::memory_order_relaxed);
    return chosen != nullptr ? *chosen : choose_kernels();
}

template <class T>
const KernelsOf<T>& kernels_of();
template <>
inline const KernelsOf<float>& kernels_of<float>() {
    return kernels().f32;
}
template <>
inline const KernelsOf<double>& kernels_of<double>() {
    return kernels().f64;
}

// The tables this processor can run, best first, ended by null.
const Kernels* const* available_kernels();

// Null, or a sentence that says what is wrong with FASTNN_ISA; kernels() is then the best available table.
const char* isa_setting_error();

}  // namespace fastnn

#endif
