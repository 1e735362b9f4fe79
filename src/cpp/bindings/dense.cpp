// dense, dense_backward and packed weights: argument checks and results.
#include "core/dense.h"

#include <memory>
#include <new>

#include "arrays.h"
#include "core/activation.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// w (I, O) and b (O,) with the activation, as every dense operation takes them.
struct Layer {
    Array w, b;
    bool transposed = false;
    int kind = 0;
    double parameter = 0.0;
    Kind activation() const { return static_cast<Kind>(kind); }
};

bool read_weights(PyObject* w, Layer& layer) {
    return read(w, layer.w, Order::c_or_transposed, layer.transposed) && layer.w.is_float() && layer.w.rank == 2;
}

bool read_bias(PyObject* b, Layer& layer) {
    return read_optional(b, layer.b) &&
           (!layer.b || (layer.b.dtype == layer.w.dtype && layer.b.rank == 1 && layer.b.shape[0] == layer.w.shape[1]));
}

bool read_layer_activation(PyObject* activation, Layer& layer) {
    return read_activation(activation, layer.kind, layer.parameter) &&
           is_valid_parameter(layer.activation(), layer.parameter);
}

bool is_matrix_of(const Array& a, DType dtype, Py_ssize_t columns) {
    return a.dtype == dtype && a.rank >= 1 && a.shape[a.rank - 1] == columns;
}

// The shape of x with another last axis. NumPy allows 64 axes at most.
struct Shape {
    Py_ssize_t sizes[64];
    int rank;
    Shape(const Array& x, Py_ssize_t columns) : rank(x.rank) {
        for (int i = 0; i + 1 < rank; ++i) sizes[i] = x.shape[i];
        sizes[rank - 1] = columns;
    }
    Array like() const {
        Array array;
        array.shape = sizes;
        array.rank = rank;
        return array;
    }
};

bool is_apart(const Array& out, std::initializer_list<const Array*> others) {
    if (!out) return true;
    for (const Array* other : others) {
        if (*other && overlap(out, *other)) return false;
    }
    return true;
}

// An optional output: given and fit, or absent.
bool read_output(PyObject* argument, Array& out, DType dtype, const Array& like,
                 std::initializer_list<const Array*> inputs) {
    return read_optional(argument, out) && (!out || (out.writeable && out.dtype == dtype && same_shape(out, like))) &&
           is_apart(out, inputs);
}

template <class T>
DenseShape<T> shape_of(const Array& x, Py_ssize_t outputs) {
    return {x.rows(), x.columns(), outputs};
}

template <class T>
void run_dense(const Layer& layer, const Array& x, void* y, const Array& z) {
    const DenseShape<T> shape = shape_of<T>(x, layer.w.shape[1]);
    unlocked(shape.work(), [&] {
        dense<T>(shape, x.as<T>(), {layer.w.as<T>(), layer.transposed}, layer.b.as<T>(), layer.activation(),
                 static_cast<T>(layer.parameter), static_cast<T*>(y), z.as<T>());
    });
}

void* data_of(PyObject* array) { return py::detail::array_proxy(array)->data; }

PyObject* dense_operation(PyObject* const* arguments) {
    Layer layer;
    Array x, out, z_out;
    if (!read(arguments[0], x) || !x.is_float() || !read_weights(arguments[1], layer) ||
        !is_matrix_of(x, layer.w.dtype, layer.w.shape[0]) || !read_bias(arguments[2], layer) ||
        !read_layer_activation(arguments[3], layer)) {
        return not_implemented();
    }
    const Shape shape(x, layer.w.shape[1]);
    const Array like = shape.like();
    if (!read_output(arguments[4], out, x.dtype, like, {&x, &layer.w, &layer.b}) ||
        !read_output(arguments[5], z_out, x.dtype, like, {&x, &layer.w, &layer.b, &out})) {
        return not_implemented();
    }
    Owned y(out ? new_reference(out.object) : new_array(x.dtype, shape.rank, shape.sizes));
    if (!y) return nullptr;
    x.dtype == DType::f32 ? run_dense<float>(layer, x, data_of(y.get()), z_out)
                          : run_dense<double>(layer, x, data_of(y.get()), z_out);
    return y.release();
}

