// What compile was given, between a model's document, the C interface and the core: network/losses.py,
// network/optimizers.py and network/saving.py in C++.
#ifndef FASTNN_MODEL_TRAINING_H
#define FASTNN_MODEL_TRAINING_H

#include <cstdint>
#include <string_view>

#include "../core/network.h"
#include "architecture.h"
#include "fastnn/network.h"
#include "json.h"

namespace fastnn {

// A step's number and a stage's share the 64 bits of a counter.
constexpr std::int64_t kMostSteps = (std::int64_t{1} << 47) - 1;

struct TrainingPlan {
    NetworkLoss loss;
    bool is_binary;           // a binary cross-entropy: targets from 0 to 1, each t learnt as t (1 - s) + s / 2
    double target_smoothing;  // s
    OptimizerOptions optimizer;
    double learning_rate;  // nan: a schedule
    std::int64_t iterations;
    std::uint64_t seed;
};

// A document's "compile" that has a loss. Throws Failure (FASTNN_BAD_MODEL).
TrainingPlan read_training(const Json& compile, LastOperation last);

// The same document from C; it starts anew. What is out of range read_training finds.
Json write_training(const fastnn_training& training);

// The name of an optimizer's state: "m", "v", "s" or "k".
const char* slot_name(const OptimizerOptions& optimizer, int slot);

}  // namespace fastnn

#endif
