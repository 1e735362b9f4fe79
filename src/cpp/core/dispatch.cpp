#include "dispatch.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cpu.h"

namespace fastnn {

#define FASTNN_DECLARE_TARGET(name) \
    namespace name {                \
    extern const Kernels kernels;   \
    }

FASTNN_DECLARE_TARGET(generic)
#if defined(FASTNN_HAS_X86_TARGETS)
FASTNN_DECLARE_TARGET(avx2)
FASTNN_DECLARE_TARGET(avx512)
#elif defined(FASTNN_HAS_NEON_TARGET)
FASTNN_DECLARE_TARGET(neon)
#endif

namespace {

struct Choice {
    const Kernels* available[4] = {};
    const Kernels* chosen = nullptr;
    char error[256] = "";

    Choice() {
        int count = 0;
#if defined(FASTNN_HAS_X86_TARGETS)
        if (cpu_has_x86_64_v4()) available[count++] = &avx512::kernels;
        if (cpu_has_x86_64_v3()) available[count++] = &avx2::kernels;
#elif defined(FASTNN_HAS_NEON_TARGET)
        available[count++] = &neon::kernels;
#endif
        available[count] = &generic::kernels;
        chosen = available[0];
        apply(std::getenv("FASTNN_ISA"));
    }

    void apply(const char* wanted) {
        if (wanted == nullptr || *wanted == '\0') return;
        char known[64] = "";
        size_t length = 0;
        for (int i = 0; available[i] != nullptr; ++i) {
            if (std::strcmp(available[i]->name, wanted) == 0) {
                chosen = available[i];
                return;
            }
            const char* separator = i > 0 ? ", " : "";
            length += std::snprintf(known + length, sizeof known - length, "%s%s", separator, available[i]->name);
        }
        std::snprintf(error, sizeof error, "FASTNN_ISA must be one of %s on this processor, got '%.64s'", known,
                      wanted);
    }
};

const Choice& choice() {
    static const Choice once;
    return once;
}

}  // namespace

std::atomic<const Kernels*> chosen_kernels{nullptr};

const Kernels& choose_kernels() {
    // The tables are constants: whoever sees the pointer sees them.
    chosen_kernels.store(choice().chosen, std::memory_order_relaxed);
    return *choice().chosen;
}

const Kernels* const* available_kernels() { return choice().available; }

const char* isa_setting_error() { return choice().error[0] != '\0' ? choice().error : nullptr; }

}  // namespace fastnn
