// The memory of large results. The C library gives blocks from 32 MiB on back to the system when they are freed, so
// that every new one costs its pages again: softmax (4096,4096) float32 took 10.7 ms without out=, 4.1 with (Zen 4). A
// few freed ones are kept for the next results instead.
#ifndef FASTNN_BINDINGS_RESULT_MEMORY_H
#define FASTNN_BINDINGS_RESULT_MEMORY_H

#include <pybind11/pybind11.h>

namespace fastnn {
namespace python {

// While it lives, new arrays of this thread own memory from here if they have at least `bytes`, which is to be the size
// of the next one; of small ones NumPy decides as ever.
class ResultMemory {
   public:
    explicit ResultMemory(double bytes);
    ~ResultMemory();
    ResultMemory(const ResultMemory&) = delete;
    ResultMemory& operator=(const ResultMemory&) = delete;

   private:
    PyObject* before_ = nullptr;
};

// Called once, with NumPy loaded.
void bind_result_memory(pybind11::module_& module);

}  // namespace python
}  // namespace fastnn

#endif
