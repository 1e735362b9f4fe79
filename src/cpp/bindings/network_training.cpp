// Networks: compile and train.
#include <pybind11/stl.h>

#include <algorithm>
#include <limits>
#include <string>

#include "network.h"

namespace py = pybind11;

namespace fastnn {
namespace python {
namespace {

template <class Value>
Value named(const std::string& name, std::initializer_list<std::pair<const char*, Value>> known) {
    for (const auto& [text, value] : known) {
        if (name == text) return value;
    }
    throw py::value_error("unknown name " + name);
}

// (kind, delta, smoothing, mean, skips_last)
NetworkLoss read_loss(const py::tuple& loss) {
    using Form = NetworkLoss::Form;
    const auto name = loss[0].cast<std::string>();
    NetworkLoss result = {};
    result.form = name == "cross_entropy"               ? Form::from_logits
                  : name == "categorical_cross_entropy" ? Form::from_probabilities
                                                        : Form::elementwise;
    if (result.form == Form::elementwise) {
        result.kind =
            named<LossKind>(name, {{"mse", LossKind::mse},
                                   {"mae", LossKind::mae},
                                   {"huber", LossKind::huber},
                                   {"sum_squared_error", LossKind::mse},
                                   {"poisson", LossKind::poisson},
                                   {"hinge", LossKind::hinge},
                                   {"binary_cross_entropy", LossKind::binary_cross_entropy},
                                   {"binary_cross_entropy_with_logits", LossKind::binary_cross_entropy_with_logits}});
    }
    result.sums_features = name == "sum_squared_error";
    result.parameter = loss[1].cast<double>();
    result.smoothing = loss[2].cast<double>();
    result.mean = loss[3].cast<bool>();
    result.skips_last = loss[4].cast<bool>();
    return result;
}

// (kind, momentum, nesterov, beta1, beta2, rho, epsilon, initial, weight_decay, clip, limit)
OptimizerOptions read_optimizer(const py::tuple& o) {
    OptimizerOptions options = {};
    options.kind = named<OptimizerKind>(o[0].cast<std::string>(), {{"sgd", OptimizerKind::sgd},
                                                                   {"adam", OptimizerKind::adam},
                                                                   {"rmsprop", OptimizerKind::rmsprop},
                                                                   {"adagrad", OptimizerKind::adagrad}});
    options.momentum = o[1].cast<double>();
    options.nesterov = o[2].cast<bool>();
    options.beta1 = o[3].cast<double>();
    options.beta2 = o[4].cast<double>();
    options.rho = o[5].cast<double>();
    options.epsilon = o[6].cast<double>();
    options.initial = o[7].cast<double>();
    options.weight_decay = o[8].cast<double>();
    options.clip = named<Clip>(
        o[9].cast<std::string>(),
        {{"none", Clip::none}, {"value", Clip::value}, {"norm", Clip::norm}, {"global_norm", Clip::global_norm}});
    options.limit = o[10].cast<double>();
    return options;
}

void compile(NetworkObject& network, const py::tuple& loss, const py::tuple& optimizer,
             const std::vector<std::pair<double, double>>& penalties) {
    const Exclusive hold(network);
    std::vector<Penalty> all;
    for (const auto& [l1, l2] : penalties) all.push_back({l1, l2});
    network.visit([&](auto& net) {
        if (all.size() != net.variables()) throw py::value_error("there must be a penalty for each variable");
        const NetworkLoss what = read_loss(loss);
        if (net.stages_to_train(what.skips_last) == 0) throw py::value_error("there is nothing to train");
        net.compile(what, read_optimizer(optimizer), all);
    });
}

Array read_of(const py::object& argument, DType dtype, const char* name) {
    Array array;
    if (!read(argument.ptr(), array) || array.dtype != dtype) {
        throw py::value_error(std::string(name) + " is not a C-contiguous array of the right dtype");
    }
    return array;
}

void require(bool condition, const char* what) {
    if (!condition) throw py::value_error(what);
}

// Every row number and class index that the steps will use.
template <class T>
void require_in_range(const TrainCall<T>& call, std::ptrdiff_t samples, std::ptrdiff_t classes) {
    const std::ptrdiff_t end = std::min(call.rows, call.last * call.batch_size);
    for (std::ptrdiff_t i = call.first * call.batch_size; i < end; ++i) {
        const std::int64_t row = call.order != nullptr ? call.order[i] : i;
        require(row >= 0 && row < samples, "order must hold row numbers of x");
        if (call.index == nullptr) continue;
        if (call.index[row] < 0 || call.index[row] >= classes) {
            throw py::index_error("class index " + std::to_string(call.index[row]) + " of row " + std::to_string(row) +
                                  " is out of range for " + std::to_string(classes) + " classes");
        }
    }
}

// See _fastnn.pyi.
std::ptrdiff_t train(NetworkObject& network, const py::object& x, const py::object& order, const py::object& y,
                     const py::object& weight, std::ptrdiff_t batch_size, std::ptrdiff_t first, std::ptrdiff_t last,
                     const py::object& rates, std::int64_t iteration, std::uint64_t seed, const py::object& losses,
                     const py::object& outputs, double seconds) {
    const Exclusive hold(network);
    return network.visit([&](auto& net) {
        using T = typename std::decay_t<decltype(net)>::Element;
        require(net.compiled(), "the network is not compiled");
        TrainCall<T> call = {};
        Array samples;
        require(read(x.ptr(), samples) && network.read_samples(samples, call.x), "x does not fit the network");
        const std::ptrdiff_t count = samples.shape[0];
        call.rows = count;
        if (!order.is_none()) {
            const Array array = read_of(order, DType::i64, "order");
            call.order = array.as<std::int64_t>();
            call.rows = array.size;
        }
        call.batch_size = batch_size;
        call.first = first;
        call.last = last;
        require(batch_size >= 1 && first >= 0 && first < last && first * batch_size < call.rows, "no such step");
        const std::ptrdiff_t steps = (call.rows - 1) / batch_size + 1;
        require(last <= steps, "no such step");
        Array target;
        require(read(y.ptr(), target), "y is not a C-contiguous array");
        if (target.dtype == DType::i64) {
            require(target.size == count, "y must have a class index for every row");
            call.index = target.as<std::int64_t>();
        } else {
            require(target.dtype == network.dtype && target.size == count * net.outputs(),
                    "y does not fit the network");
            call.target = target.as<T>();
        }
        require(call.index == nullptr || net.takes_index(), "y must hold targets, not class indices");
        if (!weight.is_none()) call.weight = read_values(weight, network.dtype, count, "weight").template as<T>();
        const Array all_rates = read_of(rates, DType::f64, "rates"), all_losses = read_of(losses, DType::f64, "losses");
        require(all_rates.size >= last && all_losses.size >= last && all_losses.writeable,
                "rates and losses: one a step");
        call.rates = all_rates.as<double>();
        call.losses = all_losses.as<double>();
        call.iteration = iteration;
        call.seed = seed;
        call.seconds = seconds;
        if (!outputs.is_none()) {
            const Array room = read_of(outputs, network.dtype, "outputs");
            const std::ptrdiff_t rows = std::min(call.rows, last * batch_size) - first * batch_size;
            require(room.writeable && room.size >= rows * net.outputs(), "outputs must have room for the steps' rows");
            call.outputs = room.as<T>();
        }
        require_in_range(call, count, net.outputs());
        std::ptrdiff_t done = 0;
        constexpr double kAlways = std::numeric_limits<double>::infinity();
        unlocked(kAlways, [&] { done = net.train(call); });
        return done;
    });
}

}  // namespace

void bind_network_training(py::class_<NetworkObject>& network) {
    network.def("compile", &compile, py::arg("loss"), py::arg("optimizer"), py::arg("penalties"), py::pos_only())
        .def("train", &train, py::arg("x"), py::arg("order").none(), py::arg("y"), py::arg("weight").none(),
             py::arg("batch_size"), py::arg("first"), py::arg("last"), py::arg("rates"), py::arg("iteration"),
             py::arg("seed"), py::arg("losses"), py::arg("outputs").none(), py::arg("seconds"), py::pos_only());
}

}  // namespace python
}  // namespace fastnn
