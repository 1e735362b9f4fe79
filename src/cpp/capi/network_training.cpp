// Networks in C: compile, and steps of training.
#include <algorithm>
#include <cmath>

#include "checks.h"
#include "network.h"

namespace fastnn {
namespace capi {
namespace {

template <class T>
struct Batch {
    std::int64_t rows;
    const T *x, *targets;
    const std::int64_t* classes;
    const T* weights;
};

template <class T>
fastnn_status check_batch(const Network<T>& net, const TrainingPlan& plan, const Batch<T>& batch) {
    if (batch.rows < 1) return FASTNN_BAD_SIZE;
    const bool by_class = batch.classes != nullptr;
    const std::int64_t results = count(batch.rows, net.outputs());
    const fastnn_status status =
        check({input(batch.x, count(batch.rows, net.inputs())), input(batch.targets, results, by_class),
               input(batch.classes, batch.rows, true), input(batch.weights, batch.rows, true)});
    if (status != FASTNN_OK) return status;
    if (by_class && (batch.targets != nullptr || !net.takes_index())) return FASTNN_BAD_VALUE;
    const auto is_class = [&](std::int64_t index) { return index >= 0 && index < net.outputs(); };
    if (by_class && !std::all_of(batch.classes, batch.classes + batch.rows, is_class)) return FASTNN_BAD_CLASS;
    // nan passes, as in Python.
    const auto is_outside = [](T target) { return target < T(0) || target > T(1); };
    if (plan.is_binary && std::any_of(batch.targets, batch.targets + results, is_outside)) return FASTNN_BAD_VALUE;
    return FASTNN_OK;
}

template <class T>
fastnn_status train_step(fastnn_network* network, const Batch<T>& batch, double rate, double* loss) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    Network<T>* const net = network->of<T>();
    if (net == nullptr) return FASTNN_BAD_DTYPE;
    if (!network->training || network->training->iterations >= kMostSteps) return FASTNN_BAD_STATE;
    TrainingPlan& plan = *network->training;
    const fastnn_status status = check_batch(*net, plan, batch);
    if (status != FASTNN_OK) return status;
    if (!(rate >= 0.0) || std::isinf(rate)) return FASTNN_BAD_VALUE;
    return guarded([&] {
        TrainCall<T> call = {};
        call.x = network->rows(batch.x, network->type());
        call.rows = call.batch_size = static_cast<std::ptrdiff_t>(batch.rows);
        call.last = 1;
        call.index = batch.classes;
        call.target = network->prepared(batch.targets, call.rows);
        call.weight = batch.weights;
        call.rates = &rate;
        call.iteration = plan.iterations;
        call.seed = plan.seed;
        double value = 0.0;
        call.losses = &value;
        net->train(call);
        ++plan.iterations;
        if (loss != nullptr) *loss = value;
    });
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

fastnn_status fastnn_training_defaults(fastnn_training* training, size_t bytes, fastnn_network_loss loss,
                                       fastnn_optimizer optimizer) noexcept {
    if (training == nullptr) return FASTNN_NULL_POINTER;
    if (bytes < sizeof *training || loss < 0 || loss > FASTNN_LOSS_SPARSE_CROSS_ENTROPY || optimizer < 0 ||
        optimizer > FASTNN_ADAGRAD) {
        return FASTNN_BAD_VALUE;
    }
    std::memset(training, 0, bytes);
    training->bytes = bytes;
    training->loss = loss;
    training->delta = 1.0;
    training->optimizer = optimizer;
    training->learning_rate = optimizer == FASTNN_SGD ? 0.01 : 0.001;
    training->beta_1 = 0.9;
    training->beta_2 = 0.999;
    training->rho = 0.9;
    training->epsilon = 1e-7;
    training->initial_accumulator_value = 0.1;
    training->weight_decay = optimizer == FASTNN_ADAMW ? 0.004 : 0.0;
    return FASTNN_OK;
}

fastnn_status fastnn_network_compile(fastnn_network* network, const fastnn_training* training) noexcept {
    if (network == nullptr || training == nullptr) return FASTNN_NULL_POINTER;
    return fastnn::capi::guarded([&] {
        fastnn_training options;
        fastnn::require(fastnn::capi::take(training, training->bytes, options), FASTNN_BAD_VALUE);
        network->compile(options);
    });
}

int64_t fastnn_network_iterations(const fastnn_network* network) noexcept {
    return network == nullptr || !network->training ? 0 : network->training->iterations;
}

fastnn_status fastnn_network_learning_rate(const fastnn_network* network, double* learning_rate) noexcept {
    if (network == nullptr || learning_rate == nullptr) return FASTNN_NULL_POINTER;
    if (!network->training || std::isnan(network->training->learning_rate)) return FASTNN_BAD_STATE;
    *learning_rate = network->training->learning_rate;
    return FASTNN_OK;
}

#define FASTNN_DEFINE(T, suffix)                                                                                 \
    fastnn_status fastnn_network_train_step_##suffix(fastnn_network* network, int64_t rows, const T* x,          \
                                                     const T* targets, const int64_t* classes, const T* weights, \
                                                     double learning_rate, double* loss) noexcept {              \
        return fastnn::capi::train_step<T>(network, {rows, x, targets, classes, weights}, learning_rate, loss);  \
    }
FASTNN_BOTH(FASTNN_DEFINE)
