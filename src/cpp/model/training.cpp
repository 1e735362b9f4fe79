#include "training.h"

#include <cmath>

#include "config.h"

namespace fastnn {
namespace {

constexpr double kMost = std::numeric_limits<double>::max(), kInfinity = std::numeric_limits<double>::infinity();
// What every JSON reader keeps exactly.
constexpr std::int64_t kMostSeed = (std::int64_t{1} << 53) - 1;

// In the order of the enumerators.
struct LossClass {
    std::string_view name, keras;
    LossKind kind;
};
constexpr LossClass kLosses[] = {
    {"MeanSquaredError", "mean_squared_error", LossKind::mse},
    {"MeanAbsoluteError", "mean_absolute_error", LossKind::mae},
    {"Huber", "huber", LossKind::huber},
    {"SumSquaredError", "sum_squared_error", LossKind::mse},
    {"Poisson", "poisson", LossKind::poisson},
    {"Hinge", "hinge", LossKind::hinge},
    {"BinaryCrossentropy", "binary_crossentropy", LossKind::binary_cross_entropy},
    {"CategoricalCrossentropy", "categorical_crossentropy", LossKind::mse},
    {"SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", LossKind::mse},
};
constexpr int kLossCount = static_cast<int>(sizeof kLosses / sizeof *kLosses);

struct OptimizerClass {
    std::string_view name, keras;
    OptimizerKind kind;
};
constexpr OptimizerClass kOptimizers[] = {{"SGD", "SGD", OptimizerKind::sgd},
                                          {"Adam", "adam", OptimizerKind::adam},
                                          {"AdamW", "adamw", OptimizerKind::adam},
                                          {"RMSprop", "rmsprop", OptimizerKind::rmsprop},
                                          {"Adagrad", "adagrad", OptimizerKind::adagrad}};
constexpr int kOptimizerCount = static_cast<int>(sizeof kOptimizers / sizeof *kOptimizers);

// Python's names of the limits, in the order of Clip.
constexpr std::string_view kClips[] = {"", "clipvalue", "clipnorm", "global_clipnorm"};

template <class Class, int kCount>
int index_of(const Class (&classes)[kCount], std::string_view name) {
    for (int i = 0; i < kCount; ++i) {
        if (classes[i].name == name) return i;
    }
    fail(FASTNN_BAD_MODEL);
}

bool has_smoothing(int loss) {
    return loss == FASTNN_LOSS_BINARY_CROSS_ENTROPY || loss == FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY;
}
bool is_over_classes(int loss) {
    return loss == FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY || loss == FASTNN_LOSS_SPARSE_CROSS_ENTROPY;
}

void read_loss(const Json& document, LastOperation last, TrainingPlan& plan) {
    using Form = NetworkLoss::Form;
    const Described saved = described(document);
    const int index = index_of(kLosses, saved.name);
    Config config(*saved.config);
    NetworkLoss& loss = plan.loss;
    loss.form = Form::elementwise;
    loss.kind = kLosses[index].kind;
    loss.parameter = 1.0;
    if (index == FASTNN_LOSS_HUBER) {
        loss.parameter = config.finite("delta", 1.0, 0.0);
        require_model(loss.parameter > 0.0);
    }
    loss.sums_features = index == FASTNN_LOSS_SUM_SQUARED_ERROR;
    loss.mean = true;
    const Json* const reduction = config.take("reduction");
    if (reduction != nullptr) {
        loss.mean = reduction->is("sum_over_batch_size");
        require_model(loss.mean || reduction->is("sum"));
    }
    config.skip("name");
    double smoothing = 0.0;
    bool from_logits = false;
    if (has_smoothing(index)) smoothing = config.real("label_smoothing", 0.0, 0.0, 1.0);
    if (has_smoothing(index) || is_over_classes(index)) from_logits = config.flag("from_logits", false);
    config.end();
    plan.is_binary = index == FASTNN_LOSS_BINARY_CROSS_ENTROPY;
    if (plan.is_binary) {
        const bool is_squashed = last == LastOperation::sigmoid;
        if (from_logits || is_squashed) loss.kind = LossKind::binary_cross_entropy_with_logits;
        loss.skips_last = is_squashed && !from_logits;
        plan.target_smoothing = smoothing;
    } else if (is_over_classes(index)) {
        const bool is_softmax = last == LastOperation::softmax;
        loss.form = from_logits || is_softmax ? Form::from_logits : Form::from_probabilities;
        loss.skips_last = is_softmax && !from_logits;
        loss.smoothing = smoothing;
    }
}

void read_optimizer(const Json& document, TrainingPlan& plan) {
    const Described saved = described(document);
    const int index = index_of(kOptimizers, saved.name);
    Config config(*saved.config);
    OptimizerOptions& options = plan.optimizer;
    options.kind = kOptimizers[index].kind;
    // What the kind has no use for stays as network/engine.py has it.
    options.beta1 = 0.9;
    options.beta2 = 0.999;
    options.rho = 0.9;
    options.epsilon = 1e-7;
    const double below_one = std::nextafter(1.0, 0.0);
    switch (options.kind) {
        case OptimizerKind::sgd:
            options.momentum = config.real("momentum", 0.0, 0.0, 1.0);
            options.nesterov = config.flag("nesterov", false) && options.momentum > 0.0;
            break;
        case OptimizerKind::adam:
            options.beta1 = config.real("beta_1", 0.9, 0.0, below_one);
            options.beta2 = config.real("beta_2", 0.999, 0.0, below_one);
            break;
        case OptimizerKind::rmsprop:
            options.rho = config.real("rho", 0.9, 0.0, 1.0);
            options.momentum = config.real("momentum", 0.0, 0.0, 1.0);
            break;
        case OptimizerKind::adagrad:
            options.initial = config.finite("initial_accumulator_value", 0.1, 0.0);
            break;
    }
    if (options.kind != OptimizerKind::sgd) options.epsilon = config.finite("epsilon", 1e-7, 0.0);
    options.weight_decay = config.finite("weight_decay", index == FASTNN_ADAMW ? 0.004 : 0.0, 0.0);
    for (int clip = 1; clip < 4; ++clip) {
        const double limit = config.real(kClips[clip], 0.0, std::numeric_limits<double>::denorm_min(), kInfinity);
        if (limit == 0.0) continue;
        require_model(options.clip == Clip::none);
        options.clip = static_cast<Clip>(clip);
        options.limit = limit;
    }
    config.skip("name");
    const Json* const rate = config.take("learning_rate");
    require_model(rate != nullptr);
    plan.learning_rate = std::numeric_limits<double>::quiet_NaN();
    if (rate->is_number()) {
        require_model(rate->number >= 0.0 && rate->number <= kMost);
        plan.learning_rate = rate->number;
    } else {
        described(*rate);
    }
    config.end();
}

Json write_loss(const fastnn_training& training) {
    const LossClass& loss = kLosses[training.loss];
    Json config = Json::object();
    config.set("name", Json::string(std::string(loss.keras)));
    config.set("reduction", Json::string(training.sums != 0 ? "sum" : "sum_over_batch_size"));
    if (training.loss == FASTNN_LOSS_HUBER) config.set("delta", Json::real(training.delta));
    if (has_smoothing(training.loss)) config.set("label_smoothing", Json::real(training.label_smoothing));
    if (has_smoothing(training.loss) || is_over_classes(training.loss)) {
        config.set("from_logits", Json::boolean(training.from_logits != 0));
    }
    return describe(loss.name, std::move(config));
}

Json write_optimizer(const fastnn_training& training) {
    const OptimizerClass& optimizer = kOptimizers[training.optimizer];
    Json config = Json::object();
    config.set("name", Json::string(std::string(optimizer.keras)));
    config.set("learning_rate", Json::real(training.learning_rate));
    const bool always_decays = training.optimizer == FASTNN_ADAMW;
    config.set("weight_decay",
               training.weight_decay == 0.0 && !always_decays ? Json() : Json::real(training.weight_decay));
    for (int clip = 1; clip < 4; ++clip) {
        config.set(kClips[clip], training.clip == clip ? Json::real(training.clip_limit) : Json());
    }
    switch (optimizer.kind) {
        case OptimizerKind::sgd:
            config.set("momentum", Json::real(training.momentum));
            config.set("nesterov", Json::boolean(training.nesterov != 0));
            break;
        case OptimizerKind::adam:
            config.set("beta_1", Json::real(training.beta_1));
            config.set("beta_2", Json::real(training.beta_2));
            break;
        case OptimizerKind::rmsprop:
            config.set("rho", Json::real(training.rho));
            config.set("momentum", Json::real(training.momentum));
            break;
        case OptimizerKind::adagrad:
            config.set("initial_accumulator_value", Json::real(training.initial_accumulator_value));
            break;
    }
    if (optimizer.kind != OptimizerKind::sgd) config.set("epsilon", Json::real(training.epsilon));
    return describe(optimizer.name, std::move(config));
}

}  // namespace

TrainingPlan read_training(const Json& compile, LastOperation last) {
    TrainingPlan plan = {};
    Config config(compile);
    const Json* const loss = config.take("loss");
    const Json* const optimizer = config.take("optimizer");
    const Json* const iterations = config.take("iterations");
    const Json* const seed = config.take("dropout_seed");
    // Python's metrics change nothing in a step.
    config.skip("metrics");
    config.skip("weighted_metrics");
    config.end();
    require_model(loss != nullptr && optimizer != nullptr && iterations != nullptr && seed != nullptr);
    read_loss(*loss, last, plan);
    read_optimizer(*optimizer, plan);
    plan.iterations = integer_of(*iterations, 0, kMostSteps);
    plan.seed = static_cast<std::uint64_t>(integer_of(*seed, 0, kMostSeed));
    return plan;
}

Json write_training(const fastnn_training& training) {
    require(training.loss >= 0 && training.loss < kLossCount && training.optimizer >= 0 &&
                training.optimizer < kOptimizerCount && training.clip >= FASTNN_CLIP_NONE &&
                training.clip <= FASTNN_CLIP_GLOBAL_NORM && training.seed <= kMostSeed,
            FASTNN_BAD_VALUE);
    Json document = Json::object();
    document.set("loss", write_loss(training));
    document.set("optimizer", write_optimizer(training));
    document.set("metrics", Json::array({}));
    document.set("weighted_metrics", Json::array({}));
    document.set("iterations", Json::integer(0));
    document.set("dropout_seed", Json::integer(static_cast<std::int64_t>(training.seed)));
    return document;
}

const char* slot_name(const OptimizerOptions& optimizer, int slot) {
    switch (optimizer.kind) {
        case OptimizerKind::adam:
            return slot == 0 ? "m" : "v";
        case OptimizerKind::rmsprop:
            return slot == 0 ? "v" : "k";
        case OptimizerKind::adagrad:
            return "s";
        default:
            return "k";
    }
}

}  // namespace fastnn
