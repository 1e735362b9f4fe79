// Networks in C: making and loading them, what they are, their results. What the model code throws becomes a status.
#include "network.h"

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>

#include "checks.h"
#include "model/files.h"
#include "model/layer_documents.h"

namespace fastnn {
namespace capi {

fastnn_status status_of_exception() noexcept {
    try {
        throw;
    } catch (const Failure& failure) {
        return failure.status;
    } catch (const std::bad_alloc&) {
        return FASTNN_NO_MEMORY;
    } catch (const std::length_error&) {
        return FASTNN_NO_MEMORY;
    } catch (...) {
        return FASTNN_INTERNAL;
    }
}

namespace {

// x may be of another type than the network.
template <class T, class From>
fastnn_status predict(const fastnn_network* network, std::int64_t rows, const From* x, RowSource::Type type, T* y,
                      Memory scratch) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    const Network<T>* const net = network->of<T>();
    if (net == nullptr) return FASTNN_BAD_DTYPE;
    return run(
        {input(x, count(rows, net->inputs())), output(y, count(rows, net->outputs()))}, scratch,
        [&] { return rows > 0 ? net->predict_scratch_bytes(static_cast<std::ptrdiff_t>(rows)) : 0; },
        [&] {
            net->predict(network->rows(x, type), static_cast<std::ptrdiff_t>(rows), y, false);
            return FASTNN_OK;
        });
}

// Whether the variable is there and its values lie in an array of `size` elements.
template <class T>
fastnn_status check_variable(const fastnn_network* network, std::size_t variable, std::int64_t size, const T* values) {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    const Network<T>* const net = network->of<T>();
    if (net == nullptr) return FASTNN_BAD_DTYPE;
    if (variable >= net->variables()) return FASTNN_BAD_VALUE;
    return size == net->variable_size(variable) ? check({input(values, size)}) : FASTNN_BAD_SIZE;
}

template <class T>
fastnn_status get_variable(const fastnn_network* network, std::size_t variable, std::int64_t size, T* values) noexcept {
    const fastnn_status status = check_variable(network, variable, size, values);
    if (status == FASTNN_OK) network->of<T>()->get_variable(variable, values);
    return status;
}

template <class T>
fastnn_status set_variable(fastnn_network* network, std::size_t variable, std::int64_t size, const T* values) noexcept {
    const fastnn_status status = check_variable(network, variable, size, values);
    if (status == FASTNN_OK) network->of<T>()->set_variable(variable, values);
    return status;
}

}  // namespace
}  // namespace capi
}  // namespace fastnn

using fastnn::fail;
using fastnn::Failure;
using fastnn::require;
using fastnn::capi::guarded;

fastnn_status fastnn_network_load(const char* path, fastnn_network** network) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    *network = nullptr;
    if (path == nullptr) return FASTNN_NULL_POINTER;
    return guarded([&] {
        const std::string contents = fastnn::read_file(path);
        *network = std::make_unique<fastnn_network>(contents.data(), contents.size()).release();
    });
}

fastnn_status fastnn_network_load_memory(const void* bytes, size_t size, fastnn_network** network) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    *network = nullptr;
    if (bytes == nullptr && size > 0) return FASTNN_NULL_POINTER;
    return guarded([&] { *network = std::make_unique<fastnn_network>(bytes, size).release(); });
}

fastnn_status fastnn_network_save(const fastnn_network* network, const char* path) noexcept {
    if (network == nullptr || path == nullptr) return FASTNN_NULL_POINTER;
    return guarded([&] { fastnn::write_file(path, network->file()); });
}

fastnn_status fastnn_network_save_memory(const fastnn_network* network, void* bytes, size_t capacity,
                                         size_t* size) noexcept {
    if (network == nullptr || size == nullptr || (bytes == nullptr && capacity > 0)) return FASTNN_NULL_POINTER;
    return guarded([&] {
        const std::string contents = network->file();
        *size = contents.size();
        require(contents.size() <= capacity, FASTNN_BAD_SIZE);
        std::copy(contents.begin(), contents.end(), static_cast<char*>(bytes));
    });
}

void fastnn_network_free(fastnn_network* network) noexcept { delete network; }

