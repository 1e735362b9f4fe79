#include "model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "config.h"

namespace fastnn {

namespace {

using std::ptrdiff_t;

constexpr const char *kExampleX = "example/x", *kExampleY = "example/y";

// One sample in front: the shape of a batch of one.
Shape batch_of(const Shape& sample) {
    Shape shape = {1};
    shape.insert(shape.end(), sample.begin(), sample.end());
    return shape;
}

const Tensor& tensor_of(const Tensors& tensors, const std::string& name, const Shape& shape) {
    const Tensor* const tensor = tensors.find(name);
    require_model(tensor != nullptr && tensor->shape == shape &&
                  (tensor->type == &kFloat32 || tensor->type == &kFloat64));
    return *tensor;
}

template <class From, class T>
void convert(const unsigned char* from, std::vector<T>& to) {
    for (std::size_t i = 0; i < to.size(); ++i) {
        From value;
        std::memcpy(&value, from + i * sizeof value, sizeof value);
        to[i] = static_cast<T>(value);
    }
}

// An array in the network's dtype, rounded if the file's is another.
template <class T>
std::vector<T> values_of(const Tensor& tensor) {
    std::vector<T> values(tensor.bytes / tensor.type->bytes);
    tensor.type == &kFloat32 ? convert<float>(tensor.data, values) : convert<double>(tensor.data, values);
    return values;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string state_name(const OptimizerOptions& optimizer, int slot, const std::string& variable) {
    return std::string("optimizer/") + slot_name(optimizer, slot) + '/' + variable;
}

// The same but for rounding, as in network/saving.py.
template <class T>
bool agree(const T* y, const std::vector<T>& wanted) {
    double scale = 0.0;
    for (const T value : wanted) {
        if (std::isfinite(value)) scale = std::max(scale, std::fabs(static_cast<double>(value)));
    }
    const double tolerance = std::sqrt(static_cast<double>(std::numeric_limits<T>::epsilon())) * (1.0 + scale);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const double difference = std::fabs(static_cast<double>(y[i]) - static_cast<double>(wanted[i]));
        const bool same = y[i] == wanted[i] || (std::isnan(y[i]) && std::isnan(wanted[i]));
        if (!same && !(difference <= tolerance)) return false;
    }
    return true;
}

// A state that NumPy's generator takes, for Python: that of default_rng(0). Nothing is drawn from it here.
Json generator_state() {
    Json numbers = parse_json(
        "{\"state\": 35399562948360463058890781895381311971, \"inc\": 87136372517582989555478159403783844777}");
    Json random = Json::object();
    random.set("bit_generator", Json::string("PCG64"));
    random.set("has_uint32", Json::integer(0));
    random.set("state", std::move(numbers));
    random.set("uinteger", Json::integer(0));
    return random;
}

// A number in [0, 1), the next of the generator splitmix64 (Steele et al. 2014, "Fast splittable pseudorandom number
// generators").
double next_unit(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// What a document says of its training; nothing if it has none, or no loss.
std::optional<TrainingPlan> training_of(const Json& document, LastOperation last) {
    const Json& compile = member_of(document, "compile");
    if (compile.is(Json::Type::null)) return std::nullopt;
    if (member_of(compile, "loss").is(Json::Type::null)) return std::nullopt;
    return read_training(compile, last);
}

}  // namespace

Model::Model(const void* bytes, std::size_t size) : Model(read_model_file(bytes, size)) {}

Model::Model(ModelFile contents)
    : architecture(read_architecture(member_of(contents.document, "model"))),
      document_(std::move(contents.document)),
      inputs_(static_cast<ptrdiff_t>(size_of(architecture.input_shape))) {
    const std::vector<LearntArray>& variables = architecture.variables;
    const Json& names = member_of(document_, "variables");
    member_of(document_, "random");  // which Python wants again
    require_model(names.is(Json::Type::array) && names.items.size() == variables.size());
    // All arrays are looked at before memory is taken for a network of their sizes.
    std::vector<const Tensor*> weights, states;
    for (std::size_t i = 0; i < variables.size(); ++i) {
        require_model(names.items[i].is(variables[i].name));
        weights.push_back(&tensor_of(contents.tensors, "variables/" + variables[i].name, variables[i].shape));
    }
    const Tensor& x = tensor_of(contents.tensors, kExampleX, batch_of(architecture.input_shape));
    const Tensor& y = tensor_of(contents.tensors, kExampleY, batch_of(architecture.output_shape));
    const std::optional<TrainingPlan> plan = training_of(document_, architecture.last);
    const int slots = plan ? slots_of(plan->optimizer) : 0;
    for (int slot = 0; slot < slots; ++slot) {
        for (const LearntArray& variable : variables) {
            states.push_back(
                &tensor_of(contents.tensors, state_name(plan->optimizer, slot, variable.name), variable.shape));
        }
    }
    make_network();
    visit([&](auto& network) {
        using T = typename std::decay_t<decltype(network)>::Element;
        for (std::size_t i = 0; i < weights.size(); ++i) network.set_variable(i, values_of<T>(*weights[i]).data());
        example_ = bytes_of(values_of<T>(x));
        const std::string result = example_result();
        require(agree(reinterpret_cast<const T*>(result.data()), values_of<T>(y)), FASTNN_WRONG_RESULT);
        if (!plan) return;
        start_training(*plan, FASTNN_BAD_MODEL);
        for (std::size_t i = 0; i < states.size(); ++i) {
            network.set_state(static_cast<int>(i / variables.size()), i % variables.size(),
                              values_of<T>(*states[i]).data());
        }
    });
}

Model::Model(Json layers)
    : architecture(read_architecture(layers)),
      document_(Json::object()),
      inputs_(static_cast<ptrdiff_t>(size_of(architecture.input_shape))) {
    std::vector<Json> names;
    for (const LearntArray& variable : architecture.variables) names.push_back(Json::string(variable.name));
    document_.set("model", std::move(layers));
    document_.set("variables", Json::array(std::move(names)));
    document_.set("compile", Json());
    document_.set("random", generator_state());
    make_network();
    visit([&](const auto& network) {
        using T = typename std::decay_t<decltype(network)>::Element;
        std::vector<T> x(static_cast<std::size_t>(network.inputs()));
        // Exact in either dtype, and different from number to number.
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 37 % 129) / T(64) - T(1);
        example_ = bytes_of(x);
    });
}

void Model::make_network() {
    if (architecture.dtype == FASTNN_F32) {
        single_ = std::make_unique<Network<float>>(inputs_, architecture.stages);
    } else {
        double_ = std::make_unique<Network<double>>(inputs_, architecture.stages);
    }
}

RowSource Model::rows(const void* data, RowSource::Type type) const {
    RowSource source = {};
    source.data = data;
    source.type = type;
    source.columns = inputs_;
    source.rescales = architecture.rescales;
    source.scale = architecture.scale;
    source.offset = architecture.offset;
    return source;
}

RowSource::Type Model::type() const {
    return architecture.dtype == FASTNN_F32 ? RowSource::Type::f32 : RowSource::Type::f64;
}

std::string Model::example_result() const {
    return visit([&](const auto& network) {
        using T = typename std::decay_t<decltype(network)>::Element;
        // Copied for its alignment.
        std::vector<T> x(static_cast<std::size_t>(network.inputs())), y(static_cast<std::size_t>(network.outputs()));
        std::memcpy(x.data(), example_.data(), example_.size());
        network.predict(rows(x.data(), type()), 1, y.data(), false);
        return bytes_of(y);
    });
}

void Model::start_training(const TrainingPlan& plan, fastnn_status otherwise) {
    std::vector<Penalty> penalties;
    for (const LearntArray& variable : architecture.variables) penalties.push_back(variable.penalty);
    visit([&](auto& network) {
        require(network.stages_to_train(plan.loss.skips_last) > 0, otherwise);
        network.compile(plan.loss, plan.optimizer, std::move(penalties));
    });
    training = plan;
}

void Model::compile(const fastnn_training& options) {
    Json document = write_training(options);
    TrainingPlan plan = {};
    try {
        plan = read_training(document, architecture.last);
    } catch (const Failure&) {
        fail(FASTNN_BAD_VALUE);
    }
    start_training(plan, FASTNN_BAD_VALUE);
    document_.set("compile", std::move(document));
}

void Model::initialize(std::uint64_t seed) {
    visit([&](auto& network) {
        using T = typename std::decay_t<decltype(network)>::Element;
        std::uint64_t drawn = seed;
        for (std::size_t i = 0; i < architecture.variables.size(); ++i) {
            const Shape& shape = architecture.variables[i].shape;
            std::vector<T> values(static_cast<std::size_t>(network.variable_size(i)));
            const double fans = shape.size() == 2 ? static_cast<double>(shape[0]) + static_cast<double>(shape[1]) : 0.0;
            for (T& value : values) {
                if (fans > 0.0) value = static_cast<T>(std::sqrt(6.0 / fans) * (2.0 * next_unit(drawn) - 1.0));
            }
            network.set_variable(i, values.data());
        }
    });
}

template <class T>
const T* Model::prepared(const T* targets, ptrdiff_t rows) {
    const double s = training->target_smoothing;
    if (s == 0.0 || targets == nullptr) return targets;
    const std::size_t count =
        static_cast<std::size_t>(rows) * static_cast<std::size_t>(size_of(architecture.output_shape));
    if (prepared_.size() < count * sizeof(T)) prepared_.resize(count * sizeof(T));
    T* const to = reinterpret_cast<T*>(prepared_.data());
    // As Python does: each operation is rounded.
    const T factor = static_cast<T>(1.0 - s), offset = static_cast<T>(0.5 * s);
    for (std::size_t i = 0; i < count; ++i) to[i] = targets[i] * factor + offset;
    return to;
}

template const float* Model::prepared<float>(const float*, ptrdiff_t);
template const double* Model::prepared<double>(const double*, ptrdiff_t);

std::string Model::file() const {
    Json document = document_;
    if (training) {
        Json compile = *document.find("compile");
        compile.set("iterations", Json::integer(training->iterations));
        document.set("compile", std::move(compile));
    }
    // The arrays' memory stays where it is while the list grows: it has room for all of them.
    std::vector<std::string> memory;
    std::vector<Tensor> list;
    const ElementType* const type = architecture.dtype == FASTNN_F32 ? &kFloat32 : &kFloat64;
    const std::vector<LearntArray>& variables = architecture.variables;
    memory.reserve((kMostSlots + 1) * variables.size() + 1);
    const auto add = [&](std::string name, const Shape& shape, const std::string& bytes) {
        const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
        const auto place = std::lower_bound(list.begin(), list.end(), name,
                                            [](const Tensor& a, const std::string& b) { return a.name < b; });
        list.insert(place, {std::move(name), type, shape, data, bytes.size()});
    };
    visit([&](const auto& network) {
        using T = typename std::decay_t<decltype(network)>::Element;
        // Slot -1: the variables themselves.
        for (int slot = -1; slot < network.slots(); ++slot) {
            for (std::size_t i = 0; i < variables.size(); ++i) {
                std::vector<T> values(static_cast<std::size_t>(network.variable_size(i)));
                slot < 0 ? network.get_variable(i, values.data()) : network.get_state(slot, i, values.data());
                memory.push_back(bytes_of(values));
                add(slot < 0 ? "variables/" + variables[i].name
                             : state_name(training->optimizer, slot, variables[i].name),
                    variables[i].shape, memory.back());
            }
        }
    });
    memory.push_back(example_result());
    add(kExampleX, batch_of(architecture.input_shape), example_);
    add(kExampleY, batch_of(architecture.output_shape), memory.back());
    return write_model_file(std::move(document), list);
}

}  // namespace fastnn
