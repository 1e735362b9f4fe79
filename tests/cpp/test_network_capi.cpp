// Networks in C: the bits of the core, and what bad arguments get.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "capi.h"
#include "core/network.h"
#include "golden_inputs.h"
#include "networks.h"

namespace {

using golden::centred;

template <class T>
fastnn::RowSource rows_of(const fastnn_stage& first, const void* x, fastnn::RowSource::Type type, std::int64_t inputs) {
    fastnn::RowSource source = {};
    source.data = x;
    source.type = type;
    source.columns = inputs;
    source.rescales = first.layer == FASTNN_RESCALING;
    source.scale = first.scale;
    source.offset = first.offset;
    return source;
}

// The same network by the core alone.
template <class T>
std::unique_ptr<fastnn::Network<T>> core_network(const fastnn_network* network, const std::vector<fastnn_stage>& stages,
                                                 std::int64_t inputs) {
    std::vector<fastnn::StageOptions> all;
    std::int64_t width = inputs;
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const fastnn_stage& from = stages[i];
        if (i == 0 && from.layer == FASTNN_RESCALING) continue;
        fastnn::StageOptions stage = {};
        constexpr fastnn::Operation kOperations[] = {fastnn::Operation::dense,   fastnn::Operation::activation,
                                                     fastnn::Operation::prelu,   fastnn::Operation::dropout,
                                                     fastnn::Operation::softmax, fastnn::Operation::rescaling};
        stage.operation = kOperations[from.layer];
        width = from.layer == FASTNN_DENSE ? from.units : width;
        stage.outputs = width;
        stage.kind = static_cast<fastnn::Kind>(from.activation);
        stage.parameter = from.parameter;
        stage.has_bias = true;
        stage.scale = from.scale;
        stage.offset = from.offset;
        all.push_back(stage);
    }
    auto made = std::make_unique<fastnn::Network<T>>(inputs, all);
    for (std::size_t v = 0; v < made->variables(); ++v) {
        std::vector<T> values(static_cast<std::size_t>(made->variable_size(v)));
        const auto size = static_cast<std::int64_t>(values.size());
        REQUIRE(NetworkApi<T>::get_variable(network, v, size, values.data()) == FASTNN_OK);
        made->set_variable(v, values.data());
    }
    return made;
}

template <class T>
void check_predict() {
    using namespace capi;
    using Api = NetworkApi<T>;
    constexpr auto kType = sizeof(T) == 4 ? fastnn::RowSource::Type::f32 : fastnn::RowSource::Type::f64;
    for (const std::vector<fastnn_stage>& stages : some_networks()) {
        const std::int64_t inputs = 70;
        const NetworkPointer made = make_network(Api::kDtype, inputs, stages);
        REQUIRE(made != nullptr);
        const fastnn_network* const network = made.get();
        const std::int64_t outputs = fastnn_network_outputs(network);
        const auto core = core_network<T>(network, stages, inputs);
        CHECK(core->outputs() == outputs);
        // Around the rows that go through all stages at once, and those that threads share.
        const std::vector<Sizes> shapes = {{3}, {1}, {2}, {4}, {5}, {33}, {191}, {192}, {193}, {385}, {500}};
        const auto samples = [=](const Sizes& s) { return s[0] * inputs; };
        const auto results = [=](const Sizes& s) { return s[0] * outputs; };
        const auto scratch = [=](const Sizes& s) { return fastnn_network_predict_scratch(network, s[0]); };
        check({std::string("network_predict") + Api::kSuffix,
               {input<T>("x", samples), output<T>("y", results)},
               shapes,
               [=](const Sizes& s, void* const* p, void* memory, std::size_t bytes) {
                   return Api::predict(network, s[0], as<T>(p[0]), as<T>(p[1]), memory, bytes);
               },
               [&](const Sizes& s, void* const* p) {
                   core->predict(rows_of<T>(stages[0], p[0], kType, inputs), s[0], as<T>(p[1]), false);
               },
               scratch});
        for (const std::int64_t rows : {1, 7, 200}) {
            std::vector<std::uint8_t> x;
            for (const std::int64_t value : golden::indices(3, rows * inputs, 256)) {
                x.push_back(static_cast<std::uint8_t>(value));
            }
            std::vector<T> y(static_cast<std::size_t>(rows * outputs)), expected(y);
            core->predict(rows_of<T>(stages[0], x.data(), fastnn::RowSource::Type::u8, inputs), rows, expected.data(),
                          false);
            REQUIRE(Api::predict_bytes(network, rows, x.data(), y.data(), nullptr, 0) == FASTNN_OK);
            CHECK(std::memcmp(y.data(), expected.data(), y.size() * sizeof(T)) == 0);
        }
    }
}

