#include "allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FASTNN_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define FASTNN_THREAD_SANITIZER
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTNN_ADDRESS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FASTNN_ADDRESS_SANITIZER
#endif

#if defined(FASTNN_THREAD_SANITIZER)

long allocations() { return 0; }
bool counts_c_allocations() { return false; }

#else

namespace {

std::atomic<long> count{0};

void* counted(std::size_t bytes, std::size_t alignment) {
    ++count;
    void* const memory = std::aligned_alloc(alignment, (bytes + alignment) / alignment * alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new[](std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t to) { return counted(bytes, static_cast<std::size_t>(to)); }
void* operator new[](std::size_t bytes, std::align_val_t to) { return counted(bytes, static_cast<std::size_t>(to)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

long allocations() { return count; }

#if defined(__GLIBC__) && defined(__x86_64__) && !defined(FASTNN_ADDRESS_SANITIZER)

// What calls the C functions itself, such as the memory of a thread. (Elsewhere the tests are linked statically, where
// glibc's own cannot be replaced.)
extern "C" {
void* __libc_malloc(std::size_t bytes);                     // NOLINT: glibc's names
void* __libc_calloc(std::size_t count, std::size_t bytes);  // NOLINT
void* __libc_realloc(void* memory, std::size_t bytes);      // NOLINT

void* malloc(std::size_t bytes) noexcept {
    ++count;
    return __libc_malloc(bytes);
}
void* calloc(std::size_t elements, std::size_t bytes) noexcept {
    ++count;
    return __libc_calloc(elements, bytes);
}
void* realloc(void* memory, std::size_t bytes) noexcept {
    ++count;
    return __libc_realloc(memory, bytes);
}
}

bool counts_c_allocations() { return true; }
#else
bool counts_c_allocations() { return false; }
#endif

#endif

#if defined(__linux__) && !defined(FASTNN_THREAD_SANITIZER)

Quiet runs_quietly(const std::function<bool()>& f) {
    constexpr int kFine = 0, kFailed = 1, kCannotTell = 2;
    const pid_t child = fork();
    if (child == 0) {
        // From here on anything but read, write and the exit of this thread is the end by SIGKILL.
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(kCannotTell);
        syscall(SYS_exit, f() ? kFine : kFailed);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return Quiet::cannot_tell;
    if (!WIFEXITED(status)) return Quiet::no;
    switch (WEXITSTATUS(status)) {
        case kFine:
            return Quiet::yes;
        case kFailed:
            return Quiet::failed;
        default:
            return Quiet::cannot_tell;
    }
}

#else

Quiet runs_quietly(const std::function<bool()>&) { return Quiet::cannot_tell; }

#endif
