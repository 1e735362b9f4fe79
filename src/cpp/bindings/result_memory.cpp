#include "result_memory.h"

#include <pybind11/numpy.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

constexpr std::size_t kLarge = std::size_t{32} << 20;
constexpr std::size_t kKeptBytes = std::size_t{128} << 20;
constexpr int kSlots = 4;

struct Block {
    void* memory;
    std::size_t bytes;
};

// The oldest first.
struct Kept {
    std::mutex mutex;
    Block blocks[kSlots];
    int count = 0;
    std::size_t bytes = 0;

    Block remove(int slot) {
        const Block block = blocks[slot];
        for (int i = slot + 1; i < count; ++i) blocks[i - 1] = blocks[i];
        --count;
        bytes -= block.bytes;
        return block;
    }
};

// Never destroyed: arrays may outlive everything else.
Kept& kept() {
    static Kept* const blocks = new Kept;
    return *blocks;
}

void* allocate(void*, std::size_t bytes) {
    {
        Kept& all = kept();
        const std::lock_guard<std::mutex> lock(all.mutex);
        for (int i = all.count - 1; i >= 0; --i) {
            // Nearly as small as wanted, so that little memory lies idle.
            if (all.blocks[i].bytes >= bytes && all.blocks[i].bytes - bytes <= bytes / 4) return all.remove(i).memory;
        }
    }
    void* const memory = std::malloc(bytes);
#if defined(__linux__)
    constexpr std::uintptr_t kPage = 4096;
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) / kPage * kPage;
    if (memory != nullptr && bytes >= kLarge) madvise(reinterpret_cast<void*>(begin), bytes - kPage, MADV_HUGEPAGE);
#endif
    return memory;
}

void* allocate_zeros(void*, std::size_t count, std::size_t bytes) { return std::calloc(count, bytes); }

void* reallocate(void*, void* memory, std::size_t bytes) { return std::realloc(memory, bytes); }

void release(void*, void* memory, std::size_t bytes) {
    if (memory == nullptr || bytes < kLarge || bytes > kKeptBytes) {
        std::free(memory);
        return;
    }
    Kept& all = kept();
    const std::lock_guard<std::mutex> lock(all.mutex);
    while (all.count == kSlots || all.bytes + bytes > kKeptBytes) std::free(all.remove(0).memory);
    all.blocks[all.count++] = {memory, bytes};
    all.bytes += bytes;
}

// NumPy's PyDataMem_Handler, version 1 (NEP 49).
struct Handler {
    char name[127];
    std::uint8_t version;
    void* context;
    void* (*malloc)(void*, std::size_t);
    void* (*calloc)(void*, std::size_t, std::size_t);
    void* (*realloc)(void*, void*, std::size_t);
    void (*free)(void*, void*, std::size_t);
};
Handler handler = {"fastnn_results", 1, nullptr, allocate, allocate_zeros, reallocate, release};

PyObject* handler_capsule = nullptr;
PyObject* (*set_handler)(PyObject*) = nullptr;

}  // namespace

ResultMemory::ResultMemory(double bytes) {
    if (bytes < static_cast<double>(kLarge)) return;
    before_ = set_handler(handler_capsule);
    if (before_ == nullptr) PyErr_Clear();  // the array then comes from wherever NumPy takes it
}

ResultMemory::~ResultMemory() {
    if (before_ == nullptr) return;
    PyObject *type, *value, *trace;  // of the allocation, if it failed
    PyErr_Fetch(&type, &value, &trace);
    Py_XDECREF(set_handler(before_));
    PyErr_Restore(type, value, trace);
    Py_DECREF(before_);
}

void bind_result_memory(py::module_&) {
    constexpr int kSetHandler = 304;  // PyDataMem_SetHandler in NumPy's table, since 1.22
    const auto numpy = py::detail::import_numpy_core_submodule("multiarray");
    void** const table = static_cast<void**>(PyCapsule_GetPointer(numpy.attr("_ARRAY_API").ptr(), nullptr));
    if (table == nullptr) throw py::error_already_set();
    set_handler = reinterpret_cast<PyObject* (*)(PyObject*)>(table[kSetHandler]);
    handler_capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
    if (handler_capsule == nullptr) throw py::error_already_set();
}

}  // namespace python
}  // namespace fastnn
