// sgd_step, adam_step, rmsprop_step, adagrad_step and global_norm: argument checks.
#include "core/optimizer.h"

#include <cmath>
#include <initializer_list>
#include <vector>

#include "arrays.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// An array that a step writes, like p.
bool read_state(PyObject* argument, const Array& p, Array& state) {
    return read(argument, state) && state.writeable && state.dtype == p.dtype && same_shape(state, p);
}

bool read_optional_state(PyObject* argument, const Array& p, Array& state) {
    return argument == Py_None || read_state(argument, p, state);
}

bool read_parameters(PyObject* p_argument, PyObject* g_argument, Array& p, Array& g) {
    return read(p_argument, p) && p.is_float() && p.writeable && read(g_argument, g) && g.dtype == p.dtype &&
           same_shape(g, p);
}

bool are_apart(std::initializer_list<const Array*> arrays) {
    for (auto a = arrays.begin(); a != arrays.end(); ++a) {
        for (auto b = a + 1; b != arrays.end(); ++b) {
            if (**a && **b && overlap(**a, **b)) return false;
        }
    }
    return true;
}

// Numbers >= 0; nan is not.
bool read_positive(PyObject* argument, double& value) { return read_double(argument, value) && value >= 0.0; }

double work_of(const Array& p) { return 5.0 * static_cast<double>(p.size); }

PyObject* none() { return new_reference(Py_None); }

PyObject* sgd_operation(PyObject* const* arguments) {
    Array p, g, velocity;
    SgdOptions options;
    if (!read_parameters(arguments[0], arguments[1], p, g) || !read_optional_state(arguments[2], p, velocity) ||
        !are_apart({&p, &g, &velocity}) || !read_positive(arguments[3], options.lr) ||
        !read_positive(arguments[4], options.momentum) || !read_bool(arguments[5], options.nesterov) ||
        !read_positive(arguments[6], options.weight_decay) || (options.momentum > 0.0 && !velocity) ||
        (options.nesterov && options.momentum == 0.0)) {
        return not_implemented();
    }
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(p), [&] { sgd_step<T>(options, p.as<T>(), g.as<T>(), velocity.as<T>(), p.size); });
    };
    p.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return none();
}

bool read_decay_rate(PyObject* argument, double& beta) { return read_positive(argument, beta) && beta < 1.0; }

PyObject* adam_operation(PyObject* const* arguments) {
    Array p, g, m, v;
    AdamOptions options;
    if (!read_parameters(arguments[0], arguments[1], p, g) || !read_state(arguments[2], p, m) ||
        !read_state(arguments[3], p, v) || !are_apart({&p, &g, &m, &v}) || !read_int64(arguments[4], options.step) ||
        options.step < 1 || !read_positive(arguments[5], options.lr) || !read_decay_rate(arguments[6], options.beta1) ||
        !read_decay_rate(arguments[7], options.beta2) || !read_positive(arguments[8], options.eps) ||
        !read_positive(arguments[9], options.weight_decay) || !read_bool(arguments[10], options.decoupled)) {
        return not_implemented();
    }
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(p), [&] { adam_step<T>(options, p.as<T>(), g.as<T>(), m.as<T>(), v.as<T>(), p.size); });
    };
    p.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return none();
}

PyObject* rmsprop_operation(PyObject* const* arguments) {
    Array p, g, v, buffer;
    RmspropOptions options;
    if (!read_parameters(arguments[0], arguments[1], p, g) || !read_state(arguments[2], p, v) ||
        !read_optional_state(arguments[3], p, buffer) || !are_apart({&p, &g, &v, &buffer}) ||
        !read_positive(arguments[4], options.lr) || !read_positive(arguments[5], options.alpha) ||
        options.alpha > 1.0 || !read_positive(arguments[6], options.eps) ||
        !read_positive(arguments[7], options.momentum) || !read_positive(arguments[8], options.weight_decay) ||
        (options.momentum > 0.0 && !buffer)) {
        return not_implemented();
    }
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(p),
                 [&] { rmsprop_step<T>(options, p.as<T>(), g.as<T>(), v.as<T>(), buffer.as<T>(), p.size); });
    };
    p.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return none();
}

PyObject* adagrad_operation(PyObject* const* arguments) {
    Array p, g, s;
    AdagradOptions options;
    if (!read_parameters(arguments[0], arguments[1], p, g) || !read_state(arguments[2], p, s) ||
        !are_apart({&p, &g, &s}) || !read_positive(arguments[3], options.lr) ||
        !read_positive(arguments[4], options.eps) || !read_positive(arguments[5], options.weight_decay)) {
        return not_implemented();
    }
    const auto run = [&](auto zero) {
        using T = decltype(zero);
        unlocked(work_of(p), [&] { adagrad_step<T>(options, p.as<T>(), g.as<T>(), s.as<T>(), p.size); });
    };
    p.dtype == DType::f32 ? run(0.0f) : run(0.0);
    return none();
}

PyObject* norm_operation(PyObject* const* arguments) {
    if (!PyList_CheckExact(arguments[0]) && !PyTuple_CheckExact(arguments[0])) return not_implemented();
    // A copy, as another thread may change a list while the GIL is free.
    const Owned kept(PySequence_Tuple(arguments[0]));
    if (!kept) return nullptr;
    std::vector<Array> arrays(static_cast<std::size_t>(PyTuple_GET_SIZE(kept.get())));
    double work = 0.0;
    for (std::size_t i = 0; i < arrays.size(); ++i) {
        if (!read(PyTuple_GET_ITEM(kept.get(), static_cast<Py_ssize_t>(i)), arrays[i]) || !arrays[i].is_float()) {
            return not_implemented();
        }
        work += static_cast<double>(arrays[i].size);
    }
    double sum = 0.0;
    unlocked(work, [&] {
        for (const Array& array : arrays) {
            sum += array.dtype == DType::f32 ? sum_of_squares(array.as<float>(), array.size)
                                             : sum_of_squares(array.as<double>(), array.size);
        }
    });
    return PyFloat_FromDouble(std::sqrt(sum));
}

}  // namespace

void bind_optimizer(py::module_& module) {
    PyObject* m = module.ptr();
    add_operation<sgd_operation, 7>(m, "sgd_step", "(p, g, velocity, lr, momentum, nesterov, weight_decay, /)");
    add_operation<adam_operation, 11>(m, "adam_step",
                                      "(p, g, m, v, step, lr, beta1, beta2, eps, weight_decay, decoupled, /)");
    add_operation<rmsprop_operation, 9>(m, "rmsprop_step",
                                        "(p, g, v, momentum_buffer, lr, alpha, eps, momentum, weight_decay, /)");
    add_operation<adagrad_operation, 6>(m, "adagrad_step", "(p, g, s, lr, eps, weight_decay, /)");
    add_operation<norm_operation, 1>(m, "global_norm", "(arrays, /)");
}

}  // namespace python
}  // namespace fastnn
