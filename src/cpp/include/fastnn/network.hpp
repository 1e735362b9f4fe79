// The networks of network.h in C++17, where they are described.
//
//     const auto network = fastnn::Network::load("model.safetensors");
//     std::vector<float> x(32 * 784), y(32 * 10);
//     network.predict<float>({x.data(), 32, 784}, {y.data(), 32, 10});
#ifndef FASTNN_NETWORK_HPP
#define FASTNN_NETWORK_HPP

#include <memory>
#include <string>
#include <vector>

#include "network.h"
#include "operations.hpp"

namespace fastnn {
inline namespace api {
namespace detail {

// The C functions of a dtype that concern networks.
template <class T>
struct NetworkC;
#define FASTNN_DEFINE(T, S)                                                   \
    template <>                                                               \
    struct NetworkC<T> {                                                      \
        static constexpr auto predict = fastnn_network_predict_##S;           \
        static constexpr auto predict_bytes = fastnn_network_predict_u8_##S;  \
        static constexpr auto get_variable = fastnn_network_get_variable_##S; \
        static constexpr auto set_variable = fastnn_network_set_variable_##S; \
        static constexpr auto train_step = fastnn_network_train_step_##S;     \
    };
FASTNN_DEFINE(float, f32)
FASTNN_DEFINE(double, f64)
#undef FASTNN_DEFINE

}  // namespace detail

// The layers that a network is made of; what else they have is set in the structure.
inline fastnn_stage stage(fastnn_layer layer) noexcept {
    fastnn_stage made = {};
    made.layer = layer;
    return made;
}
inline fastnn_stage dense_stage(std::int64_t units, fastnn_activation activation = FASTNN_IDENTITY,
                                double parameter = 0.0) noexcept {
    fastnn_stage made = stage(FASTNN_DENSE);
    made.units = units;
    made.activation = activation;
    made.parameter = parameter;
    return made;
}

// Keras's defaults for that optimizer.
inline fastnn_training training(fastnn_network_loss loss, fastnn_optimizer optimizer) {
    fastnn_training made;
    detail::require(fastnn_training_defaults(&made, sizeof made, loss, optimizer));
    return made;
}

class Network {
   public:
    Network(fastnn_dtype dtype, std::int64_t inputs, const std::vector<fastnn_stage>& stages) {
        fastnn_network* network = nullptr;
        const fastnn_stage none = {};
        detail::require(fastnn_network_create(dtype, inputs, stages.empty() ? &none : stages.data(), stages.size(),
                                              sizeof none, &network));
        network_.reset(network);
    }
    static Network load(const std::string& path) {
        fastnn_network* network = nullptr;
        detail::require(fastnn_network_load(path.c_str(), &network));
        return Network(network);
    }
    static Network load(const void* bytes, std::size_t size) {
        fastnn_network* network = nullptr;
        detail::require(fastnn_network_load_memory(bytes, size, &network));
        return Network(network);
    }
    // Takes what a C function has made.
    explicit Network(fastnn_network* network) noexcept : network_(network) {}

    void save(const std::string& path) const { detail::require(fastnn_network_save(get(), path.c_str())); }
    std::vector<unsigned char> save() const {
        std::size_t size = 0;
        const fastnn_status status = fastnn_network_save_memory(get(), nullptr, 0, &size);
        if (status != FASTNN_BAD_SIZE) detail::require(status);
        std::vector<unsigned char> bytes(size);
        detail::require(fastnn_network_save_memory(get(), bytes.data(), bytes.size(), &size));
        return bytes;
    }

    std::int64_t inputs() const noexcept { return fastnn_network_inputs(get()); }
    std::int64_t outputs() const noexcept { return fastnn_network_outputs(get()); }
    fastnn_dtype dtype() const noexcept { return fastnn_network_dtype(get()); }
    std::size_t variables() const noexcept { return fastnn_network_variables(get()); }
    std::string variable_name(std::size_t variable) const {
        const char* const name = fastnn_network_variable_name(get(), variable);
        if (name == nullptr) throw error(FASTNN_BAD_VALUE);
        return name;
    }
    template <class T>
    std::vector<T> variable(std::size_t variable) const {
        std::vector<T> values(static_cast<std::size_t>(fastnn_network_variable_size(get(), variable)));
        const auto size = static_cast<std::int64_t>(values.size());
        detail::require(detail::NetworkC<T>::get_variable(get(), variable, size, values.data()));
        return values;
    }
    template <class T>
    void set_variable(std::size_t variable, detail::Input<T> values) {
        detail::require(detail::NetworkC<T>::set_variable(get(), variable, values.size(), values.data()));
    }
    void initialize(std::uint64_t seed) { detail::require(fastnn_network_initialize(get(), seed)); }

    // y (rows, outputs) from x (rows, inputs).
    template <class T>
    void predict(detail::InputMatrix<T> x, Matrix<T> y, Scratch scratch = {}) const {
        require_batch(x, y);
        detail::require(detail::NetworkC<T>::predict(get(), x.rows(), x.data(), y.data(), scratch.data, scratch.bytes));
    }
    template <class T>
    void predict_bytes(Matrix<const std::uint8_t> x, Matrix<T> y, Scratch scratch = {}) const {
        require_batch(x, y);
        detail::require(
            detail::NetworkC<T>::predict_bytes(get(), x.rows(), x.data(), y.data(), scratch.data, scratch.bytes));
    }
    std::size_t predict_scratch(std::int64_t rows) const noexcept {
        return fastnn_network_predict_scratch(get(), rows);
    }

    void compile(const fastnn_training& options) { detail::require(fastnn_network_compile(get(), &options)); }
    // One step; the batch's loss before it. weights (rows,) or none.
    template <class T>
    double train_step(detail::InputMatrix<T> x, detail::InputMatrix<T> targets, double learning_rate,
                      detail::Input<T> weights = {}) {
        require_batch(x, targets);
        return step<T>(x, targets.data(), nullptr, learning_rate, weights);
    }
    // The same by class indices (rows,).
    template <class T>
    double train_step(detail::InputMatrix<T> x, View<const std::int64_t> classes, double learning_rate,
                      detail::Input<T> weights = {}) {
        detail::require_same(x.columns(), inputs());
        detail::require_same(classes.size(), x.rows());
        return step<T>(x, nullptr, classes.data(), learning_rate, weights);
    }
    std::int64_t iterations() const noexcept { return fastnn_network_iterations(get()); }
    double learning_rate() const {
        double rate = 0.0;
        detail::require(fastnn_network_learning_rate(get(), &rate));
        return rate;
    }

    fastnn_network* get() const noexcept { return network_.get(); }

   private:
    struct Free {
        void operator()(fastnn_network* network) const noexcept { fastnn_network_free(network); }
    };

    template <class From, class T>
    void require_batch(Matrix<From> x, Matrix<T> y) const {
        detail::require_same(x.columns(), inputs());
        detail::require_same(y.columns(), outputs());
        detail::require_same(x.rows(), y.rows());
    }
    template <class T>
    double step(Matrix<const T> x, const T* targets, const std::int64_t* classes, double learning_rate,
                View<const T> weights) {
        detail::require_size(weights, x.rows());
        double loss = 0.0;
        detail::require(detail::NetworkC<T>::train_step(get(), x.rows(), x.data(), targets, classes, weights.data(),
                                                        learning_rate, &loss));
        return loss;
    }

    std::unique_ptr<fastnn_network, Free> network_;
};

}  // namespace api
}  // namespace fastnn

#endif