fastnn_training training_of(fastnn_network_loss loss, fastnn_optimizer optimizer) {
    fastnn_training training;
    REQUIRE(fastnn_training_defaults(&training, sizeof training, loss, optimizer) == FASTNN_OK);
    return training;
}

NetworkPointer classifier(fastnn_dtype dtype = FASTNN_F32) {
    return make_network(dtype, 6,
                        {stage_of(FASTNN_DENSE, 20, FASTNN_RELU), stage_of(FASTNN_DENSE, 3), stage_of(FASTNN_SOFTMAX)});
}

template <class T>
std::vector<T> all_variables(const fastnn_network* network) {
    std::vector<T> all;
    for (std::size_t v = 0; v < fastnn_network_variables(network); ++v) {
        std::vector<T> values(static_cast<std::size_t>(fastnn_network_variable_size(network, v)));
        const auto size = static_cast<std::int64_t>(values.size());
        REQUIRE(NetworkApi<T>::get_variable(network, v, size, values.data()) == FASTNN_OK);
        all.insert(all.end(), values.begin(), values.end());
    }
    return all;
}

template <class T>
void check_training() {
    const auto dtype = NetworkApi<T>::kDtype;
    constexpr auto kTrain = NetworkApi<T>::train_step;
    const NetworkPointer network = classifier(dtype);
    const std::vector<T> x = centred<T>(1, 8 * 6, 2), weights(8, T(1));
    const std::vector<std::int64_t> classes = golden::indices(2, 8, 3);
    double loss = -1.0;
    CHECK(kTrain(network.get(), 8, x.data(), nullptr, classes.data(), nullptr, 0.01, &loss) == FASTNN_BAD_STATE);
    const fastnn_training adam = training_of(FASTNN_LOSS_SPARSE_CROSS_ENTROPY, FASTNN_ADAM);
    REQUIRE(fastnn_network_compile(network.get(), &adam) == FASTNN_OK);
    double rate = 0.0;
    CHECK(fastnn_network_learning_rate(network.get(), &rate) == FASTNN_OK);
    CHECK(rate == 0.001);
    double first = 0.0;
    REQUIRE(kTrain(network.get(), 8, x.data(), nullptr, classes.data(), nullptr, 0.01, &first) == FASTNN_OK);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(kTrain(network.get(), 8, x.data(), nullptr, classes.data(), weights.data(), 0.01, &loss) == FASTNN_OK);
    }
    CHECK(fastnn_network_iterations(network.get()) == 101);
    CHECK(loss < first / 4);
    // The same steps by one-hot targets.
    const NetworkPointer other = classifier(dtype);
    REQUIRE(fastnn_network_compile(other.get(), &adam) == FASTNN_OK);
    std::vector<T> targets(8 * 3);
    for (std::size_t i = 0; i < 8; ++i) targets[i * 3 + static_cast<std::size_t>(classes[i])] = T(1);
    double same = 0.0;
    REQUIRE(kTrain(other.get(), 8, x.data(), targets.data(), nullptr, nullptr, 0.01, &same) == FASTNN_OK);
    CHECK(same == doctest::Approx(first).epsilon(1e-6));

    const std::vector<T> before = all_variables<T>(network.get());
    const auto refused = [&](fastnn_status wanted, fastnn_status found) {
        CHECK(found == wanted);
        CHECK(loss == 7.0);
        CHECK(fastnn_network_iterations(network.get()) == 101);
    };
    loss = 7.0;
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const T* const samples = x.data();
    const std::int64_t* const indices = classes.data();
    for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{-1}, kMost, -kMost - 1, kMost / 8}) {
        refused(FASTNN_BAD_SIZE, kTrain(network.get(), rows, samples, nullptr, indices, nullptr, 0.01, &loss));
    }
    refused(FASTNN_NULL_POINTER, kTrain(nullptr, 8, samples, nullptr, indices, nullptr, 0.01, &loss));
    refused(FASTNN_NULL_POINTER, kTrain(network.get(), 8, nullptr, nullptr, indices, nullptr, 0.01, &loss));
    refused(FASTNN_NULL_POINTER, kTrain(network.get(), 8, samples, nullptr, nullptr, nullptr, 0.01, &loss));
    refused(FASTNN_BAD_VALUE, kTrain(network.get(), 8, samples, targets.data(), indices, nullptr, 0.01, &loss));
    for (const double bad : {-0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
        refused(FASTNN_BAD_VALUE, kTrain(network.get(), 8, samples, nullptr, indices, nullptr, bad, &loss));
    }
    for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{3}, kMost}) {
        std::vector<std::int64_t> wrong = classes;
        wrong[5] = bad;
        refused(FASTNN_BAD_CLASS, kTrain(network.get(), 8, samples, nullptr, wrong.data(), nullptr, 0.01, &loss));
    }
    const auto* const odd = reinterpret_cast<const T*>(reinterpret_cast<const char*>(samples) + 2);
    refused(FASTNN_BAD_VALUE, kTrain(network.get(), 2, odd, nullptr, indices, nullptr, 0.01, &loss));
    refused(FASTNN_BAD_VALUE, kTrain(network.get(), 2, samples, nullptr, indices, odd, 0.01, &loss));
    CHECK(all_variables<T>(network.get()) == before);
    REQUIRE(kTrain(network.get(), 8, samples, nullptr, indices, nullptr, 0.0, nullptr) == FASTNN_OK);
}

}  // namespace