fastnn_status fastnn_network_create(int32_t dtype, int64_t inputs, const fastnn_stage* stages, size_t count,
                                    size_t stage_bytes, fastnn_network** network) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    *network = nullptr;
    if (stages == nullptr) return FASTNN_NULL_POINTER;
    if (count < 1 || stage_bytes < 1 || count > PTRDIFF_MAX / stage_bytes) return FASTNN_BAD_SIZE;
    return guarded([&] {
        std::vector<fastnn_stage> all;
        for (size_t i = 0; i < count; ++i) {
            fastnn_stage stage;
            const char* const from = reinterpret_cast<const char*>(stages) + i * stage_bytes;
            require(fastnn::capi::take(from, stage_bytes, stage), FASTNN_BAD_VALUE);
            all.push_back(stage);
        }
        fastnn::Json layers = fastnn::write_layers(dtype, inputs, all);
        try {
            *network = std::make_unique<fastnn_network>(std::move(layers)).release();
        } catch (const Failure&) {
            fail(FASTNN_BAD_VALUE);
        }
    });
}

fastnn_status fastnn_network_initialize(fastnn_network* network, uint64_t seed) noexcept {
    if (network == nullptr) return FASTNN_NULL_POINTER;
    return guarded([&] { network->initialize(seed); });
}

int64_t fastnn_network_inputs(const fastnn_network* network) noexcept {
    return network == nullptr ? 0 : network->visit([](const auto& net) { return net.inputs(); });
}

int64_t fastnn_network_outputs(const fastnn_network* network) noexcept {
    return network == nullptr ? 0 : network->visit([](const auto& net) { return net.outputs(); });
}

fastnn_dtype fastnn_network_dtype(const fastnn_network* network) noexcept {
    return network == nullptr ? FASTNN_F32 : network->architecture.dtype;
}

size_t fastnn_network_variables(const fastnn_network* network) noexcept {
    return network == nullptr ? 0 : network->architecture.variables.size();
}

const char* fastnn_network_variable_name(const fastnn_network* network, size_t variable) noexcept {
    if (variable >= fastnn_network_variables(network)) return nullptr;
    return network->architecture.variables[variable].name.c_str();
}

int64_t fastnn_network_variable_size(const fastnn_network* network, size_t variable) noexcept {
    if (variable >= fastnn_network_variables(network)) return 0;
    return network->visit([&](const auto& net) { return net.variable_size(variable); });
}

size_t fastnn_network_predict_scratch(const fastnn_network* network, int64_t rows) noexcept {
    if (network == nullptr || rows < 1) return 0;
    return network->visit([&](const auto& net) -> size_t {
        if (fastnn::capi::count(rows, std::max(net.inputs(), net.outputs())) < 0) return 0;
        return net.predict_scratch_bytes(static_cast<std::ptrdiff_t>(rows));
    });
}

#define FASTNN_DEFINE(T, suffix)                                                                                     \
    fastnn_status fastnn_network_get_variable_##suffix(const fastnn_network* network, size_t variable, int64_t size, \
                                                       T* values) noexcept {                                         \
        return fastnn::capi::get_variable(network, variable, size, values);                                          \
    }                                                                                                                \
    fastnn_status fastnn_network_set_variable_##suffix(fastnn_network* network, size_t variable, int64_t size,       \
                                                       const T* values) noexcept {                                   \
        return fastnn::capi::set_variable(network, variable, size, values);                                          \
    }                                                                                                                \
    fastnn_status fastnn_network_predict_##suffix(const fastnn_network* network, int64_t rows, const T* x, T* y,     \
                                                  void* scratch, size_t scratch_bytes) noexcept {                    \
        using Type = fastnn::RowSource::Type;                                                                        \
        return fastnn::capi::predict(network, rows, x, Type::suffix, y, {scratch, scratch_bytes});                   \
    }                                                                                                                \
    fastnn_status fastnn_network_predict_u8_##suffix(const fastnn_network* network, int64_t rows, const uint8_t* x,  \
                                                     T* y, void* scratch, size_t scratch_bytes) noexcept {           \
        using Type = fastnn::RowSource::Type;                                                                        \
        return fastnn::capi::predict(network, rows, x, Type::u8, y, {scratch, scratch_bytes});                       \
    }
FASTNN_BOTH(FASTNN_DEFINE)
