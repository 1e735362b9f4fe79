#include "architecture.h"

#include <algorithm>
#include <cstdlib>

#include "activation_names.h"
#include "config.h"

namespace fastnn {
namespace {

using std::int64_t;

constexpr int64_t kMostNumbers = int64_t{1} << 56;
constexpr std::size_t kMostAxes = 60;

Shape read_shape(const Json& value) {
    require_model(value.is(Json::Type::array) && value.items.size() <= kMostAxes);
    Shape shape;
    for (const Json& axis : value.items) shape.push_back(integer_of(axis, 1, kMostNumbers));
    size_of(shape);
    return shape;
}

Penalty read_regularizer(const Json* value) {
    Penalty penalty;
    if (value == nullptr) return penalty;
    const Described saved = described(*value);
    Config config(*saved.config);
    const bool is_l1 = saved.name == "L1", is_l2 = saved.name == "L2", is_both = saved.name == "L1L2";
    require_model(is_l1 || is_l2 || is_both);
    if (!is_l2) penalty.l1 = config.finite("l1", is_both ? 0.0 : 0.01, 0.0);
    if (!is_l1) penalty.l2 = config.finite("l2", is_both ? 0.0 : 0.01, 0.0);
    config.end();
    return penalty;
}

class Builder {
   public:
    explicit Builder(Architecture& to) : to_(to), shape_(to.input_shape) {}

    // One layer. See network/layers.py for the arguments and their defaults.
    void add(const Described& layer) {
        Config config(*layer.config);
        const Json* const name = config.take("name");
        require_model(name != nullptr && name->is(Json::Type::string) && !name->text.empty() &&
                      std::find(names_.begin(), names_.end(), name->text) == names_.end());
        const bool is_first = names_.empty();
        names_.push_back(name->text);
        const bool is_input = layer.name == "InputLayer";
        const Json* declared = config.take("input_shape");
        if (is_input && declared == nullptr) declared = config.take("shape");
        require_model(declared == nullptr || read_shape(*declared) == shape_);
        if (is_input) {
            require_model(is_first && declared != nullptr);
        } else if (layer.name == "Dense") {
            dense(config);
        } else if (layer.name == "PReLU") {
            prelu(config);
        } else if (layer.name == "Dropout") {
            StageOptions stage = options(Operation::dropout);
            const double rate = config.real("rate", -1.0, 0.0, 1.0);
            require_model(rate >= 0.0);
            stage.rate = rate;
            push(stage, LastOperation::other);
        } else if (layer.name == "Flatten") {
            shape_ = {size_of(shape_)};
            ++index_;
            to_.last = LastOperation::other;
        } else if (layer.name == "Rescaling") {
            rescaling(config);
        } else if (layer.name == "Softmax") {
            const Json* const axis = config.take("axis");
            if (axis != nullptr) require_model(std::abs(integer_of(*axis, -1, 1)) == 1);
            softmax();
        } else {
            elementwise(layer.name, config);
        }
        config.end();
    }

    void end() {
        to_.output_shape = shape_;
        require_model(!names_.empty());
    }

   private:
    StageOptions options(Operation operation) const {
        StageOptions stage = {};
        stage.operation = operation;
        stage.outputs = size_of(shape_);
        return stage;
    }

    // The masks of a dropout are keyed by its place among all of Python's operations.
    void push(StageOptions stage, LastOperation last) {
        stage.key = index_++;
        to_.stages.push_back(stage);
        to_.last = last;
    }

    void push_activation(StageOptions stage, const ActivationChoice& activation) {
        stage.kind = activation.kind;
        stage.parameter = activation.parameter;
        push(stage, activation.kind == Kind::sigmoid ? LastOperation::sigmoid : LastOperation::other);
    }

    void push_variable(const char* suffix, const Shape& shape, const Json* regularizer) {
        size_of(shape);
        to_.variables.push_back({names_.back() + suffix, shape, read_regularizer(regularizer)});
    }

    void softmax() {
        require_model(shape_.size() == 1);
        push(options(Operation::softmax), LastOperation::softmax);
    }