TEST_CASE("C interface: network_predict") {
    check_predict<float>();
    check_predict<double>();
}

TEST_CASE("C interface: network_train_step") {
    check_training<float>();
    check_training<double>();
}

TEST_CASE("C interface: every loss and optimizer") {
    for (fastnn_network_loss loss = 0; loss <= FASTNN_LOSS_SPARSE_CROSS_ENTROPY; ++loss) {
        for (fastnn_optimizer optimizer = 0; optimizer <= FASTNN_ADAGRAD; ++optimizer) {
            for (const bool from_logits : {false, true}) {
                const bool is_binary = loss == FASTNN_LOSS_BINARY_CROSS_ENTROPY;
                const NetworkPointer network = make_network(
                    FASTNN_F64, 4,
                    {stage_of(FASTNN_DENSE, 5, FASTNN_TANH), stage_of(FASTNN_DENSE, 2),
                     is_binary ? stage_of(FASTNN_ACTIVATION, 0, FASTNN_SIGMOID) : stage_of(FASTNN_SOFTMAX)});
                fastnn_training training = training_of(loss, optimizer);
                training.from_logits = from_logits ? 1 : 0;
                training.momentum = 0.5;
                training.nesterov = 1;
                training.label_smoothing = 0.125;
                REQUIRE(fastnn_network_compile(network.get(), &training) == FASTNN_OK);
                const std::vector<double> x = centred<double>(1, 3 * 4, 2), y = {1, 0, 0, 1, 1, 0};
                const std::vector<std::int64_t> classes = {0, 1, 0};
                const bool by_class = loss == FASTNN_LOSS_SPARSE_CROSS_ENTROPY;
                double first = 0.0, last = 0.0;
                for (int i = 0; i < 30; ++i) {
                    REQUIRE(fastnn_network_train_step_f64(network.get(), 3, x.data(), by_class ? nullptr : y.data(),
                                                          by_class ? classes.data() : nullptr, nullptr, 0.02,
                                                          i == 0 ? &first : &last) == FASTNN_OK);
                }
                CAPTURE(loss);
                CAPTURE(optimizer);
                CHECK(last < first);
                const double outside = 1.5;
                if (is_binary) {
                    std::vector<double> wrong = y;
                    wrong[3] = outside;
                    CHECK(fastnn_network_train_step_f64(network.get(), 3, x.data(), wrong.data(), nullptr, nullptr, 0.1,
                                                        nullptr) == FASTNN_BAD_VALUE);
                }
            }
        }
    }
}

