// What reads models, on any bytes: a target of libFuzzer, and a part of the C++ tests, which replay ../data/fuzz.
//
// An input is a file; or, if it begins with D, the document of one, for which the arrays and the checksum are made
// here: no mutation would find them.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fastnn/network.h"
#include "model/architecture.h"
#include "model/failure.h"
#include "model/model_file.h"

namespace {

using fastnn::ElementType;
using fastnn::Json;
using fastnn::Tensor;

constexpr std::int64_t kMostNumbers = 20000;
constexpr std::int64_t kRows = 3;

void demand(bool condition) {
    if (!condition) std::abort();
}

// Whatever can be done with a network that has been loaded.
template <class T, class Predict, class Train>
void use(fastnn_network* network, Predict predict, Train train) {
    const auto inputs = static_cast<std::size_t>(fastnn_network_inputs(network));
    const auto outputs = static_cast<std::size_t>(fastnn_network_outputs(network));
    std::vector<T> x(kRows * inputs, T(0.5)), y(kRows * outputs), targets(kRows * outputs, T(1));
    demand(predict(network, kRows, x.data(), y.data(), nullptr, 0) == FASTNN_OK);
    const std::vector<std::int64_t> classes(kRows, static_cast<std::int64_t>(outputs) - 1);
    double rate = 0.01, loss = 0.0;
    fastnn_network_learning_rate(network, &rate);
    for (const bool by_class : {false, true}) {
        const fastnn_status status = train(network, kRows, x.data(), by_class ? nullptr : targets.data(),
                                           by_class ? classes.data() : nullptr, nullptr, rate, &loss);
        demand(status == FASTNN_OK || status == FASTNN_BAD_STATE || (by_class && status == FASTNN_BAD_VALUE));
    }
}

std::string saved(const fastnn_network* network) {
    std::size_t size = 0;
    demand(fastnn_network_save_memory(network, nullptr, 0, &size) == FASTNN_BAD_SIZE);
    std::string bytes(size, '\0');
    demand(fastnn_network_save_memory(network, &bytes[0], size, &size) == FASTNN_OK);
    return bytes;
}

void load(const void* bytes, std::size_t size) {
    fastnn_network* network = nullptr;
    if (fastnn_network_load_memory(bytes, size, &network) != FASTNN_OK) {
        demand(network == nullptr);
        return;
    }
    if (fastnn_network_dtype(network) == FASTNN_F32) {
        use<float>(network, fastnn_network_predict_f32, fastnn_network_train_step_f32);
    } else {
        use<double>(network, fastnn_network_predict_f64, fastnn_network_train_step_f64);
    }
    // What is saved is loaded again as the same.
    const std::string first = saved(network);
    fastnn_network_free(network);
    demand(fastnn_network_load_memory(first.data(), first.size(), &network) == FASTNN_OK);
    demand(saved(network) == first);
    fastnn_network_free(network);
}

class Arrays {
   public:
    explicit Arrays(const ElementType* type) : type_(type) { memory_.reserve(10000); }

    template <class T>
    void add(const std::string& name, const fastnn::Shape& shape, const std::vector<T>& values) {
        memory_.emplace_back(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
        const std::string& bytes = memory_.back();
        list_.push_back({name, type_, shape, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
    }
    const std::vector<Tensor>& sorted() {
        std::sort(list_.begin(), list_.end(), [](const Tensor& a, const Tensor& b) { return a.name < b.name; });
        return list_;
    }

   private:
    const ElementType* type_;
    std::vector<std::string> memory_;
    std::vector<Tensor> list_;
};

template <class T>
std::string file_of(const Json& document, const fastnn::Architecture& architecture) {
    std::int64_t numbers = fastnn::size_of(architecture.input_shape);
    const std::int64_t inputs = numbers;
    for (const auto& stage : architecture.stages) numbers += stage.outputs;
    for (const auto& variable : architecture.variables) numbers += fastnn::size_of(variable.shape);
    if (numbers > kMostNumbers || architecture.variables.size() > 1000) return std::string();
    Arrays arrays(sizeof(T) == 4 ? &fastnn::kFloat32 : &fastnn::kFloat64);
    fastnn::Network<T> network(inputs, architecture.stages);
    for (std::size_t i = 0; i < architecture.variables.size(); ++i) {
        const auto& variable = architecture.variables[i];
        std::vector<T> values(static_cast<std::size_t>(network.variable_size(i)));
        for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<T>(k % 7) * T(0.125) - T(0.25);
        network.set_variable(i, values.data());
        arrays.add("variables/" + variable.name, variable.shape, values);
        // All that any optimizer asks for: more arrays than are wanted do no harm.
        for (const char* const slot : {"k", "m", "s", "v"}) {
            arrays.add(std::string("optimizer/") + slot + '/' + variable.name, variable.shape,
                       std::vector<T>(values.size(), T(0.5)));
        }
    }
    const std::vector<T> x(static_cast<std::size_t>(inputs), T(0.25));
    std::vector<T> y(static_cast<std::size_t>(network.outputs()));
    fastnn::RowSource source = {};
    source.data = x.data();
    source.type = sizeof(T) == 4 ? fastnn::RowSource::Type::f32 : fastnn::RowSource::Type::f64;
    source.columns = inputs;
    source.rescales = architecture.rescales;
    source.scale = architecture.scale;
    source.offset = architecture.offset;
    network.predict(source, 1, y.data(), false);
    const auto batch_of = [](fastnn::Shape shape) {
        shape.insert(shape.begin(), 1);
        return shape;
    };
    arrays.add("example/x", batch_of(architecture.input_shape), x);
    arrays.add("example/y", batch_of(architecture.output_shape), y);
    return fastnn::write_model_file(document, arrays.sorted());
}

void load_document(std::string_view text) {
    std::string file;
    try {
        const Json document = fastnn::parse_json(text);
        const Json* const model = document.is(Json::Type::object) ? document.find("model") : nullptr;
        if (model == nullptr) return;
        const fastnn::Architecture architecture = fastnn::read_architecture(*model);
        file = architecture.dtype == FASTNN_F32 ? file_of<float>(document, architecture)
                                                : file_of<double>(document, architecture);
    } catch (const fastnn::Failure&) {
        return;
    }
    load(file.data(), file.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (!text.empty() && text[0] == 'D') {
        load_document(text.substr(1));
    } else {
        load(text.data(), size);
    }
    return 0;
}
