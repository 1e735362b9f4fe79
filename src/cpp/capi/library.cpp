// What concerns the whole library, in C. The number of threads: core/threads.cpp.
#include "core/cache_size.h"
#include "core/dispatch.h"
#include "core/scratch.h"
#include "core/threads.h"
#include "fastnn/fastnn.h"

int32_t fastnn_abi_version(void) noexcept { return FASTNN_ABI_VERSION; }

const char* fastnn_version(void) noexcept { return FASTNN_VERSION; }

const char* fastnn_isa(void) noexcept { return fastnn::kernels().name; }

void fastnn_prepare(void) noexcept {
    fastnn::kernels();
    fastnn::thread_count();
    fastnn::last_level_cache_bytes();
    // The memory that belongs to the thread comes into being.
    fastnn::cached_scratch_bytes();
}

const char* fastnn_status_string(fastnn_status status) noexcept {
    switch (status) {
        case FASTNN_OK:
            return "success";
        case FASTNN_NULL_POINTER:
            return "a pointer that must not be null is null";
        case FASTNN_BAD_SIZE:
            return "a size is negative or too large";
        case FASTNN_BAD_VALUE:
            return "a number or an enumerator is out of its range, or an array is misaligned";
        case FASTNN_BAD_DTYPE:
            return "the dtype is neither FASTNN_F32 nor FASTNN_F64, or not the network's";
        case FASTNN_BAD_CLASS:
            return "a class index is out of range";
        case FASTNN_OVERLAP:
            return "arrays overlap that must not";
        case FASTNN_SMALL_SCRATCH:
            return "the scratch memory is too small or not aligned to 64 bytes";
        case FASTNN_NO_MEMORY:
            return "out of memory";
        case FASTNN_BAD_STATE:
            return "the network is not in the state that this needs";
        case FASTNN_CANNOT_READ:
            return "the file cannot be opened, read or written";
        case FASTNN_BAD_FILE:
            return "the file is cut, damaged, foreign or newer than this library";
        case FASTNN_BAD_MODEL:
            return "the file holds a network that this library does not compute";
        case FASTNN_WRONG_RESULT:
            return "the model does not give the output stored with it";
        case FASTNN_INTERNAL:
            return "a defect of the library; please report it";
    }
    return "unknown status";
}