TEST_CASE("C interface: compile refuses what is out of range") {
    const NetworkPointer network = classifier();
    const fastnn_training good = training_of(FASTNN_LOSS_HUBER, FASTNN_RMSPROP);
    CHECK(fastnn_network_compile(network.get(), nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_compile(nullptr, &good) == FASTNN_NULL_POINTER);
    const auto check = [&](auto fastnn_training::*member, auto value, fastnn_training training) {
        training.*member = static_cast<std::decay_t<decltype(training.*member)>>(value);
        CHECK(fastnn_network_compile(network.get(), &training) == FASTNN_BAD_VALUE);
        CHECK(fastnn_network_iterations(network.get()) == 0);
    };
    check(&fastnn_training::bytes, sizeof good - 1, good);
    check(&fastnn_training::loss, -1, good);
    check(&fastnn_training::loss, 9, good);
    check(&fastnn_training::optimizer, -1, good);
    check(&fastnn_training::optimizer, 5, good);
    check(&fastnn_training::clip, 4, good);
    check(&fastnn_training::clip, FASTNN_CLIP_NORM, good);  // without a limit
    check(&fastnn_training::seed, 1ULL << 53, good);
    for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
        check(&fastnn_training::delta, bad, good);
        check(&fastnn_training::learning_rate, bad, good);
        check(&fastnn_training::momentum, bad, good);
        check(&fastnn_training::rho, bad, good);
        check(&fastnn_training::epsilon, bad, good);
        check(&fastnn_training::weight_decay, bad, good);
        check(&fastnn_training::beta_1, bad, training_of(FASTNN_LOSS_MSE, FASTNN_ADAM));
        check(&fastnn_training::beta_2, bad, training_of(FASTNN_LOSS_MSE, FASTNN_ADAMW));
        check(&fastnn_training::initial_accumulator_value, bad, training_of(FASTNN_LOSS_MSE, FASTNN_ADAGRAD));
        check(&fastnn_training::label_smoothing, bad, training_of(FASTNN_LOSS_CATEGORICAL_CROSS_ENTROPY, FASTNN_SGD));
    }
    CHECK(fastnn_network_compile(network.get(), &good) == FASTNN_OK);
    // A later version's structure: what this one does not know must be 0.
    struct {
        fastnn_training known;
        double more;
    } later = {good, 0.0};
    later.known.bytes = sizeof later;
    CHECK(fastnn_network_compile(network.get(), &later.known) == FASTNN_OK);
    later.more = 1.0;
    CHECK(fastnn_network_compile(network.get(), &later.known) == FASTNN_BAD_VALUE);
    fastnn_training made;
    CHECK(fastnn_training_defaults(nullptr, sizeof made, 0, 0) == FASTNN_NULL_POINTER);
    CHECK(fastnn_training_defaults(&made, sizeof made - 1, 0, 0) == FASTNN_BAD_VALUE);
    CHECK(fastnn_training_defaults(&made, sizeof made, 9, 0) == FASTNN_BAD_VALUE);
    CHECK(fastnn_training_defaults(&made, sizeof made, 0, -1) == FASTNN_BAD_VALUE);
    // Nothing to train: the softmax is the loss's.
    const NetworkPointer empty = make_network(FASTNN_F32, 3, {stage_of(FASTNN_SOFTMAX)});
    const fastnn_training classes = training_of(FASTNN_LOSS_SPARSE_CROSS_ENTROPY, FASTNN_SGD);
    CHECK(fastnn_network_compile(empty.get(), &classes) == FASTNN_BAD_VALUE);
}