template <class T>
void run_backward(const Layer& layer, const Array& dy, const Array& x, const Array& saved, void* dx, void* dw,
                  void* db) {
    const DenseShape<T> shape = shape_of<T>(x, layer.w.shape[1]);
    unlocked(2.0 * shape.work(), [&] {
        dense_backward<T>(shape, dy.as<T>(), x.as<T>(), {layer.w.as<T>(), layer.transposed}, saved.as<T>(),
                          layer.activation(), static_cast<T>(layer.parameter), static_cast<T*>(dx), static_cast<T*>(dw),
                          static_cast<T*>(db));
    });
}

PyObject* dense_backward_operation(PyObject* const* arguments) {
    Layer layer;
    Array dy, x, y, z, dx_out, dw_out, db_out;
    bool need_dx = true;
    if (!read(arguments[0], dy) || !read(arguments[1], x) || !x.is_float() || !read_weights(arguments[2], layer) ||
        !is_matrix_of(x, layer.w.dtype, layer.w.shape[0]) || !read(arguments[3], y) ||
        !read_layer_activation(arguments[4], layer) || !read_optional(arguments[5], z) ||
        !read_bool(arguments[6], need_dx)) {
        return not_implemented();
    }
    const DType dtype = x.dtype;
    const Shape shape(x, layer.w.shape[1]);
    const auto fits = [&](const Array& a) { return !a || (a.dtype == dtype && same_shape(a, shape.like())); };
    const bool from_z = needs_z(layer.activation(), layer.parameter);
    const Array& saved = from_z ? z : y;
    if (!fits(dy) || !fits(y) || !fits(z) || !saved) return not_implemented();
    // dw has the shape of w in C order, whatever w's own order; db that of w's last axis.
    const Py_ssize_t dw_shape[2] = {layer.w.shape[0], layer.w.shape[1]};
    Array like_dw, like_db;
    like_dw.shape = dw_shape;
    like_dw.rank = 2;
    like_db.shape = dw_shape + 1;
    like_db.rank = 1;
    if (!read_output(arguments[7], dx_out, dtype, x, {&dy, &x, &layer.w, &y, &z}) || (dx_out && !need_dx) ||
        !read_output(arguments[8], dw_out, dtype, like_dw, {&dy, &x, &layer.w, &y, &z, &dx_out}) ||
        !read_output(arguments[9], db_out, dtype, like_db, {&dy, &x, &layer.w, &y, &z, &dx_out, &dw_out})) {
        return not_implemented();
    }
    const auto result = [&](const Array& out, int rank, const Py_ssize_t* sizes) {
        return out ? new_reference(out.object) : new_array(dtype, rank, sizes);
    };
    Owned dx(need_dx ? result(dx_out, x.rank, x.shape) : new_reference(Py_None));
    Owned dw(result(dw_out, 2, dw_shape));
    Owned db(result(db_out, 1, dw_shape + 1));
    if (!dx || !dw || !db) return nullptr;
    void* const dx_data = need_dx ? data_of(dx.get()) : nullptr;
    dtype == DType::f32 ? run_backward<float>(layer, dy, x, saved, dx_data, data_of(dw.get()), data_of(db.get()))
                        : run_backward<double>(layer, dy, x, saved, dx_data, data_of(dw.get()), data_of(db.get()));
    return PyTuple_Pack(3, dx.get(), dw.get(), db.get());
}

