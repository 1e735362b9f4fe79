// Networks over sizes: around the vector and tile widths, few and many samples, one thread and several. Run it under
// the sanitizers too: the values are checked from Python.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "core/network.h"
#include "core/threads.h"
#include "golden_inputs.h"

namespace {

using golden::centred;
using std::ptrdiff_t;

struct ThreadCount {
    explicit ThreadCount(int n) : before(fastnn::thread_count()) { fastnn::set_thread_count(n); }
    ~ThreadCount() { fastnn::set_thread_count(before); }
    int before;
};

fastnn::OptimizerOptions optimizer(fastnn::OptimizerKind kind, fastnn::Clip clip) {
    fastnn::OptimizerOptions options = {};
    options.kind = kind;
    options.beta1 = 0.9;
    options.beta2 = 0.999;
    options.rho = 0.9;
    options.epsilon = 1e-7;
    options.momentum = kind == fastnn::OptimizerKind::adam ? 0.0 : 0.5;
    options.clip = clip;
    options.limit = 0.1;
    return options;
}

// The losses, weights and results after three steps.
template <class T>
std::vector<T> trained(const std::vector<ptrdiff_t>& widths, ptrdiff_t batch, const fastnn::OptimizerOptions& options) {
    std::vector<fastnn::StageOptions> stages;
    for (std::size_t i = 1; i < widths.size(); ++i) {
        fastnn::StageOptions stage = {};
        stage.operation = fastnn::Operation::dense;
        stage.outputs = widths[i];
        stage.kind = fastnn::Kind::tanh;
        stage.has_bias = true;
        stages.push_back(stage);
    }
    fastnn::Network<T> network(widths[0], stages);
    for (std::size_t v = 0; v < network.variables(); ++v) {
        network.set_variable(v, centred<T>(v, network.variable_size(v), 0.5).data());
    }
    fastnn::NetworkLoss loss = {};
    loss.form = fastnn::NetworkLoss::Form::elementwise;
    loss.kind = fastnn::LossKind::mse;
    loss.mean = true;
    network.compile(loss, options, std::vector<fastnn::Penalty>(network.variables()));

    constexpr ptrdiff_t kSteps = 3;
    const ptrdiff_t rows = 2 * batch + 1;
    const std::vector<T> x = centred<T>(20, rows * widths[0], 2), y = centred<T>(21, rows * network.outputs(), 2);
    const std::vector<std::int64_t> order = golden::indices(22, kSteps * batch, rows);
    const std::vector<double> rates(kSteps, 0.01);
    std::vector<double> losses(kSteps);
    fastnn::TrainCall<T> call = {};
    call.x.data = x.data();
    call.x.type = sizeof(T) == 4 ? fastnn::RowSource::Type::f32 : fastnn::RowSource::Type::f64;
    call.x.columns = widths[0];
    call.order = order.data();
    call.rows = kSteps * batch;
    call.batch_size = batch;
    call.target = y.data();
    call.last = kSteps;
    call.rates = rates.data();
    call.losses = losses.data();
    call.seconds = 1e9;
    CHECK(network.train(call) == kSteps);

    std::vector<T> found;
    for (const double value : losses) found.push_back(golden::narrowed<T>(value));
    for (std::size_t v = 0; v < network.variables(); ++v) {
        std::vector<T> values(static_cast<std::size_t>(network.variable_size(v)));
        network.get_variable(v, values.data());
        found.insert(found.end(), values.begin(), values.end());
    }
    std::vector<T> results(static_cast<std::size_t>(rows * network.outputs()));
    network.predict(call.x, rows, results.data(), false);
    found.insert(found.end(), results.begin(), results.end());
    return found;
}

template <class T>
void check(const std::vector<ptrdiff_t>& widths, ptrdiff_t batch) {
    using fastnn::Clip;
    using fastnn::OptimizerKind;
    for (const fastnn::OptimizerOptions& options :
         {optimizer(OptimizerKind::adam, Clip::none), optimizer(OptimizerKind::rmsprop, Clip::value),
          optimizer(OptimizerKind::sgd, Clip::norm), optimizer(OptimizerKind::adam, Clip::global_norm)}) {
        std::vector<T> alone, together;
        {
            const ThreadCount one(1);
            alone = trained<T>(widths, batch, options);
        }
        {
            const ThreadCount several(3);
            together = trained<T>(widths, batch, options);
        }
        CHECK(std::memcmp(alone.data(), together.data(), alone.size() * sizeof(T)) == 0);
    }
}

}  // namespace

TEST_CASE("networks of all widths train the same on one thread and on several") {
    for (const ptrdiff_t width : {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 97, 128, 130}) {
        for (const ptrdiff_t batch : {1, 3, 5, 33, 260}) {
            CAPTURE(width);
            CAPTURE(batch);
            check<float>({5, width, 70}, batch);
            check<double>({5, width, 6}, batch);
        }
    }
}

TEST_CASE("large layers, whose columns are shared and whose gradients are packed") {
    check<float>({40, 1100, 9}, 300);
    check<float>({300, 200, 300, 4}, 40);
}
