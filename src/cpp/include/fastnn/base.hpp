// What the C++ headers share: the exception, views of the caller's arrays, and aligned memory. C++17.
#ifndef FASTNN_BASE_HPP
#define FASTNN_BASE_HPP

#if __cplusplus < 201703L && (!defined(_MSVC_LANG) || _MSVC_LANG < 201703L)
#error "fastnn.hpp needs C++17: -std=c++17, or target_compile_features(... cxx_std_17); fastnn.h does not"
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "fastnn.h"

namespace fastnn {
// Names of their own for the linker: the library has functions of the same names in its namespace.
inline namespace api {

// What every function of this header throws.
class error : public std::runtime_error {
   public:
    explicit error(fastnn_status status) : std::runtime_error(fastnn_status_string(status)), status_(status) {}
    fastnn_status status() const noexcept { return status_; }

   private:
    fastnn_status status_;
};

namespace detail {

inline void require(fastnn_status status) {
    if (status != FASTNN_OK) throw error(status);
}

template <class From, class To>
using if_pointer = std::enable_if_t<std::is_convertible_v<From (*)[], To (*)[]>>;

}  // namespace detail

// A vector (n,) of somebody else's: T is const for inputs. Without data: an absent one.
template <class T>
class View {
   public:
    View() noexcept = default;
    View(T* data, std::int64_t size) noexcept : data_(data), size_(size) {}
    // One number.
    View(T& number) noexcept : data_(&number), size_(1) {}
    // std::vector, std::array, std::span ...
    template <class Container,
              class = detail::if_pointer<std::remove_pointer_t<decltype(std::declval<Container&>().data())>, T>>
    View(Container&& container) : data_(container.data()), size_(static_cast<std::int64_t>(container.size())) {}
    template <class U, std::size_t kSize, class = detail::if_pointer<U, T>>
    View(U (&array)[kSize]) noexcept : data_(array), size_(kSize) {}

    T* data() const noexcept { return data_; }
    std::int64_t size() const noexcept { return size_; }

   private:
    T* data_ = nullptr;
    std::int64_t size_ = 0;
};

// A matrix (rows, columns) of somebody else's, C-contiguous.
template <class T>
class Matrix {
   public:
    Matrix() noexcept = default;
    Matrix(T* data, std::int64_t rows, std::int64_t columns) noexcept : data_(data), rows_(rows), columns_(columns) {}
    template <class U, class = detail::if_pointer<U, T>>
    Matrix(Matrix<U> other) noexcept : data_(other.data()), rows_(other.rows()), columns_(other.columns()) {}

    T* data() const noexcept { return data_; }
    std::int64_t rows() const noexcept { return rows_; }
    std::int64_t columns() const noexcept { return columns_; }

   private:
    T* data_ = nullptr;
    std::int64_t rows_ = 0, columns_ = 0;
};

// Memory at a multiple of FASTNN_ALIGNMENT, uninitialised.
class AlignedMemory {
   public:
    AlignedMemory() noexcept = default;
    explicit AlignedMemory(std::size_t bytes)
        : memory_(bytes > 0 ? ::operator new (bytes, std::align_val_t{FASTNN_ALIGNMENT}) : nullptr), bytes_(bytes) {}
    void* data() const noexcept { return memory_.get(); }
    std::size_t bytes() const noexcept { return bytes_; }

   private:
    struct Free {
        void operator()(void* memory) const noexcept { ::operator delete (memory, std::align_val_t{FASTNN_ALIGNMENT}); }
    };
    std::unique_ptr<void, Free> memory_;
    std::size_t bytes_ = 0;
};

// Working memory for a call, as many bytes as the function's NAME_scratch says; without it the library has its own.
struct Scratch {
    void* data = nullptr;
    std::size_t bytes = 0;

    Scratch() noexcept = default;
    Scratch(void* data_, std::size_t bytes_) noexcept : data(data_), bytes(bytes_) {}
    Scratch(const AlignedMemory& memory) noexcept : data(memory.data()), bytes(memory.bytes()) {}
};

}  // namespace api
}  // namespace fastnn

#endif
