// Scratch<T>: uninitialised working memory for one call, aligned to 64 bytes (a cache line and the widest vector).
// It comes from a cache that belongs to the calling thread, so that a repeated call allocates nothing and no lock is
// taken. Take it in the caller, for all parts of a parallel region, and let it die in the same thread.
#ifndef FASTNN_CORE_SCRATCH_H
#define FASTNN_CORE_SCRATCH_H

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>

namespace fastnn {

struct ScratchBlock {
    void* data;
    std::size_t bytes;
};

// At least `bytes` bytes, never null. Throws std::bad_alloc.
ScratchBlock take_scratch(std::size_t bytes);
void give_scratch_back(ScratchBlock block) noexcept;

// While it lives, the calling thread's scratch memory comes out of this block alone, which begins at a multiple of 64.
// Blocks must be given back in the opposite order. What does not fit is std::bad_alloc. One at a time in a thread.
class LentScratch {
   public:
    // data may be null if bytes is 0.
    LentScratch(void* data, std::size_t bytes) noexcept;
    ~LentScratch();
    LentScratch(const LentScratch&) = delete;
    LentScratch& operator=(const LentScratch&) = delete;
};

// Bytes that Scratch<T>(n) takes of a lent block. n is that of an array that fits in memory, or a few times that.
template <class T>
std::size_t scratch_bytes(std::ptrdiff_t n) {
    return (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
}

// Bytes that the calling thread's cache holds at the moment (not those in use).
std::size_t cached_scratch_bytes() noexcept;

template <class T>
class Scratch {
    static_assert(std::is_trivial<T>::value, "scratch memory is not constructed");

   public:
    // n >= 0 elements. Throws std::bad_alloc.
    explicit Scratch(std::ptrdiff_t n) : block_(take_scratch(bytes_for(n))) {}
    ~Scratch() { give_scratch_back(block_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    T* data() const { return static_cast<T*>(block_.data); }

   private:
    static std::size_t bytes_for(std::ptrdiff_t n) {
        if (n > std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::ptrdiff_t>(sizeof(T))) {
            throw std::bad_alloc();
        }
        return static_cast<std::size_t>(n) * sizeof(T);
    }

    ScratchBlock block_;
};

}  // namespace fastnn

#endif
