// Networks: construction, weights, predict.
#include "network.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>

#include "core/activation.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

// ("dense", outputs, activation, use_bias), ("activation", outputs, activation), ("prelu", outputs, shared),
// ("dropout", outputs, rate, key), ("softmax", outputs), ("rescaling", outputs, scale, offset)
StageOptions read_stage(const py::tuple& stage) {
    StageOptions options;
    const auto name = stage[0].cast<std::string>();
    options.outputs = stage[1].cast<std::ptrdiff_t>();
    const auto read_kind = [&] {
        int kind = 0;
        const py::object activation = stage[2];
        if (!read_activation(activation.ptr(), kind, options.parameter)) throw py::value_error("unknown activation");
        options.kind = static_cast<Kind>(kind);
    };
    if (name == "dense") {
        options.operation = Operation::dense;
        read_kind();
        options.has_bias = stage[3].cast<bool>();
    } else if (name == "activation") {
        options.operation = Operation::activation;
        read_kind();
    } else if (name == "prelu") {
        options.operation = Operation::prelu;
        options.shared = stage[2].cast<bool>();
    } else if (name == "dropout") {
        options.operation = Operation::dropout;
        options.rate = stage[2].cast<double>();
        options.key = stage[3].cast<std::uint64_t>();
    } else if (name == "softmax") {
        options.operation = Operation::softmax;
    } else if (name == "rescaling") {
        options.operation = Operation::rescaling;
        options.scale = stage[2].cast<double>();
        options.offset = stage[3].cast<double>();
    } else {
        throw py::value_error("unknown stage " + name);
    }
    if (options.outputs < 1) throw py::value_error("a stage must have at least 1 output");
    return options;
}

std::ptrdiff_t product_of(const std::vector<Py_ssize_t>& shape) {
    std::ptrdiff_t size = 1;
    for (const Py_ssize_t n : shape) size *= n;
    return size;
}

PyTypeObject* network_type = nullptr;

NetworkObject* network_of(PyObject* object) {
    if (Py_TYPE(object) != network_type) return nullptr;
    auto* const instance = reinterpret_cast<py::detail::instance*>(object);
    return static_cast<NetworkObject*>(instance->get_value_and_holder().value_ptr());
}

// (network, x, out, logits)
PyObject* predict_operation(PyObject* const* arguments) {
    const NetworkObject* const network = network_of(arguments[0]);
    Array x, out;
    RowSource source;
    bool logits = false;
    if (network == nullptr || !read(arguments[1], x) || !network->read_samples(x, source) ||
        !read_optional(arguments[2], out) || !read_bool(arguments[3], logits)) {
        return not_implemented();
    }
    const Py_ssize_t rows = x.shape[0];
    if (out && (!out.writeable || out.dtype != network->dtype ||
                !NetworkObject::is_batch_of(out, network->output_shape) || out.shape[0] != rows || overlap(out, x))) {
        return not_implemented();
    }
    Py_ssize_t shape[64] = {rows};
    std::copy(network->output_shape.begin(), network->output_shape.end(), shape + 1);
    Owned y(out ? new_reference(out.object)
                : new_array(network->dtype, static_cast<int>(network->output_shape.size()) + 1, shape));
    if (!y) return nullptr;
    void* const data = py::detail::array_proxy(y.get())->data;
    network->visit([&](const auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        unlocked(net.work(rows), [&] { net.predict(source, rows, static_cast<T*>(data), logits); });
    });
    return y.release();
}

py::array get_values(const NetworkObject& network, std::ptrdiff_t size, const std::function<void(void*)>& fill) {
    const Py_ssize_t shape[1] = {size};
    auto result = py::reinterpret_steal<py::array>(new_array(network.dtype, 1, shape));
    if (!result) throw py::error_already_set();
    fill(result.mutable_data());
    return result;
}

std::size_t checked_variable(const NetworkObject& network, std::size_t variable) {
    if (variable >= network.visit([](const auto& net) { return net.variables(); })) {
        throw py::index_error("variable out of range");
    }
    return variable;
}

py::array get_variable(const NetworkObject& network, std::size_t variable) {
    checked_variable(network, variable);
    return network.visit([&](const auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        return get_values(network, net.variable_size(variable),
                          [&](void* to) { net.get_variable(variable, static_cast<T*>(to)); });
    });
}

void set_variable(NetworkObject& network, std::size_t variable, const py::object& value) {
    checked_variable(network, variable);
    const Exclusive hold(network);
    network.visit([&](auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        const Array array = read_values(value, network.dtype, net.variable_size(variable), "value");
        net.set_variable(variable, array.as<T>());
    });
}

