// The network object of the extension: one of two element types behind one Python class.
#ifndef FASTNN_BINDINGS_NETWORK_H
#define FASTNN_BINDINGS_NETWORK_H

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "arrays.h"
#include "core/network.h"

namespace fastnn {
namespace python {

class NetworkObject {
   public:
    // See _fastnn.pyi.
    NetworkObject(const std::string& dtype, const std::vector<Py_ssize_t>& input_shape,
                  const std::vector<Py_ssize_t>& output_shape, const pybind11::object& rescaling,
                  const pybind11::list& stages);

    // f(network) with the Network<float> or Network<double>.
    template <class F>
    decltype(auto) visit(F&& f) const {
        return dtype == DType::f32 ? f(*single_) : f(*double_);
    }

    // The shape of `array` is (N, *shape); any N.
    static bool is_batch_of(const Array& array, const std::vector<Py_ssize_t>& shape);
    // Samples as the network reads them; false if they are of another type or shape.
    bool read_samples(const Array& x, RowSource& source) const;

    DType dtype;
    std::vector<Py_ssize_t> input_shape, output_shape;
    // Set while a call changes the network: a second one at the same time is refused.
    std::atomic<bool> busy{false};

   private:
    std::unique_ptr<Network<float>> single_;
    std::unique_ptr<Network<double>> double_;
    bool rescales_ = false;
    double scale_ = 1.0, offset_ = 0.0;
};

// Holds the network for a call that changes it. Throws if another thread has it.
class Exclusive {
   public:
    explicit Exclusive(NetworkObject& network) : network_(network) {
        if (network.busy.exchange(true)) throw std::runtime_error("the network is being trained in another thread");
    }
    ~Exclusive() { network_.busy.store(false); }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    NetworkObject& network_;
};

// A C-contiguous array of the network's dtype and of `size` elements. Throws otherwise.
Array read_values(const pybind11::object& argument, DType dtype, std::ptrdiff_t size, const char* name);

void bind_network_training(pybind11::class_<NetworkObject>& network);

}  // namespace python
}  // namespace fastnn

#endif
