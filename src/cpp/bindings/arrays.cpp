#include "arrays.h"

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "core/activation.h"
#include "result_memory.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// Looked up once at import and kept for the life of the process.
struct Interned {
    PyTypeObject* ndarray = nullptr;
    PyObject* descr_f32 = nullptr;
    PyObject* descr_f64 = nullptr;
    PyObject* scalar_f32 = nullptr;
    PyObject* scalar_f64 = nullptr;
    PyObject* name = nullptr;
    PyObject* parameter = nullptr;
    PyObject* kinds[kKindCount] = {};
    PyObject* reductions[3] = {};
    PyObject* backend_variable = nullptr;
    PyObject* native = nullptr;
};
Interned interned;

// NumPy's type numbers, which never change: NPY_BYTE ... NPY_ULONGLONG, NPY_FLOAT, NPY_DOUBLE.
DType integer_dtype(int type_number) {
    static const std::size_t kSizes[] = {sizeof(char), sizeof(short), sizeof(int), sizeof(long), sizeof(long long)};
    if (type_number < 1 || type_number > 10) return DType::other;
    const bool is_signed = type_number % 2 == 1;
    switch (kSizes[(type_number - 1) / 2]) {
        case 1:
            return is_signed ? DType::i8 : DType::u8;
        case 2:
            return is_signed ? DType::i16 : DType::u16;
        case 4:
            return is_signed ? DType::i32 : DType::u32;
        default:
            return is_signed ? DType::i64 : DType::u64;
    }
}

DType dtype_from(PyObject* descr) {
    if (descr == interned.descr_f32) return DType::f32;
    if (descr == interned.descr_f64) return DType::f64;
    const auto* proxy = py::detail::array_descriptor1_proxy(descr);
    if (proxy->byteorder != '=' && proxy->byteorder != '|') return DType::other;
    constexpr int kFloat = 11, kDouble = 12;
    if (proxy->type_num == kFloat) return DType::f32;
    if (proxy->type_num == kDouble) return DType::f64;
    return integer_dtype(proxy->type_num);
}

std::ptrdiff_t item_size(DType dtype) {
    static const std::ptrdiff_t kSizes[] = {0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
    return kSizes[static_cast<int>(dtype)];
}

PyObject* intern(const char* text) { return PyUnicode_InternFromString(text); }

// The index of a str among interned names: by identity first, as literals in a program are interned.
int index_of(PyObject* text, PyObject* const* names, int count) {
    for (int i = 0; i < count; ++i) {
        if (text == names[i]) return i;
    }
    if (!PyUnicode_CheckExact(text)) return -1;
    for (int i = 0; i < count; ++i) {
        if (PyUnicode_Compare(text, names[i]) == 0) return i;
    }
    return -1;
}

void set_backend_variable(const py::object& variable) {
    if (!PyContextVar_CheckExact(variable.ptr())) throw py::type_error("variable must be a ContextVar");
    interned.backend_variable = new_reference(variable.ptr());
}

}  // namespace

std::ptrdiff_t Array::bytes() const { return size * item_size(dtype); }

std::ptrdiff_t Array::rows() const {
    std::ptrdiff_t n = 1;
    for (int i = 0; i + 1 < rank; ++i) n *= shape[i];
    return n;
}

bool read(PyObject* argument, Array& array, Order order, bool& transposed) {
    transposed = false;
    if (Py_TYPE(argument) != interned.ndarray) return false;
    const auto* proxy = py::detail::array_proxy(argument);
    constexpr int kC = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
    constexpr int kFortran = py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_;
    if ((proxy->flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0) return false;
    if ((proxy->flags & kC) == 0) {
        if (order != Order::c_or_transposed || proxy->nd != 2 || (proxy->flags & kFortran) == 0) return false;
        transposed = true;
    }
    array.dtype = dtype_from(proxy->descr);
    if (array.dtype == DType::other) return false;
    array.object = argument;
    array.data = proxy->data;
    array.rank = proxy->nd;
    array.shape = proxy->dimensions;
    array.writeable = (proxy->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_) != 0;
    array.size = 1;
    for (int i = 0; i < array.rank; ++i) array.size *= array.shape[i];
    return true;
}

bool read(PyObject* argument, Array& array) {
    bool transposed = false;
    return read(argument, array, Order::c_only, transposed);
}

bool read_optional(PyObject* argument, Array& array) { return argument == Py_None || read(argument, array); }

bool same_shape(const Array& a, const Array& b) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    return true;
}