TEST_CASE("C interface: network_create refuses what is out of range") {
    fastnn_stage dense = stage_of(FASTNN_DENSE, 3), *const stage = &dense;
    fastnn_network* network = nullptr;
    const auto create = [&](int dtype, std::int64_t inputs, std::size_t count = 1, std::size_t bytes = sizeof dense) {
        network = reinterpret_cast<fastnn_network*>(&dense);
        const fastnn_status status = fastnn_network_create(dtype, inputs, stage, count, bytes, &network);
        CHECK((network != nullptr) == (status == FASTNN_OK));
        fastnn_network_free(network);
        return status;
    };
    CHECK(create(FASTNN_F32, 4) == FASTNN_OK);
    CHECK(create(2, 4) == FASTNN_BAD_DTYPE);
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t inputs : {std::int64_t{0}, std::int64_t{-1}, kMost, std::int64_t{1} << 57}) {
        CHECK(create(FASTNN_F32, inputs) == FASTNN_BAD_SIZE);
    }
    CHECK(create(FASTNN_F32, 4, 0) == FASTNN_BAD_SIZE);
    CHECK(create(FASTNN_F32, 4, 1, 0) == FASTNN_BAD_SIZE);
    CHECK(create(FASTNN_F32, 4, std::numeric_limits<std::size_t>::max()) == FASTNN_BAD_SIZE);
    CHECK(create(FASTNN_F32, 4, 1, sizeof dense - 1) == FASTNN_BAD_VALUE);
    CHECK(fastnn_network_create(FASTNN_F32, 4, nullptr, 1, sizeof dense, &network) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_create(FASTNN_F32, 4, stage, 1, sizeof dense, nullptr) == FASTNN_NULL_POINTER);
    for (const std::int64_t units : {std::int64_t{0}, std::int64_t{-3}, kMost, std::int64_t{1} << 55}) {
        dense.units = units;
        CHECK(create(FASTNN_F32, 4) == FASTNN_BAD_SIZE);
    }
    const auto is_bad = [&](const fastnn_stage& bad) {
        dense = bad;
        return create(FASTNN_F32, 4) == FASTNN_BAD_VALUE;
    };
    for (const int layer : {-1, 6}) CHECK(is_bad(stage_of(layer, 3)));
    for (const int activation : {-1, 20}) CHECK(is_bad(stage_of(FASTNN_DENSE, 3, activation)));
    fastnn_stage bad = stage_of(FASTNN_ACTIVATION, 0, FASTNN_CELU);
    bad.parameter = 0.0;
    CHECK(is_bad(bad));
    bad = stage_of(FASTNN_DROPOUT);
    bad.rate = 1.01;
    CHECK(is_bad(bad));
    for (const double penalty : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
        bad = stage_of(FASTNN_DENSE, 3);
        bad.l1 = penalty;
        CHECK(is_bad(bad));
        bad = stage_of(FASTNN_DENSE, 3);
        bad.bias_l2 = penalty;
        CHECK(is_bad(bad));
    }
    struct {
        fastnn_stage known;
        double more;
    } later[2] = {{stage_of(FASTNN_DENSE, 3), 0.0}, {stage_of(FASTNN_DENSE, 2), 0.0}};
    REQUIRE(fastnn_network_create(FASTNN_F32, 4, &later[0].known, 2, sizeof *later, &network) == FASTNN_OK);
    CHECK(fastnn_network_outputs(network) == 2);
    CHECK(std::string(fastnn_network_variable_name(network, 2)) == "dense_1/kernel");
    fastnn_network_free(network);
    later[1].more = 1.0;
    CHECK(fastnn_network_create(FASTNN_F32, 4, &later[0].known, 2, sizeof *later, &network) == FASTNN_BAD_VALUE);
}