py::array get_state(const NetworkObject& network, int slot, std::size_t variable) {
    checked_variable(network, variable);
    return network.visit([&](const auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        if (slot < 0 || slot >= net.slots()) throw py::index_error("slot out of range");
        return get_values(network, net.variable_size(variable),
                          [&](void* to) { net.get_state(slot, variable, static_cast<T*>(to)); });
    });
}

void set_state(NetworkObject& network, int slot, std::size_t variable, const py::object& value) {
    checked_variable(network, variable);
    const Exclusive hold(network);
    network.visit([&](auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        if (slot < 0 || slot >= net.slots()) throw py::index_error("slot out of range");
        const Array array = read_values(value, network.dtype, net.variable_size(variable), "value");
        net.set_state(slot, variable, array.as<T>());
    });
}

}  // namespace

NetworkObject::NetworkObject(const std::string& dtype_name, const std::vector<Py_ssize_t>& input,
                             const std::vector<Py_ssize_t>& output, const py::object& rescaling, const py::list& stages)
    : dtype(dtype_name == "float32" ? DType::f32 : DType::f64), input_shape(input), output_shape(output) {
    if (dtype_name != "float32" && dtype_name != "float64") throw py::value_error("dtype must be float32 or float64");
    std::vector<StageOptions> options;
    for (const py::handle& stage : stages) options.push_back(read_stage(py::reinterpret_borrow<py::tuple>(stage)));
    const std::ptrdiff_t inputs = product_of(input), outputs = options.empty() ? inputs : options.back().outputs;
    if (inputs < 1 || input.size() > 60 || output.size() > 60 || product_of(output) != outputs) {
        throw py::value_error("the shapes do not fit the stages");
    }
    if (!rescaling.is_none()) {
        std::tie(scale_, offset_) = rescaling.cast<std::pair<double, double>>();
        rescales_ = true;
    }
    if (dtype == DType::f32) {
        single_ = std::make_unique<Network<float>>(inputs, options);
    } else {
        double_ = std::make_unique<Network<double>>(inputs, options);
    }
}

bool NetworkObject::is_batch_of(const Array& array, const std::vector<Py_ssize_t>& shape) {
    return array.rank == static_cast<int>(shape.size()) + 1 && std::equal(shape.begin(), shape.end(), array.shape + 1);
}

bool NetworkObject::read_samples(const Array& x, RowSource& source) const {
    if (!is_batch_of(x, input_shape)) return false;
    if (x.dtype == DType::f32) {
        source.type = RowSource::Type::f32;
    } else if (x.dtype == DType::f64) {
        source.type = RowSource::Type::f64;
    } else if (x.dtype == DType::u8) {
        source.type = RowSource::Type::u8;
    } else {
        return false;
    }
    source.data = x.data;
    source.columns = product_of(input_shape);
    source.rescales = rescales_;
    source.scale = scale_;
    source.offset = offset_;
    return true;
}

Array read_values(const py::object& argument, DType dtype, std::ptrdiff_t size, const char* name) {
    Array array;
    if (!read(argument.ptr(), array) || array.dtype != dtype || array.size != size) {
        throw py::value_error(std::string(name) + " must be a C-contiguous array of the network's dtype with " +
                              std::to_string(size) + " elements");
    }
    return array;
}

void bind_network(py::module_& module) {
    auto network = py::class_<NetworkObject>(module, "Network", py::is_final());
    network
        .def(py::init<const std::string&, const std::vector<Py_ssize_t>&, const std::vector<Py_ssize_t>&,
                      const py::object&, const py::list&>(),
             py::arg("dtype"), py::arg("input_shape"), py::arg("output_shape"), py::arg("rescaling"), py::arg("stages"),
             py::pos_only())
        .def("get_variable", &get_variable, py::arg("variable"), py::pos_only())
        .def("set_variable", &set_variable, py::arg("variable"), py::arg("value"), py::pos_only())
        .def("get_state", &get_state, py::arg("slot"), py::arg("variable"), py::pos_only())
        .def("set_state", &set_state, py::arg("slot"), py::arg("variable"), py::arg("value"), py::pos_only());
    bind_network_training(network);
    network_type = reinterpret_cast<PyTypeObject*>(network.ptr());
    const auto entry = &entry_point<predict_operation, 4, false>;
    add_function(module.ptr(), "", "network_predict", "(network, x, out, logits, /)",
                 reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(entry)));
}

}  // namespace python
}  // namespace fastnn
