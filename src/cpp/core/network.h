// A whole network: its weights, its results, and steps of training it without returning to the caller in between.
//
// Nothing is checked here: the description must make sense, and arrays must have the sizes it implies. predict() is
// const and may run in several threads at once; everything else wants the object for itself. Every step runs in one
// parallel region, in which each thread computes the same columns of a layer's weights, gradients and optimizer states
// wherever that pays. The split never changes a bit: sums over the batch or over a layer's inputs are never cut.
#ifndef FASTNN_CORE_NETWORK_H
#define FASTNN_CORE_NETWORK_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../kernels/activation.h"
#include "../kernels/loss.h"
#include "dense_weights.h"
#include "network_optimizer.h"
#include "network_rows.h"

namespace fastnn {

enum class Operation { dense, activation, prelu, dropout, softmax, rescaling };

struct StageOptions {
    Operation operation;
    std::ptrdiff_t outputs;  // numbers in one sample's result
    Kind kind = Kind::identity;
    double parameter = 0.0;
    bool has_bias = false;  // dense
    bool shared = false;    // prelu: one slope for all
    double rate = 0.0;      // dropout, and the number that its masks are keyed by
    std::uint64_t key = 0;
    double scale = 1.0, offset = 0;  // rescaling
};

struct NetworkLoss {
    enum class Form { from_logits, from_probabilities, elementwise };
    Form form;
    LossKind kind;       // elementwise
    double parameter;    // elementwise: huber's delta
    bool sums_features;  // elementwise: the row's loss is the sum over its elements, not their mean
    double smoothing;    // over classes
    bool mean;           // over the rows of a batch
    bool skips_last;     // the last stage, or the activation of a dense one, is part of the loss
};

// Some steps of one epoch.
template <class T>
struct TrainCall {
    RowSource x;
    const std::int64_t* order;   // null: the rows in their order
    std::ptrdiff_t rows;         // of the epoch
    std::ptrdiff_t batch_size;   // the last batch may be smaller
    const std::int64_t* index;   // class indices (all rows of x), or
    const T* target;             // targets
    const T* weight;             // of every row of x; null: ones
    std::ptrdiff_t first, last;  // steps to do, counted in the epoch
    const double* rates;         // the learning rate of each step of the epoch
    std::int64_t iteration;      // steps done before, in all the network's life
    std::uint64_t seed;          // of the dropout masks
    double* losses;              // of each step of the epoch
    T* outputs;                  // of these steps' rows, one batch after the other; or null
    double seconds;              // no further step is begun after as long
};

template <class T>
class Network {
   public:
    using Element = T;

    // May throw std::bad_alloc, as may all that is not const.
    Network(std::ptrdiff_t inputs, const std::vector<StageOptions>& stages);
    ~Network();
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

    std::ptrdiff_t inputs() const { return inputs_; }
    std::ptrdiff_t outputs() const { return stages_.empty() ? inputs_ : stages_.back().options.outputs; }

    // The variables, stage by stage, a dense stage's weights (I, O) before its bias (O,); a prelu has slopes.
    std::size_t variables() const { return variables_.size(); }
    std::ptrdiff_t variable_size(std::size_t variable) const;
    void get_variable(std::size_t variable, T* to) const;
    void set_variable(std::size_t variable, const T* from);

    // y (rows, outputs); logits: without what the loss takes over. x may be of another type than T.
    void predict(const RowSource& x, std::ptrdiff_t rows, T* y, bool logits) const;
    // Bytes of scratch memory that predict takes at most in the calling thread. rows >= 1
    std::size_t predict_scratch_bytes(std::ptrdiff_t rows) const;
    // FLOPs of that, or an equivalent.
    double work(std::ptrdiff_t rows) const;

    // The stages that are computed while training with such a loss; there must be one.
    std::size_t stages_to_train(bool skips_last) const;
    // Penalties: one per variable. Optimizer states start with what the options say.
    void compile(const NetworkLoss& loss, const OptimizerOptions& optimizer, std::vector<Penalty> penalties);
    bool compiled() const { return trainer_ != nullptr; }
    // Whether the targets may be class indices.
    bool takes_index() const;
    // The optimizer's states for each parameter.
    int slots() const;
    void get_state(int slot, std::size_t variable, T* to) const;
    void set_state(int slot, std::size_t variable, const T* from);

    // Returns the number of steps done, at least one.
    std::ptrdiff_t train(const TrainCall<T>& call);

   private:
    class Trainer;

    struct Stage {
        StageOptions options;
        std::ptrdiff_t inputs;
        std::unique_ptr<DenseWeights<T>> weights;  // dense
        Buffer<T> vector;                          // a dense stage's bias, a prelu's slopes
    };
    struct Variable {
        std::size_t stage;
        bool is_weights;
    };

    std::ptrdiff_t state_size(const Variable& variable) const;
    T* values(const Variable& variable) const;
    void run_stage(const Stage& stage, Kind kind, const T* x, std::ptrdiff_t rows, T* y) const;
    void predict_rows(const RowSource& x, std::ptrdiff_t begin, std::ptrdiff_t end, bool logits, T* y) const;
    // What stages count when the loss takes the last one over, and with which activation they end.
    std::size_t stage_count(bool logits) const;
    Kind kind_of(std::size_t stage, bool logits) const;

    std::ptrdiff_t inputs_;
    std::vector<Stage> stages_;
    std::vector<Variable> variables_;
    std::ptrdiff_t widest_;  // of all results
    bool skips_last_ = false;
    std::unique_ptr<Trainer> trainer_;
};

}  // namespace fastnn

#endif