bool is_shape_of_rows(const Array& a, const Array& b) {
    if (a.rank + 1 != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
        if (a.shape[i] != b.shape[i]) return false;
    }
    return true;
}

bool overlap(const Array& a, const Array& b) {
    const auto begin_a = reinterpret_cast<std::uintptr_t>(a.data), begin_b = reinterpret_cast<std::uintptr_t>(b.data);
    const auto end_a = begin_a + static_cast<std::uintptr_t>(a.bytes());
    const auto end_b = begin_b + static_cast<std::uintptr_t>(b.bytes());
    return begin_a < end_b && begin_b < end_a;
}

bool fits_output(const Array& out, DType dtype, const Array& like, bool alias_allowed, const Array& alias) {
    if (!out) return true;
    if (!out.writeable || out.dtype != dtype || !same_shape(out, like)) return false;
    if (!alias || !overlap(out, alias)) return true;
    return alias_allowed && out.data == alias.data && out.size == alias.size && out.dtype == alias.dtype;
}

PyObject* new_array(DType dtype, int rank, const Py_ssize_t* shape) {
    PyObject* descr = dtype == DType::f32 ? interned.descr_f32 : interned.descr_f64;
    double bytes = static_cast<double>(item_size(dtype));
    for (int i = 0; i < rank; ++i) bytes *= static_cast<double>(shape[i]);
    const ResultMemory memory(bytes);
    Py_INCREF(descr);  // PyArray_NewFromDescr takes it over
    return py::detail::npy_api::get().PyArray_NewFromDescr_(
        interned.ndarray, descr, rank, const_cast<Py_ssize_t*>(shape), nullptr, nullptr, 0, nullptr);
}

PyObject* new_scalar(DType dtype, double value) {
    const Owned number(PyFloat_FromDouble(value));
    if (!number) return nullptr;
    return PyObject_CallOneArg(dtype == DType::f32 ? interned.scalar_f32 : interned.scalar_f64, number.get());
}

