// What every binding shares: reading arguments without converting them, making results, and the two entry points of
// an operation. A binding accepts only what the kernels take as it stands (see Array) and answers NotImplemented,
// with nothing written, to everything else; the Python layer then converts or explains.
#ifndef FASTNN_BINDINGS_ARRAYS_H
#define FASTNN_BINDINGS_ARRAYS_H

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <new>

#include "core/fpenv.h"

namespace fastnn {
namespace python {

enum class DType : std::uint8_t { other, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

template <class T>
constexpr DType dtype_of = sizeof(T) == 4 ? DType::f32 : DType::f64;  // for float and double

inline bool is_integer(DType dtype) { return dtype >= DType::i8; }

// A borrowed numpy.ndarray (no subclass) in native byte order, aligned and C-contiguous. object is null for None.
struct Array {
    PyObject* object = nullptr;
    char* data = nullptr;
    const Py_ssize_t* shape = nullptr;
    int rank = 0;
    DType dtype = DType::other;
    bool writeable = false;
    std::ptrdiff_t size = 0;

    explicit operator bool() const { return object != nullptr; }
    template <class T>
    T* as() const {
        return reinterpret_cast<T*>(data);
    }
    bool is_float() const { return dtype == DType::f32 || dtype == DType::f64; }
    std::ptrdiff_t bytes() const;
    // The last axis (1 for a 0-d array) and the number of rows before it.
    std::ptrdiff_t columns() const { return rank > 0 ? shape[rank - 1] : 1; }
    std::ptrdiff_t rows() const;
};

enum class Order { c_only, c_or_transposed };

// True if the argument is an Array as described above. With c_or_transposed a 2-d array in Fortran order is taken as
// well, and *transposed says so; an array that is both counts as C.
bool read(PyObject* argument, Array& array);
bool read(PyObject* argument, Array& array, Order order, bool& transposed);
// The same, but None is fine too and leaves `array` empty.
bool read_optional(PyObject* argument, Array& array);

bool same_shape(const Array& a, const Array& b);
// a has the shape of b without b's last axis.
bool is_shape_of_rows(const Array& a, const Array& b);
bool overlap(const Array& a, const Array& b);
// An output of that dtype and shape that may be written: writeable, and either the very memory of `alias` (when
// given) or apart from it. Empty outputs pass.
bool fits_output(const Array& out, DType dtype, const Array& like, bool alias_allowed, const Array& alias);

// A new, uninitialised C-contiguous array; null with MemoryError set.
PyObject* new_array(DType dtype, int rank, const Py_ssize_t* shape);
// A NumPy scalar of the dtype.
PyObject* new_scalar(DType dtype, double value);

bool read_double(PyObject* argument, double& value);       // int, float or a NumPy scalar; not bool, not complex
bool read_int64(PyObject* argument, std::int64_t& value);  // int or a NumPy integer; not bool
bool read_uint64(PyObject* argument, std::uint64_t& value);
bool read_bool(PyObject* argument, bool& value);  // True or False only
// axis == -1 or the last axis of an array of that rank (rank >= 1).
bool is_last_axis(PyObject* axis, int rank);

enum class Reduction { none, mean, sum };
bool read_reduction(PyObject* argument, Reduction& reduction);

// A str with a known name, or an object with `name` and `parameter`. kind indexes fastnn::Kind.
bool read_activation(PyObject* argument, int& kind, double& parameter);

inline PyObject* not_implemented() {
    Py_INCREF(Py_NotImplemented);
    return Py_NotImplemented;
}

inline PyObject* new_reference(PyObject* object) {
    Py_INCREF(object);
    return object;
}

// Owns one reference to a new object on the error paths.
class Owned {
   public:
    explicit Owned(PyObject* object) : object_(object) {}
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() { Py_XDECREF(object_); }
    PyObject* get() const { return object_; }
    PyObject* release() {
        PyObject* object = object_;
        object_ = nullptr;
        return object;
    }
    explicit operator bool() const { return object_ != nullptr; }

   private:
    PyObject* object_;
};

// PyEval_RestoreThread; does not return in a daemon thread once the interpreter shuts down.
void take_gil_back(PyThreadState* state);

// Runs f, without the GIL where the work (FLOPs, or an equivalent) is worth the 0.1 us of letting go of it.
template <class F>
void unlocked(double work, F&& f) {
    constexpr double kWorthIt = 2e5;
    if (work < kWorthIt) {
        f();
        return;
    }
    PyThreadState* state = PyEval_SaveThread();
    bool out_of_memory = false;
    try {
        f();
    } catch (const std::bad_alloc&) {
        out_of_memory = true;
    }
    take_gil_back(state);
    if (out_of_memory) throw std::bad_alloc();
}

// False inside use_backend(...) with a backend other than native.
bool native_is_active();

void add_function(PyObject* module, const char* prefix, const char* name, const char* signature, PyCFunction function);

template <PyObject* (*kOperation)(PyObject* const*), Py_ssize_t kCount, bool kObey>
PyObject* entry_point(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    if (count != kCount) {
        PyErr_Format(PyExc_TypeError, "expected %zd positional arguments, got %zd", kCount, count);
        return nullptr;
    }
    if (kObey && !native_is_active()) return not_implemented();
    // Scalars are read, narrowed and returned in it as well.
    const FpEnvironment environment;
    try {
        return kOperation(arguments);
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

// Exports an operation twice: NAME obeys use_backend, native_NAME does not. signature: "(x, axis, out, /)".
template <PyObject* (*kOperation)(PyObject* const*), Py_ssize_t kCount>
void add_operation(PyObject* module, const char* name, const char* signature) {
    const auto cast = [](auto function) { return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function)); };
    add_function(module, "", name, signature, cast(&entry_point<kOperation, kCount, true>));
    add_function(module, "native_", name, signature, cast(&entry_point<kOperation, kCount, false>));
}

// Called by module.cpp once, before the nouns.
void bind_arrays(pybind11::module_& module);

}  // namespace python
}  // namespace fastnn

#endif
