// dropout, rrelu and their backward operations: argument checks and results.
#include "core/random.h"

#include "arrays.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

bool read_key(PyObject* seed, PyObject* counter, RandomKey& key) {
    return read_uint64(seed, key.seed) && read_uint64(counter, key.counter);
}

void* data_of(PyObject* array) { return py::detail::array_proxy(array)->data; }

PyObject* result_for(const Array& out, const Array& like) {
    return out ? new_reference(out.object) : new_array(like.dtype, like.rank, like.shape);
}

double work_of(const Array& x) { return 10.0 * static_cast<double>(x.size); }

PyObject* dropout_operation(PyObject* const* arguments) {
    Array x, out;
    double p;
    RandomKey key;
    if (!read(arguments[0], x) || !x.is_float() || !read_double(arguments[1], p) || !(p >= 0.0 && p <= 1.0) ||
        !read_key(arguments[2], arguments[3], key) || !read_optional(arguments[4], out) ||
        !fits_output(out, x.dtype, x, true, x)) {
        return not_implemented();
    }
    Owned y(result_for(out, x));
    if (!y) return nullptr;
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(x), [&] { dropout<T>(p, key, x.as<T>(), static_cast<T*>(data_of(y.get())), x.size); });
    };
    x.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return y.release();
}

bool read_rrelu(PyObject* const* arguments, RreluOptions& options) {
    return read_double(arguments[0], options.lower) && read_double(arguments[1], options.upper) &&
           options.lower <= options.upper && read_bool(arguments[2], options.training) &&
           read_key(arguments[3], arguments[4], options.key);
}

PyObject* run_rrelu(const RreluOptions& options, const Array& test, const Array& x, const Array& out) {
    Owned y(result_for(out, x));
    if (!y) return nullptr;
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(x),
                 [&] { rrelu<T>(options, test.as<T>(), x.as<T>(), static_cast<T*>(data_of(y.get())), x.size); });
    };
    x.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return y.release();
}

PyObject* rrelu_operation(PyObject* const* arguments) {
    Array x, out;
    RreluOptions options;
    if (!read(arguments[0], x) || !x.is_float() || !read_rrelu(arguments + 1, options) ||
        !read_optional(arguments[6], out) || !fits_output(out, x.dtype, x, true, x)) {
        return not_implemented();
    }
    return run_rrelu(options, x, x, out);
}

PyObject* rrelu_backward_operation(PyObject* const* arguments) {
    Array dy, x, out;
    RreluOptions options;
    if (!read(arguments[0], dy) || !dy.is_float() || !read(arguments[1], x) || x.dtype != dy.dtype ||
        !same_shape(x, dy) || !read_rrelu(arguments + 2, options) || !read_optional(arguments[7], out) ||
        !fits_output(out, dy.dtype, dy, true, dy) || (out && overlap(out, x))) {
        return not_implemented();
    }
    return run_rrelu(options, x, dy, out);
}

}  // namespace

void bind_random(py::module_& module) {
    PyObject* m = module.ptr();
    add_operation<dropout_operation, 5>(m, "dropout", "(x, p, seed, counter, out, /)");
    // The mask is drawn again, so the gradient is the same operation on dy.
    add_operation<dropout_operation, 5>(m, "dropout_backward", "(dy, p, seed, counter, out, /)");
    add_operation<rrelu_operation, 7>(m, "rrelu", "(x, lower, upper, training, seed, counter, out, /)");
    add_operation<rrelu_backward_operation, 8>(m, "rrelu_backward",
                                               "(dy, x, lower, upper, training, seed, counter, out, /)");
}

}  // namespace python
}  // namespace fastnn