TEST_CASE("C interface: what a network is, and its variables") {
    const NetworkPointer network = classifier();
    CHECK(fastnn_network_inputs(network.get()) == 6);
    CHECK(fastnn_network_outputs(network.get()) == 3);
    CHECK(fastnn_network_dtype(network.get()) == FASTNN_F32);
    REQUIRE(fastnn_network_variables(network.get()) == 4);
    CHECK(std::string(fastnn_network_variable_name(network.get(), 0)) == "dense/kernel");
    CHECK(fastnn_network_variable_size(network.get(), 0) == 120);
    CHECK(fastnn_network_variable_name(network.get(), 4) == nullptr);
    CHECK(fastnn_network_variable_size(network.get(), 4) == 0);
    CHECK(fastnn_network_predict_scratch(network.get(), 0) == 0);
    CHECK(fastnn_network_predict_scratch(network.get(), -5) == 0);

    const std::vector<float> values = centred<float>(9, 120, 3);
    std::vector<float> found(120, -7.0f);
    std::vector<double> doubles(120);
    REQUIRE(fastnn_network_set_variable_f32(network.get(), 0, 120, values.data()) == FASTNN_OK);
    REQUIRE(fastnn_network_get_variable_f32(network.get(), 0, 120, found.data()) == FASTNN_OK);
    CHECK(found == values);
    CHECK(fastnn_network_get_variable_f32(network.get(), 0, 119, found.data()) == FASTNN_BAD_SIZE);
    CHECK(fastnn_network_get_variable_f32(network.get(), 0, -1, found.data()) == FASTNN_BAD_SIZE);
    CHECK(fastnn_network_get_variable_f32(network.get(), 4, 120, found.data()) == FASTNN_BAD_VALUE);
    CHECK(fastnn_network_get_variable_f32(network.get(), 0, 120, nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_get_variable_f32(nullptr, 0, 120, found.data()) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_get_variable_f64(network.get(), 0, 120, doubles.data()) == FASTNN_BAD_DTYPE);
    CHECK(fastnn_network_set_variable_f64(network.get(), 0, 120, doubles.data()) == FASTNN_BAD_DTYPE);
    CHECK(fastnn_network_set_variable_f32(network.get(), 1, 120, values.data()) == FASTNN_BAD_SIZE);
    CHECK(fastnn_network_predict_f64(network.get(), 1, doubles.data(), doubles.data() + 60, nullptr, 0) ==
          FASTNN_BAD_DTYPE);
    CHECK(found == values);

    CHECK(fastnn_network_initialize(nullptr, 1) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_initialize(network.get(), 1) == FASTNN_OK);
    const std::vector<float> once = all_variables<float>(network.get());
    CHECK(fastnn_network_initialize(network.get(), 2) == FASTNN_OK);
    CHECK(all_variables<float>(network.get()) != once);
    CHECK(fastnn_network_initialize(network.get(), 1) == FASTNN_OK);
    CHECK(all_variables<float>(network.get()) == once);
}

TEST_CASE("C interface: null networks and bad calls of files") {
    CHECK(fastnn_network_inputs(nullptr) == 0);
    CHECK(fastnn_network_outputs(nullptr) == 0);
    CHECK(fastnn_network_variables(nullptr) == 0);
    CHECK(fastnn_network_variable_name(nullptr, 0) == nullptr);
    CHECK(fastnn_network_variable_size(nullptr, 0) == 0);
    CHECK(fastnn_network_predict_scratch(nullptr, 5) == 0);
    CHECK(fastnn_network_iterations(nullptr) == 0);
    fastnn_network_free(nullptr);
    double rate = 0.0;
    CHECK(fastnn_network_learning_rate(nullptr, &rate) == FASTNN_NULL_POINTER);
    const NetworkPointer network = classifier();
    CHECK(fastnn_network_learning_rate(network.get(), &rate) == FASTNN_BAD_STATE);
    float x[6] = {};
    CHECK(fastnn_network_predict_f32(nullptr, 1, x, x, nullptr, 0) == FASTNN_NULL_POINTER);

    fastnn_network* other = network.get();
    CHECK(fastnn_network_load(nullptr, &other) == FASTNN_NULL_POINTER);
    CHECK(other == nullptr);
    CHECK(fastnn_network_load("x", nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_load_memory(nullptr, 5, &other) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_load_memory("x", 1, nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_load_memory("x", 0, &other) == FASTNN_BAD_FILE);
    CHECK(fastnn_network_save(network.get(), nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_save(nullptr, "x") == FASTNN_NULL_POINTER);
    std::size_t size = 0;
    CHECK(fastnn_network_save_memory(nullptr, nullptr, 0, &size) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_save_memory(network.get(), nullptr, 0, nullptr) == FASTNN_NULL_POINTER);
    CHECK(fastnn_network_save_memory(network.get(), nullptr, 9, &size) == FASTNN_NULL_POINTER);
    REQUIRE(fastnn_network_save_memory(network.get(), nullptr, 0, &size) == FASTNN_BAD_SIZE);
    std::vector<unsigned char> bytes(size, 0xA5);
    CHECK(fastnn_network_save_memory(network.get(), bytes.data(), size - 1, &size) == FASTNN_BAD_SIZE);
    CHECK(bytes == std::vector<unsigned char>(size, 0xA5));
    CHECK(fastnn_network_save_memory(network.get(), bytes.data(), size, &size) == FASTNN_OK);
}
