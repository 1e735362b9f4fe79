#include "activation_names.h"

#include "../core/activation.h"
#include "config.h"

namespace fastnn {
namespace {

constexpr int kKinds = static_cast<int>(Kind::exponential) + 1;

// Kinds with a parameter, which are saved as objects.
struct KindClass {
    std::string_view name;
    Kind kind;
    std::string_view parameter;
};
constexpr KindClass kClasses[] = {{"LeakyReLU", Kind::leaky_relu, "negative_slope"},
                                  {"ELU", Kind::elu, "alpha"},
                                  {"CELU", Kind::celu, "alpha"},
                                  {"Softplus", Kind::softplus, "beta"},
                                  {"Swish", Kind::swish, "beta"}};

ActivationChoice named_activation(std::string_view name) {
    // Keras's names and slope.
    if (name == "softmax") return {Kind::identity, 0.0, true};
    if (name == "linear") return with_default(Kind::identity);
    if (name == "silu") return with_default(Kind::swish);
    if (name == "hard_silu") return with_default(Kind::hard_swish);
    if (name == "leaky_relu") return {Kind::leaky_relu, 0.2, false};
    for (int kind = 0; kind < kKinds; ++kind) {
        if (name == kind_name(static_cast<Kind>(kind))) return with_default(static_cast<Kind>(kind));
    }
    fail(FASTNN_BAD_MODEL);
}

}  // namespace

ActivationChoice with_default(Kind kind) { return {kind, default_parameter(kind), false}; }

ActivationChoice with_parameter(Kind kind, double parameter) {
    require_model(is_valid_parameter(kind, parameter));
    return {kind, parameter, false};
}

ActivationChoice read_activation(const Json* value) {
    if (value == nullptr) return {};
    if (value->is(Json::Type::string)) return named_activation(value->text);
    const Described saved = described(*value);
    for (const KindClass& one : kClasses) {
        if (saved.name != one.name) continue;
        Config config(*saved.config);
        const double parameter = config.finite(one.parameter, default_parameter(one.kind));
        config.end();
        return with_parameter(one.kind, parameter);
    }
    fail(FASTNN_BAD_MODEL);
}

Json write_activation(Kind kind, double parameter) {
    for (const KindClass& one : kClasses) {
        if (kind != one.kind) continue;
        Json config = Json::object();
        config.set(one.parameter, Json::real(parameter));
        return describe(one.name, std::move(config));
    }
    return Json::string(kind_name(kind));
}

}  // namespace fastnn
