// From the layers of a model's document to the stages of a network: what network/layers.py, network/builder.py and
// network/native.py do in Python. What they refuse is refused here.
#ifndef FASTNN_MODEL_ARCHITECTURE_H
#define FASTNN_MODEL_ARCHITECTURE_H

#include <cstdint>
#include <string>
#include <vector>

#include "../core/network.h"
#include "fastnn/base.h"
#include "json.h"

namespace fastnn {

using Shape = std::vector<std::int64_t>;

// The numbers in an array of that shape; throws Failure (FASTNN_BAD_MODEL) if they are more than fit in any memory.
std::int64_t size_of(const Shape& shape);

struct LearntArray {
    std::string name;  // "dense/kernel"
    Shape shape;
    Penalty penalty;
};

// What a loss may take over.
enum class LastOperation { softmax, sigmoid, other };

struct Architecture {
    fastnn_dtype dtype;
    Shape input_shape, output_shape;  // of one sample
    // A rescaling that comes first is done while the samples are read.
    bool rescales = false;
    double scale = 1.0, offset = 0.0;
    std::vector<StageOptions> stages;
    std::vector<LearntArray> variables;  // in the network's order
    LastOperation last = LastOperation::other;
};

// model: {"dtype", "input_shape", "layers", "name"}. Throws Failure (FASTNN_BAD_MODEL) for what is no such network, or
// one that the C++ core does not compute. No memory is taken that the document does not prove.
Architecture read_architecture(const Json& model);

}  // namespace fastnn

#endif