// The weights in the kernels' own layout, with a copy of the bias behind them. Immutable once made.
class PackedDense {
   public:
    PackedDense(const py::object& w, const py::object& b, const py::object& activation) {
        Layer layer;
        if (!read_weights(w.ptr(), layer) || !read_bias(b.ptr(), layer) ||
            !read_layer_activation(activation.ptr(), layer)) {
            throw py::type_error(
                "PackedDense: w must be a float32 or float64 array (I, O), b one of shape (O,) and "
                "the same dtype or None, activation a known kind");
        }
        dtype = layer.w.dtype;
        inputs = layer.w.shape[0];
        outputs = layer.w.shape[1];
        kind = layer.activation();
        parameter = layer.parameter;
        dtype == DType::f32 ? fill<float>(layer) : fill<double>(layer);
    }

    template <class T>
    void run(const Array& x, void* y) const {
        const DenseShape<T> shape = shape_of<T>(x, outputs);
        unlocked(shape.work(), [&] {
            const T* const weights = reinterpret_cast<const T*>(memory_.get());
            packed_dense<T>(shape, x.as<T>(), weights, has_bias_ ? weights + bias_offset_ : nullptr, kind,
                            static_cast<T>(parameter), static_cast<T*>(y));
        });
    }

    DType dtype;
    Py_ssize_t inputs, outputs;
    Kind kind;
    double parameter;

   private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(char* memory) const { ::operator delete[](memory, kAlignment); }
    };

    template <class T>
    void fill(const Layer& layer) {
        bias_offset_ = packed_weights_size<T>(inputs, outputs);
        has_bias_ = static_cast<bool>(layer.b);
        const auto bytes = static_cast<std::size_t>(bias_offset_ + outputs + 1) * sizeof(T);
        memory_.reset(static_cast<char*>(::operator new[](bytes, kAlignment)));
        T* const weights = reinterpret_cast<T*>(memory_.get());
        pack_weights<T>(inputs, outputs, {layer.w.as<T>(), layer.transposed}, weights);
        if (has_bias_) std::copy_n(layer.b.as<T>(), outputs, weights + bias_offset_);
    }

    std::unique_ptr<char[], Free> memory_;
    std::ptrdiff_t bias_offset_ = 0;
    bool has_bias_ = false;
};

PyTypeObject* packed_type = nullptr;

PyObject* packed_dense_operation(PyObject* const* arguments) {
    if (Py_TYPE(arguments[0]) != packed_type) return not_implemented();
    const auto& packed = *static_cast<const PackedDense*>(
        reinterpret_cast<py::detail::instance*>(arguments[0])->get_value_and_holder().value_ptr());
    Array x, out;
    if (!read(arguments[1], x) || !is_matrix_of(x, packed.dtype, packed.inputs)) return not_implemented();
    const Shape shape(x, packed.outputs);
    if (!read_output(arguments[2], out, x.dtype, shape.like(), {&x})) return not_implemented();
    Owned y(out ? new_reference(out.object) : new_array(x.dtype, shape.rank, shape.sizes));
    if (!y) return nullptr;
    x.dtype == DType::f32 ? packed.run<float>(x, data_of(y.get())) : packed.run<double>(x, data_of(y.get()));
    return y.release();
}

}  // namespace

void bind_dense(py::module_& module) {
    add_operation<dense_operation, 6>(module.ptr(), "dense", "(x, w, b, activation, out, z_out, /)");
    add_operation<dense_backward_operation, 10>(module.ptr(), "dense_backward",
                                                "(dy, x, w, y, activation, z, need_dx, dx_out, dw_out, db_out, /)");
    add_operation<packed_dense_operation, 3>(module.ptr(), "packed_dense", "(packed, x, out, /)");
    const auto packed = py::class_<PackedDense>(module, "PackedDense", py::is_final())
                            .def(py::init<const py::object&, const py::object&, const py::object&>(), py::arg("w"),
                                 py::arg("b"), py::arg("activation"), py::pos_only())
                            .def_readonly("in_features", &PackedDense::inputs)
                            .def_readonly("out_features", &PackedDense::outputs);
    packed_type = reinterpret_cast<PyTypeObject*>(packed.ptr());
}

}  // namespace python
}  // namespace fastnn