    void dense(Config& config) {
        require_model(shape_.size() == 1);
        const Json* const units = config.take("units");
        require_model(units != nullptr);
        const ActivationChoice activation = read_activation(config.take("activation"));
        const bool has_bias = config.flag("use_bias", true);
        config.skip("kernel_initializer");
        config.skip("bias_initializer");
        const int64_t inputs = shape_[0];
        shape_[0] = integer_of(*units, 1, kMostNumbers);
        push_variable("/kernel", {inputs, shape_[0]}, config.take("kernel_regularizer"));
        const Json* const bias_regularizer = config.take("bias_regularizer");
        if (has_bias) push_variable("/bias", shape_, bias_regularizer);
        StageOptions stage = options(Operation::dense);
        stage.has_bias = has_bias;
        push_activation(stage, activation);
        if (activation.is_softmax) softmax();
    }

    void prelu(Config& config) {
        require_model(shape_.size() == 1);
        config.skip("alpha_initializer");
        StageOptions stage = options(Operation::prelu);
        const Json* const axes = config.take("shared_axes");
        if (axes != nullptr) {
            require_model(axes->is(Json::Type::array) && axes->items.size() <= 1);
            for (const Json& axis : axes->items) integer_of(axis, 1, 1);
            stage.shared = !axes->items.empty();
        }
        push_variable("/alpha", stage.shared ? Shape{1} : shape_, config.take("alpha_regularizer"));
        push(stage, LastOperation::other);
    }

    void rescaling(Config& config) {
        StageOptions stage = options(Operation::rescaling);
        const Json* const scale = config.take("scale");
        const Json* const offset = config.take("offset");
        require_model(scale != nullptr && scale->is_number() && (offset == nullptr || offset->is_number()));
        stage.scale = scale->number;
        stage.offset = offset != nullptr ? offset->number : 0.0;
        if (to_.stages.empty() && !to_.rescales) {
            to_.rescales = true;
            to_.scale = stage.scale;
            to_.offset = stage.offset;
            to_.last = LastOperation::other;
            ++index_;
        } else {
            push(stage, LastOperation::other);
        }
    }

    void elementwise(std::string_view name, Config& config) {
        ActivationChoice activation;
        if (name == "Activation") {
            activation = read_activation(config.take("activation"));
            if (activation.is_softmax) {
                softmax();
                return;
            }
        } else if (name == "ReLU") {
            const double most = config.real("max_value", 0.0, 6.0, 6.0);
            const double slope = config.finite("negative_slope", 0.0, 0.0);
            require_model(most == 0.0 || slope == 0.0);
            activation = most != 0.0    ? with_default(Kind::relu6)
                         : slope != 0.0 ? with_parameter(Kind::leaky_relu, slope)
                                        : with_default(Kind::relu);
        } else if (name == "LeakyReLU") {
            activation = with_parameter(Kind::leaky_relu, config.finite("negative_slope", 0.3, 0.0));
        } else if (name == "ELU") {
            activation = with_parameter(Kind::elu, config.finite("alpha", 1.0));
        } else {
            fail(FASTNN_BAD_MODEL);
        }
        push_activation(options(Operation::activation), activation);
    }

    Architecture& to_;
    Shape shape_;
    std::vector<std::string> names_;
    std::uint64_t index_ = 0;
};

}  // namespace

int64_t size_of(const Shape& shape) {
    int64_t size = 1;
    for (const int64_t axis : shape) {
        require_model(axis >= 1 && axis <= kMostNumbers / size);
        size *= axis;
    }
    return size;
}

Architecture read_architecture(const Json& model) {
    Config config(model);
    const Json* const dtype = config.take("dtype");
    const Json* const input_shape = config.take("input_shape");
    const Json* const layers = config.take("layers");
    config.skip("name");
    config.end();
    require_model(dtype != nullptr && (dtype->is("float32") || dtype->is("float64")));
    require_model(input_shape != nullptr && layers != nullptr && layers->is(Json::Type::array));
    Architecture result = {};
    result.dtype = dtype->is("float32") ? FASTNN_F32 : FASTNN_F64;
    result.input_shape = read_shape(*input_shape);
    Builder builder(result);
    for (const Json& layer : layers->items) builder.add(described(layer));
    builder.end();
    return result;
}

}  // namespace fastnn