bool read_double(PyObject* argument, double& value) {
    if (PyFloat_CheckExact(argument)) {
        value = PyFloat_AS_DOUBLE(argument);
        return true;
    }
    if (PyBool_Check(argument) || PyComplex_Check(argument) || Py_TYPE(argument) == interned.ndarray) return false;
    if (!PyFloat_Check(argument) && !PyIndex_Check(argument) && !PyObject_IsInstance(argument, interned.scalar_f32)) {
        return false;
    }
    value = PyFloat_AsDouble(argument);
    if (value == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

bool read_int64(PyObject* argument, std::int64_t& value) {
    if (PyBool_Check(argument) || !PyIndex_Check(argument) || Py_TYPE(argument) == interned.ndarray) return false;
    const Owned number(PyNumber_Index(argument));
    if (!number) {
        PyErr_Clear();
        return false;
    }
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(number.get(), &overflow);
    return overflow == 0;
}

bool read_uint64(PyObject* argument, std::uint64_t& value) {
    if (PyBool_Check(argument) || !PyIndex_Check(argument) || Py_TYPE(argument) == interned.ndarray) return false;
    const Owned number(PyNumber_Index(argument));
    if (number) value = PyLong_AsUnsignedLongLong(number.get());
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return false;
    }
    return true;
}

bool read_bool(PyObject* argument, bool& value) {
    value = argument == Py_True;
    return value || argument == Py_False;
}

bool is_last_axis(PyObject* axis, int rank) {
    std::int64_t value = 0;
    return rank > 0 && read_int64(axis, value) && (value == -1 || value == rank - 1);
}

bool read_reduction(PyObject* argument, Reduction& reduction) {
    const int index = index_of(argument, interned.reductions, 3);
    reduction = static_cast<Reduction>(index);
    return index >= 0;
}

bool read_activation(PyObject* argument, int& kind, double& parameter) {
    kind = index_of(argument, interned.kinds, kKindCount);
    if (kind >= 0) {
        parameter = default_parameter(static_cast<Kind>(kind));
        return true;
    }
    if (PyUnicode_CheckExact(argument)) return false;
    const Owned name(PyObject_GetAttr(argument, interned.name));
    const Owned value(name ? PyObject_GetAttr(argument, interned.parameter) : nullptr);
    if (!value) {
        PyErr_Clear();
        return false;
    }
    kind = index_of(name.get(), interned.kinds, kKindCount);
    return kind >= 0 && read_double(value.get(), parameter);
}

void take_gil_back(PyThreadState* state) {
    try {
        PyEval_RestoreThread(state);
    } catch (...) {
        // Once the interpreter shuts down, CPython before 3.14 ends a daemon thread here by pthread_exit, which unwinds
        // its stack as an exception does. On the stack are references that must not be dropped without the GIL, and
        // functions that no exception may leave. So, as from 3.14 on, the thread stays here until the process ends.
        while (true) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

bool native_is_active() {
    if (interned.backend_variable == nullptr) return true;
    PyObject* value = nullptr;
    if (PyContextVar_Get(interned.backend_variable, Py_None, &value) < 0) {
        PyErr_Clear();
        return false;
    }
    const Owned backend(value);
    if (value == Py_None || value == interned.native) return true;
    return PyUnicode_CheckExact(value) && PyUnicode_Compare(value, interned.native) == 0;
}

void add_function(PyObject* module, const char* prefix, const char* name, const char* signature, PyCFunction function) {
    // Python keeps pointers to the definition and its texts, so they are never freed.
    const auto* full_name = new std::string(std::string(prefix) + name);
    const auto* text = new std::string(*full_name + signature + "\n--\n\n");
    auto* definition = new PyMethodDef{full_name->c_str(), function, METH_FASTCALL, text->c_str()};
    const Owned module_name(PyModule_GetNameObject(module));
    PyObject* object = module_name ? PyCFunction_NewEx(definition, module, module_name.get()) : nullptr;
    if (object == nullptr || PyModule_AddObject(module, full_name->c_str(), object) < 0) throw py::error_already_set();
}

void bind_arrays(py::module_& module) {
    const auto numpy = py::module_::import("numpy");
    interned.ndarray = py::detail::npy_api::get().PyArray_Type_;
    interned.descr_f32 = py::dtype::of<float>().release().ptr();
    interned.descr_f64 = py::dtype::of<double>().release().ptr();
    interned.scalar_f32 = numpy.attr("float32").cast<py::object>().release().ptr();
    interned.scalar_f64 = numpy.attr("float64").cast<py::object>().release().ptr();
    interned.name = intern("name");
    interned.parameter = intern("parameter");
    interned.native = intern("native");
    for (int i = 0; i < kKindCount; ++i) interned.kinds[i] = intern(kind_name(static_cast<Kind>(i)));
    interned.reductions[static_cast<int>(Reduction::none)] = intern("none");
    interned.reductions[static_cast<int>(Reduction::mean)] = intern("mean");
    interned.reductions[static_cast<int>(Reduction::sum)] = intern("sum");
    module.def("_set_backend_variable", &set_backend_variable, py::arg("variable"), py::pos_only());
}

}  // namespace python
}  // namespace fastnn
