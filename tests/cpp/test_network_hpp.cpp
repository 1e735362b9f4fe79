// fastnn::Network of fastnn.hpp: the C interface with shapes checked and errors as exceptions.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "fastnn/fastnn.hpp"

namespace {

template <class F>
fastnn_status thrown_by(F&& f) {
    try {
        f();
    } catch (const fastnn::error& error) {
        return error.status();
    }
    return FASTNN_OK;
}

}  // namespace

TEST_CASE("networks in C++17") {
    using fastnn::Matrix;
    using fastnn::Network;
    Network network(FASTNN_F32, 2,
                    {fastnn::dense_stage(8, FASTNN_TANH), fastnn::dense_stage(2), fastnn::stage(FASTNN_SOFTMAX)});
    network.initialize(3);
    CHECK(network.inputs() == 2);
    CHECK(network.outputs() == 2);
    CHECK(network.dtype() == FASTNN_F32);
    CHECK(network.variable_name(0) == "dense/kernel");
    CHECK(network.variables() == 4);
    CHECK(thrown_by([&] { network.variable_name(4); }) == FASTNN_BAD_VALUE);
    network.compile(fastnn::training(FASTNN_LOSS_SPARSE_CROSS_ENTROPY, FASTNN_ADAM));
    CHECK(network.learning_rate() == 0.001);

    // Exclusive or.
    const std::vector<float> x = {0, 0, 0, 1, 1, 0, 1, 1};
    const std::vector<std::int64_t> classes = {0, 1, 1, 0};
    double loss = 0.0;
    for (int i = 0; i < 400; ++i) loss = network.train_step<float>({x.data(), 4, 2}, classes, 0.05);
    CHECK(loss < 0.01);
    CHECK(network.iterations() == 400);
    std::vector<float> y(8), again(8), targets = {1, 0, 0, 1, 0, 1, 1, 0};
    const Matrix<float> results(y.data(), 4, 2);
    const fastnn::AlignedMemory scratch(network.predict_scratch(4));
    network.predict<float>({x.data(), 4, 2}, results, scratch);
    for (std::size_t row = 0; row < 4; ++row) CHECK(y[row * 2 + static_cast<std::size_t>(classes[row])] > 0.9f);
    const std::vector<float> weights = {1, 1, 1, 1};
    network.train_step<float>({x.data(), 4, 2}, Matrix<const float>(targets.data(), 4, 2), 0.0, weights);

    const std::vector<unsigned char> bytes = network.save();
    Network loaded = Network::load(bytes.data(), bytes.size());
    loaded.predict<float>({x.data(), 4, 2}, {again.data(), 4, 2});
    CHECK(again == y);
    const std::vector<std::uint8_t> bits = {0, 0, 0, 1, 1, 0, 1, 1};
    loaded.predict_bytes({bits.data(), 4, 2}, Matrix<float>(again.data(), 4, 2));
    CHECK(again == y);
    CHECK(loaded.variable<float>(1) == network.variable<float>(1));
    loaded.set_variable<float>(1, std::vector<float>(8, 0.5f));
    CHECK(loaded.variable<float>(1) == std::vector<float>(8, 0.5f));
    const Network moved = std::move(loaded);
    CHECK(loaded.get() == nullptr);
    CHECK(moved.iterations() == 401);

    CHECK(thrown_by([&] { moved.predict<float>({x.data(), 2, 4}, results); }) == FASTNN_BAD_SIZE);
    CHECK(thrown_by([&] { moved.predict<float>({x.data(), 3, 2}, results); }) == FASTNN_BAD_SIZE);
    CHECK(thrown_by([&] { moved.variable<double>(0); }) == FASTNN_BAD_DTYPE);
    CHECK(thrown_by([&] { network.train_step<float>({x.data(), 3, 2}, classes, 0.05); }) == FASTNN_BAD_SIZE);
    CHECK(thrown_by([] { Network::load("none/none"); }) == FASTNN_CANNOT_READ);
    CHECK(thrown_by([] { Network::load("x", 1); }) == FASTNN_BAD_FILE);
    CHECK(thrown_by([] { Network(FASTNN_F32, 2, {}); }) == FASTNN_BAD_SIZE);
}
