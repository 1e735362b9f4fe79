// Activations and the parametric ReLU: argument checks and results.
#include "core/activation.h"

#include "arrays.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

template <class F>
void run(Kind kind, const Array& like, F&& f) {
    unlocked(activation_work(kind) * static_cast<double>(like.size), [&] {
        if (like.dtype == DType::f32) {
            f(float());
        } else {
            f(double());
        }
    });
}

template <class T>
T* data_of(const Owned& array) {
    return reinterpret_cast<T*>(py::detail::array_proxy(array.get())->data);
}

// out, or a new array like x; null with MemoryError set.
PyObject* result_like(const Array& x, const Array& out) {
    return out ? new_reference(out.object) : new_array(x.dtype, x.rank, x.shape);
}

bool read_kind(PyObject* argument, Kind& kind, double& parameter) {
    int index = 0;
    if (!read_activation(argument, index, parameter)) return false;
    kind = static_cast<Kind>(index);
    return is_valid_parameter(kind, parameter);
}

// (z, kind, out)
PyObject* activation_operation(PyObject* const* arguments) {
    Array z, out;
    Kind kind = Kind::identity;
    double parameter = 0;
    if (!read(arguments[0], z) || !z.is_float() || !read_kind(arguments[1], kind, parameter) ||
        !read_optional(arguments[2], out) || !fits_output(out, z.dtype, z, true, z)) {
        return not_implemented();
    }
    Owned y(result_like(z, out));
    if (!y) return nullptr;
    run(kind, z, [&](auto zero) {
        using T = decltype(zero);
        activation(kind, static_cast<T>(parameter), z.as<T>(), data_of<T>(y), z.size);
    });
    return y.release();
}

// (dy, y, kind, z, out)
PyObject* activation_backward_operation(PyObject* const* arguments) {
    Array dy, y, z, out;
    Kind kind = Kind::identity;
    double parameter = 0;
    const auto fits = [&](const Array& a) { return a.dtype == dy.dtype && same_shape(a, dy); };
    if (!read(arguments[0], dy) || !dy.is_float() || !read(arguments[1], y) || !fits(y) ||
        !read_kind(arguments[2], kind, parameter) || !read_optional(arguments[3], z) || (z && !fits(z)) ||
        !read_optional(arguments[4], out) || !fits_output(out, dy.dtype, dy, true, dy)) {
        return not_implemented();
    }
    const bool from_z = needs_z(kind, parameter);
    if (from_z && !z) return not_implemented();
    if (out && (overlap(out, y) || (z && overlap(out, z)))) return not_implemented();
    Owned dz(result_like(dy, out));
    if (!dz) return nullptr;
    run(kind, dy, [&](auto zero) {
        using T = decltype(zero);
        activation_backward(kind, static_cast<T>(parameter), dy.as<T>(), (from_z ? z : y).as<T>(), data_of<T>(dz),
                            dy.size);
    });
    return dz.release();
}

// slope is (1,) or one for each column of x.
bool read_slope(PyObject* argument, const Array& x, Array& slope) {
    return read(argument, slope) && slope.dtype == x.dtype && slope.rank == 1 &&
           (slope.size == 1 || slope.size == x.columns());
}

// (x, slope, out)
PyObject* prelu_operation(PyObject* const* arguments) {
    Array x, slope, out;
    if (!read(arguments[0], x) || !x.is_float() || !read_slope(arguments[1], x, slope) ||
        !read_optional(arguments[2], out) || !fits_output(out, x.dtype, x, true, x) || (out && overlap(out, slope))) {
        return not_implemented();
    }
    Owned y(result_like(x, out));
    if (!y) return nullptr;
    run(Kind::leaky_relu, x, [&](auto zero) {
        using T = decltype(zero);
        prelu(x.as<T>(), slope.as<T>(), slope.size == 1, data_of<T>(y), x.rows(), x.columns());
    });
    return y.release();
}

// (dy, x, slope) -> (dx, dslope)
PyObject* prelu_backward_operation(PyObject* const* arguments) {
    Array dy, x, slope;
    if (!read(arguments[0], dy) || !dy.is_float() || !read(arguments[1], x) || x.dtype != dy.dtype ||
        !same_shape(x, dy) || !read_slope(arguments[2], x, slope)) {
        return not_implemented();
    }
    Owned dx(new_array(x.dtype, x.rank, x.shape));
    if (!dx) return nullptr;
    Owned dslope(new_array(slope.dtype, slope.rank, slope.shape));
    if (!dslope) return nullptr;
    run(Kind::leaky_relu, x, [&](auto zero) {
        using T = decltype(zero);
        prelu_backward(dy.as<T>(), x.as<T>(), slope.as<T>(), slope.size == 1, data_of<T>(dx), data_of<T>(dslope),
                       x.rows(), x.columns());
    });
    return PyTuple_Pack(2, dx.get(), dslope.get());
}

}  // namespace

void bind_activation(py::module_& module) {
    PyObject* m = module.ptr();
    add_operation<activation_operation, 3>(m, "activation", "(z, kind, out, /)");
    add_operation<activation_backward_operation, 5>(m, "activation_backward", "(dy, y, kind, z, out, /)");
    add_operation<prelu_operation, 3>(m, "prelu", "(x, slope, out, /)");
    add_operation<prelu_backward_operation, 3>(m, "prelu_backward", "(dy, x, slope, /)");
}

}  // namespace python
}  // namespace fastnn
