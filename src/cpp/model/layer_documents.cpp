#include "layer_documents.h"

#include "activation_names.h"
#include "config.h"

namespace fastnn {
namespace {

using std::int64_t;

constexpr int64_t kMostNumbers = int64_t{1} << 56;

struct LayerClass {
    const char *name, *keras;
};
// In the order of the enumerators.
constexpr LayerClass kLayers[] = {{"Dense", "dense"},     {"Activation", "activation"}, {"PReLU", "p_re_lu"},
                                  {"Dropout", "dropout"}, {"Softmax", "softmax"},       {"Rescaling", "rescaling"}};
constexpr int kLayerCount = static_cast<int>(sizeof kLayers / sizeof *kLayers);

Json regularizer(double l1, double l2) {
    if (l1 == 0.0 && l2 == 0.0) return Json();
    Json config = Json::object();
    config.set("l1", Json::real(l1));
    config.set("l2", Json::real(l2));
    return describe("L1L2", std::move(config));
}

Json activation(const fastnn_stage& stage) {
    require(stage.activation >= FASTNN_IDENTITY && stage.activation <= FASTNN_EXPONENTIAL, FASTNN_BAD_VALUE);
    return write_activation(static_cast<Kind>(stage.activation), stage.parameter);
}

// The layer's arguments; width: the numbers that enter it, then those that leave it.
Json arguments(const fastnn_stage& stage, int64_t& width) {
    Json config = Json::object();
    switch (stage.layer) {
        case FASTNN_DENSE:
            require(stage.units >= 1 && stage.units <= kMostNumbers / width, FASTNN_BAD_SIZE);
            width = stage.units;
            config.set("units", Json::integer(stage.units));
            config.set("activation", activation(stage));
            config.set("use_bias", Json::boolean(stage.no_bias == 0));
            config.set("kernel_regularizer", regularizer(stage.l1, stage.l2));
            config.set("bias_regularizer", regularizer(stage.bias_l1, stage.bias_l2));
            break;
        case FASTNN_ACTIVATION:
            config.set("activation", activation(stage));
            break;
        case FASTNN_PRELU:
            config.set("alpha_regularizer", regularizer(stage.l1, stage.l2));
            config.set("shared_axes", stage.shared != 0 ? Json::array({Json::integer(1)}) : Json());
            break;
        case FASTNN_DROPOUT:
            config.set("rate", Json::real(stage.rate));
            break;
        case FASTNN_RESCALING:
            config.set("scale", Json::real(stage.scale));
            config.set("offset", Json::real(stage.offset));
            break;
        default:
            break;
    }
    return config;
}

}  // namespace

Json write_layers(std::int32_t dtype, int64_t inputs, const std::vector<fastnn_stage>& stages) {
    require(dtype == FASTNN_F32 || dtype == FASTNN_F64, FASTNN_BAD_DTYPE);
    require(inputs >= 1 && inputs <= kMostNumbers, FASTNN_BAD_SIZE);
    int counts[kLayerCount] = {};
    int64_t width = inputs;
    std::vector<Json> layers;
    for (const fastnn_stage& stage : stages) {
        require(stage.layer >= 0 && stage.layer < kLayerCount, FASTNN_BAD_VALUE);
        Json config = arguments(stage, width);
        std::string name = kLayers[stage.layer].keras;
        const int before = counts[stage.layer]++;
        if (before > 0) name += '_' + std::to_string(before);
        config.set("name", Json::string(std::move(name)));
        layers.push_back(describe(kLayers[stage.layer].name, std::move(config)));
    }
    Json model = Json::object();
    model.set("dtype", Json::string(dtype == FASTNN_F32 ? "float32" : "float64"));
    model.set("input_shape", Json::array({Json::integer(inputs)}));
    model.set("layers", Json::array(std::move(layers)));
    model.set("name", Json::string("network"));
    return model;
}

}  // namespace fastnn
