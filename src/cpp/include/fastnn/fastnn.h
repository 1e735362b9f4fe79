/* fastnn from C and C++: the operations, networks, and what concerns the whole library. C11 and C++17. */
#ifndef FASTNN_H
#define FASTNN_H

#include "base.h"
#include "network.h"
#include "operations.h"
#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function or an enumerator of these headers changes its meaning or goes. */
#define FASTNN_ABI_VERSION 1

/* FASTNN_ABI_VERSION of the library that runs; refuse to go on if it is not that of the headers. */
FASTNN_API int32_t fastnn_abi_version(void) FASTNN_NOEXCEPT;
/* "major.minor.patch" of the library that runs. */
FASTNN_API const char* fastnn_version(void) FASTNN_NOEXCEPT;
/* A short English sentence; never null. */
FASTNN_API const char* fastnn_status_string(fastnn_status status) FASTNN_NOEXCEPT;

/* The most threads a call may use, the caller included: at first FASTNN_NUM_THREADS or OMP_NUM_THREADS of the
 * environment, else the available cores. Of the whole process. n below 1 counts as 1. */
FASTNN_API void fastnn_set_num_threads(int32_t n) FASTNN_NOEXCEPT;
FASTNN_API int32_t fastnn_get_num_threads(void) FASTNN_NOEXCEPT;

/* The instruction set in use: "avx512", "avx2", "neon" or "generic". FASTNN_ISA of the environment can lower it. */
FASTNN_API const char* fastnn_isa(void) FASTNN_NOEXCEPT;

/* Does ahead what the first calls of a process and of a thread would do: read the environment, ask for the processor
 * and its caches. Of use to a thread that must not wait; see "Scratch memory" in operations.h. */
FASTNN_API void fastnn_prepare(void) FASTNN_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
