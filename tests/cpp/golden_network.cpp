// Golden cases of whole networks: some steps of training, then the losses, the weights and the results.
#include <stdexcept>

#include "core/network.h"
#include "golden.h"

namespace golden {
namespace {

using fastnn::Kind;
using fastnn::Operation;
using fastnn::StageOptions;

constexpr ptrdiff_t kRows = 101, kSteps = 12;

StageOptions dense(ptrdiff_t outputs, Kind kind, double parameter = 0.0) {
    StageOptions stage = {};
    stage.operation = Operation::dense;
    stage.outputs = outputs;
    stage.kind = kind;
    stage.parameter = parameter;
    stage.has_bias = true;
    return stage;
}

StageOptions other(Operation operation, ptrdiff_t outputs) {
    StageOptions stage = {};
    stage.operation = operation;
    stage.outputs = outputs;
    return stage;
}

StageOptions dropout(ptrdiff_t outputs, double rate, std::uint64_t key) {
    StageOptions stage = other(Operation::dropout, outputs);
    stage.rate = rate;
    stage.key = key;
    return stage;
}

fastnn::OptimizerOptions optimizer(fastnn::OptimizerKind kind) {
    fastnn::OptimizerOptions options = {};
    options.kind = kind;
    options.beta1 = 0.9;
    options.beta2 = 0.999;
    options.rho = 0.9;
    options.epsilon = 1e-7;
    return options;
}

struct Case {
    ptrdiff_t inputs, batch;
    std::vector<StageOptions> stages;
    fastnn::NetworkLoss loss;
    fastnn::OptimizerOptions optimizer;
    double l1, l2;
    bool by_index, bytes;
};

// The same as network() in ../golden_cases.py.
Case case_of(const std::string& variant) {
    using Form = fastnn::NetworkLoss::Form;
    using fastnn::LossKind;
    if (variant == "classes") {
        return {33,
                32,
                {dense(150, Kind::relu), dropout(150, 0.3, 1), dense(19, Kind::tanh), dense(10, Kind::identity),
                 other(Operation::softmax, 10)},
                {Form::from_logits, LossKind::mse, 1.0, false, 0.0, true, true},
                optimizer(fastnn::OptimizerKind::adam),
                0.0,
                0.001,
                true,
                false};
    }
    if (variant == "values") {
        Case c = {
            20,
            25,
            {dense(40, Kind::gelu), other(Operation::prelu, 40), dense(5, Kind::swish, 1.0), dense(3, Kind::identity)},
            {Form::elementwise, LossKind::huber, 0.5, false, 0.0, true, false},
            optimizer(fastnn::OptimizerKind::sgd),
            0.0,
            0.0,
            false,
            false};
        c.optimizer.momentum = 0.9;
        c.optimizer.nesterov = true;
        c.optimizer.clip = fastnn::Clip::global_norm;
        c.optimizer.limit = 0.5;
        return c;
    }
    if (variant == "bytes") {
        Case c = {70,
                  64,
                  {dense(130, Kind::relu), dense(129, Kind::relu), dense(1, Kind::sigmoid)},
                  {Form::elementwise, LossKind::binary_cross_entropy_with_logits, 1.0, false, 0.0, true, true},
                  optimizer(fastnn::OptimizerKind::rmsprop),
                  0.001,
                  0.0,
                  false,
                  true};
        c.optimizer.momentum = 0.5;
        return c;
    }
    if (variant == "single") {
        return {9,
                1,
                {dense(12, Kind::sigmoid), other(Operation::softmax, 12), dense(2, Kind::identity)},
                {Form::elementwise, LossKind::mse, 1.0, false, 0.0, true, false},
                optimizer(fastnn::OptimizerKind::adagrad),
                0.0,
                0.0,
                false,
                false};
    }
    throw std::runtime_error("no network is called " + variant);
}

template <class T>
void network(const Name& name, Digest& digest) {
    const Case c = case_of(name.words.at(0));
    fastnn::Network<T> net(c.inputs, c.stages);
    std::vector<fastnn::Penalty> penalties;
    for (std::size_t v = 0; v < net.variables(); ++v) {
        const std::vector<T> values = centred<T>(v + 1, net.variable_size(v), 0.5);
        net.set_variable(v, values.data());
        penalties.push_back({c.l1, c.l2});
    }
    net.compile(c.loss, c.optimizer, penalties);

    const std::vector<T> numbers = centred<T>(10, kRows * c.inputs, 4);
    std::vector<unsigned char> pixels;
    for (const std::int64_t pixel : indices(11, kRows * c.inputs, 256))
        pixels.push_back(static_cast<unsigned char>(pixel));
    fastnn::RowSource x = {};
    x.data = numbers.data();
    x.type = sizeof(T) == 4 ? fastnn::RowSource::Type::f32 : fastnn::RowSource::Type::f64;
    x.columns = c.inputs;
    if (c.bytes) {
        x.data = pixels.data();
        x.type = fastnn::RowSource::Type::u8;
        x.rescales = true;
        x.scale = 0.0078125;
        x.offset = -1.0;
    }
    std::vector<std::int64_t> order;
    for (ptrdiff_t i = 0; i < kRows; ++i) order.push_back((i * 37 + 11) % kRows);
    const std::vector<std::int64_t> classes = indices(12, kRows, net.outputs());
    const std::vector<T> targets = positive<T>(13, kRows * net.outputs(), 1), weights = positive<T>(14, kRows, 2);
    const ptrdiff_t steps = (kRows - 1) / c.batch + 1;
    const std::vector<double> rates(static_cast<std::size_t>(steps), 0.01);
    std::vector<double> losses(static_cast<std::size_t>(steps));
    std::vector<T> outputs(static_cast<std::size_t>(kRows * net.outputs()));

    fastnn::TrainCall<T> call = {};
    call.x = x;
    call.order = order.data();
    call.rows = kRows;
    call.batch_size = c.batch;
    call.index = c.by_index ? classes.data() : nullptr;
    call.target = c.by_index ? nullptr : targets.data();
    call.weight = weights.data();
    call.rates = rates.data();
    call.seed = 7;
    call.losses = losses.data();
    call.outputs = outputs.data();
    call.seconds = 1e9;
    for (ptrdiff_t done = 0; done < kSteps;) {
        call.first = 0;
        call.last = std::min(steps, kSteps - done);
        call.iteration = done;
        const ptrdiff_t more = net.train(call);
        done += more;
        digest.add(losses.data(), static_cast<std::size_t>(more));
        digest.add(outputs.data(), static_cast<std::size_t>(std::min(kRows, more * c.batch) * net.outputs()));
    }
    for (std::size_t v = 0; v < net.variables(); ++v) {
        std::vector<T> values(static_cast<std::size_t>(net.variable_size(v)));
        net.get_variable(v, values.data());
        digest.add(values);
    }
    for (const ptrdiff_t rows : {ptrdiff_t(1), ptrdiff_t(7), kRows}) {
        std::vector<T> y(static_cast<std::size_t>(rows * net.outputs()));
        net.predict(x, rows, y.data(), false);
        digest.add(y);
    }
}

}  // namespace

bool run_network(const Name& name, Digest& digest) {
    if (name.operation != "network") return false;
    name.is_double ? network<double>(name, digest) : network<float>(name, digest);
    return true;
}

}  // namespace golden
