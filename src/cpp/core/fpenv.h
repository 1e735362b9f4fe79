// The floating-point environment every result of fastnn is defined in: round to nearest, denormals kept, no traps.
// Threads inherit their creator's environment, so a host that flushes denormals to zero would otherwise get bits
// that depend on the number of threads.
#ifndef FASTNN_CORE_FPENV_H
#define FASTNN_CORE_FPENV_H

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

namespace fastnn {

#if defined(__SSE2__)

// Writing MXCSR drains the pipeline, so it is written only when a control bit differs. The six sticky exception
// flags are no control bits; those the kernels raise stay set, as after any other arithmetic.
class FpEnvironment {
   public:
    FpEnvironment() : saved_(_mm_getcsr()) {
        if (differs()) _mm_setcsr(kDefault);
    }
    ~FpEnvironment() {
        if (differs()) _mm_setcsr(saved_);
    }
    FpEnvironment(const FpEnvironment&) = delete;
    FpEnvironment& operator=(const FpEnvironment&) = delete;

   private:
    static constexpr unsigned kDefault = 0x1F80;
    static constexpr unsigned kFlags = 0x3F;
    bool differs() const { return (saved_ & ~kFlags) != kDefault; }

    unsigned saved_;
};

#elif defined(__aarch64__)

class FpEnvironment {
   public:
    FpEnvironment() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_)::"memory");
        if (saved_ != 0) write(0);
    }
    ~FpEnvironment() {
        if (saved_ != 0) write(saved_);
    }
    FpEnvironment(const FpEnvironment&) = delete;
    FpEnvironment& operator=(const FpEnvironment&) = delete;

   private:
    static void write(std::uint64_t value) { asm volatile("msr fpcr, %0" ::"r"(value) : "memory"); }

    std::uint64_t saved_;
};

#else

class FpEnvironment {
   public:
    FpEnvironment() {
        std::fegetenv(&saved_);
        std::fesetenv(FE_DFL_ENV);
    }
    ~FpEnvironment() { std::fesetenv(&saved_); }
    FpEnvironment(const FpEnvironment&) = delete;
    FpEnvironment& operator=(const FpEnvironment&) = delete;

   private:
    std::fenv_t saved_;
};

#endif

// For a value that is returned out of an FpEnvironment. A compiler sees no tie between arithmetic and the environment:
// clang moves the last division of a function behind the environment's end.
template <class T>
T settled(T value) {
    asm volatile("" : "+m"(value));
    return value;
}

}  // namespace fastnn

#endif
