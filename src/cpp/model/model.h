// A network together with the document that Python stores of it: loaded, trained and saved again, with all of what only
// Python makes use of (metrics, schedules, initializers, the generator's state) as it was.
#ifndef FASTNN_MODEL_MODEL_H
#define FASTNN_MODEL_MODEL_H

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../core/network.h"
#include "architecture.h"
#include "json.h"
#include "model_file.h"
#include "training.h"

namespace fastnn {

class Model {
   public:
    // A network of layers as write_layers gives them, its variables zero. Throws Failure (FASTNN_BAD_MODEL).
    explicit Model(Json layers);
    // The model in a file's bytes. Throws Failure (FASTNN_BAD_FILE, FASTNN_BAD_MODEL, FASTNN_WRONG_RESULT).
    Model(const void* bytes, std::size_t size);
    // The bytes of a file.
    std::string file() const;

    // f(network) with the Network<float> or Network<double>.
    template <class F>
    decltype(auto) visit(F&& f) const {
        return architecture.dtype == FASTNN_F32 ? f(*single_) : f(*double_);
    }

    // The network of that element type, or null.
    template <class T>
    Network<T>* of() const {
        if constexpr (std::is_same<T, float>::value)
            return single_.get();
        else
            return double_.get();
    }

    // Draws the kernels from Glorot's uniform distribution, and sets the other variables to zero.
    void initialize(std::uint64_t seed);

    // Makes a training that starts anew. Throws Failure (FASTNN_BAD_VALUE).
    void compile(const fastnn_training& options);

    // Samples as the network reads them.
    RowSource rows(const void* data, RowSource::Type type) const;
    // Its own type of samples.
    RowSource::Type type() const;

    // What a step learns from: the targets of `rows` rows (or null) as they are, or smoothed in memory of the model's.
    template <class T>
    const T* prepared(const T* targets, std::ptrdiff_t rows);

    const Architecture architecture;
    // Null if it is not compiled. A training counts its iterations here.
    std::optional<TrainingPlan> training;

   private:
    explicit Model(ModelFile contents);
    void make_network();
    void start_training(const TrainingPlan& plan, fastnn_status otherwise);
    std::string example_result() const;

    Json document_;        // but for the checksum
    std::string example_;  // one sample, in the network's dtype
    std::unique_ptr<Network<float>> single_;
    std::unique_ptr<Network<double>> double_;
    const std::ptrdiff_t inputs_;
    std::vector<char> prepared_;
};

}  // namespace fastnn

#endif
