// Networks of every kind of layer, as the C interface makes them.
#ifndef FASTNN_TESTS_NETWORKS_H
#define FASTNN_TESTS_NETWORKS_H

#include <memory>
#include <vector>

#include "fastnn/network.h"

struct FreeNetwork {
    void operator()(fastnn_network* network) const { fastnn_network_free(network); }
};
using NetworkPointer = std::unique_ptr<fastnn_network, FreeNetwork>;

inline fastnn_stage stage_of(fastnn_layer layer, std::int64_t units = 0,
                             fastnn_activation activation = FASTNN_IDENTITY) {
    fastnn_stage stage = {};
    stage.layer = layer;
    stage.units = units;
    stage.activation = activation;
    stage.parameter = 1.0;
    stage.rate = 0.25;
    stage.scale = 0.5;
    stage.offset = -0.125;
    return stage;
}

inline NetworkPointer make_network(fastnn_dtype dtype, std::int64_t inputs, const std::vector<fastnn_stage>& stages) {
    fastnn_network* network = nullptr;
    if (fastnn_network_create(dtype, inputs, stages.data(), stages.size(), sizeof(fastnn_stage), &network) !=
            FASTNN_OK ||
        fastnn_network_initialize(network, 1) != FASTNN_OK) {
        return nullptr;
    }
    return NetworkPointer(network);
}

// Some with all layers, one wide, one of a single layer, one that only rescales.
inline std::vector<std::vector<fastnn_stage>> some_networks() {
    return {{stage_of(FASTNN_RESCALING), stage_of(FASTNN_DENSE, 40, FASTNN_SWISH), stage_of(FASTNN_PRELU),
             stage_of(FASTNN_DROPOUT), stage_of(FASTNN_DENSE, 5), stage_of(FASTNN_ACTIVATION, 0, FASTNN_TANH),
             stage_of(FASTNN_RESCALING), stage_of(FASTNN_DENSE, 100), stage_of(FASTNN_SOFTMAX)},
            {stage_of(FASTNN_DENSE, 300, FASTNN_RELU), stage_of(FASTNN_DENSE, 1, FASTNN_SIGMOID)},
            {stage_of(FASTNN_DENSE, 7)},
            {stage_of(FASTNN_SOFTMAX)},
            {stage_of(FASTNN_RESCALING)}};
}

// The C functions of a dtype.
template <class T>
struct NetworkApi;
#define FASTNN_TEST_NETWORK_API(T, S, DTYPE)                                  \
    template <>                                                               \
    struct NetworkApi<T> {                                                    \
        static constexpr const char* kSuffix = "_" #S;                        \
        static constexpr fastnn_dtype kDtype = DTYPE;                         \
        static constexpr auto predict = fastnn_network_predict_##S;           \
        static constexpr auto predict_bytes = fastnn_network_predict_u8_##S;  \
        static constexpr auto get_variable = fastnn_network_get_variable_##S; \
        static constexpr auto set_variable = fastnn_network_set_variable_##S; \
        static constexpr auto train_step = fastnn_network_train_step_##S;     \
    };
FASTNN_TEST_NETWORK_API(float, f32, FASTNN_F32)
FASTNN_TEST_NETWORK_API(double, f64, FASTNN_F64)
#undef FASTNN_TEST_NETWORK_API

#endif
