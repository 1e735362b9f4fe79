// Buffer<T>: memory that lives as long as its owner, zeroed, aligned to a cache line.
#ifndef FASTNN_CORE_BUFFER_H
#define FASTNN_CORE_BUFFER_H

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace fastnn {

template <class T>
class Buffer {
    static_assert(std::is_trivial<T>::value, "the memory is not constructed");

   public:
    // n >= 0 elements. Throws std::bad_alloc.
    explicit Buffer(std::ptrdiff_t n = 0) : size_(n) {
        if (n == 0) return;
        const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(T);
        memory_.reset(static_cast<T*>(::operator new[](bytes, kAlignment)));
        std::memset(memory_.get(), 0, bytes);
    }
    T* data() const { return memory_.get(); }
    std::ptrdiff_t size() const { return size_; }

   private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(T* memory) const { ::operator delete[](memory, kAlignment); }
    };

    std::unique_ptr<T[], Free> memory_;
    std::ptrdiff_t size_;
};

}  // namespace fastnn

#endif
