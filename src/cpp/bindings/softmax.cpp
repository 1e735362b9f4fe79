// The softmax family: argument checks and results.
#include "core/softmax.h"

#include "arrays.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

template <class F>
void run(const Array& x, F&& f) {
    unlocked(kSoftmaxWork * static_cast<double>(x.size), [&] {
        if (x.dtype == DType::f32) {
            f(float());
        } else {
            f(double());
        }
    });
}

char* data_of(const Owned& array) { return py::detail::array_proxy(array.get())->data; }

// out, or a new array like x; null with MemoryError set.
PyObject* result_like(const Array& x, const Array& out) {
    return out ? new_reference(out.object) : new_array(x.dtype, x.rank, x.shape);
}

// (x, axis, out)
template <bool kLog>
PyObject* forward(PyObject* const* arguments) {
    Array x, out;
    if (!read(arguments[0], x) || !x.is_float() || !is_last_axis(arguments[1], x.rank) ||
        !read_optional(arguments[2], out) || !fits_output(out, x.dtype, x, true, x)) {
        return not_implemented();
    }
    Owned y(result_like(x, out));
    if (!y) return nullptr;
    run(x, [&](auto zero) {
        using T = decltype(zero);
        T* to = reinterpret_cast<T*>(data_of(y));
        if (kLog) {
            log_softmax(x.as<T>(), to, x.rows(), x.columns());
        } else {
            softmax(x.as<T>(), to, x.rows(), x.columns());
        }
    });
    return y.release();
}

// (dy, y, axis, out)
template <bool kLog>
PyObject* backward(PyObject* const* arguments) {
    Array dy, y, out;
    if (!read(arguments[0], dy) || !dy.is_float() || !read(arguments[1], y) || y.dtype != dy.dtype ||
        !same_shape(y, dy) || !is_last_axis(arguments[2], dy.rank) || !read_optional(arguments[3], out) ||
        !fits_output(out, dy.dtype, dy, true, dy)) {
        return not_implemented();
    }
    // y is read after parts of the result are written.
    if (out && overlap(out, y)) return not_implemented();
    Owned dx(result_like(dy, out));
    if (!dx) return nullptr;
    run(dy, [&](auto zero) {
        using T = decltype(zero);
        T* to = reinterpret_cast<T*>(data_of(dx));
        if (kLog) {
            log_softmax_backward(dy.as<T>(), y.as<T>(), to, dy.rows(), dy.columns());
        } else {
            softmax_backward(dy.as<T>(), y.as<T>(), to, dy.rows(), dy.columns());
        }
    });
    return dx.release();
}

// (x, axis, keepdims)
PyObject* logsumexp_operation(PyObject* const* arguments) {
    Array x;
    bool keepdims = false;
    if (!read(arguments[0], x) || !x.is_float() || !is_last_axis(arguments[1], x.rank) ||
        !read_bool(arguments[2], keepdims)) {
        return not_implemented();
    }
    constexpr int kMostDimensions = 64;
    if (x.rank > kMostDimensions) return not_implemented();
    Py_ssize_t shape[kMostDimensions];
    for (int i = 0; i < x.rank; ++i) shape[i] = x.shape[i];
    shape[x.rank - 1] = 1;
    Owned s(new_array(x.dtype, keepdims ? x.rank : x.rank - 1, shape));
    if (!s) return nullptr;
    run(x, [&](auto zero) {
        using T = decltype(zero);
        logsumexp(x.as<T>(), reinterpret_cast<T*>(data_of(s)), x.rows(), x.columns());
    });
    return s.release();
}

}  // namespace

void bind_softmax(py::module_& module) {
    PyObject* m = module.ptr();
    add_operation<forward<false>, 3>(m, "softmax", "(x, axis, out, /)");
    add_operation<backward<false>, 4>(m, "softmax_backward", "(dy, y, axis, out, /)");
    add_operation<forward<true>, 3>(m, "log_softmax", "(x, axis, out, /)");
    add_operation<backward<true>, 4>(m, "log_softmax_backward", "(dy, y, axis, out, /)");
    add_operation<logsumexp_operation, 3>(m, "logsumexp", "(x, axis, keepdims, /)");
}

}  // namespace python
}  // namespace fastnn
