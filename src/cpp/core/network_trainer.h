// What a network needs for training beside its weights: states, buffers, and the phases of a step.
#ifndef FASTNN_CORE_NETWORK_TRAINER_H
#define FASTNN_CORE_NETWORK_TRAINER_H

#include <algorithm>
#include <vector>

#include "network.h"
#include "optimizer.h"
#include "threads.h"

namespace fastnn {

// Rows are shared in fours: a dropout mask is drawn for four numbers at a time.
constexpr std::ptrdiff_t kRowMultiple = 4;

// From so many samples on a weight gradient is made of whole rows of weights, not of blocks of panels. Zen 4, one
// thread, a step of 784-128-10 by panels and by rows: 128 samples 542 and 557 us, 1024 samples 4453 and 4312.
constexpr std::ptrdiff_t kManySamples = 256;
// A dz larger than this is packed for it.
constexpr std::ptrdiff_t kFarBytes = 1024 * 1024;

// The rows of a panel whose gradient is made and used in one go, so many that there are at least `parts` such blocks.
template <class T>
std::ptrdiff_t panel_block_rows(const DenseWeights<T>& weights, int parts) {
    const std::ptrdiff_t most = weights.narrow() ? 256 : 48, multiple = 6;  // multiple: the height of a tile
    const std::ptrdiff_t least = (weights.inputs() + most - 1) / most;
    const std::ptrdiff_t blocks = (least + parts - 1) / parts * parts;
    const std::ptrdiff_t rows = (weights.inputs() + blocks - 1) / blocks;
    return (rows + multiple - 1) / multiple * multiple;
}

// The same for whole rows of weights.
template <class T>
std::ptrdiff_t row_block_rows(const DenseWeights<T>& weights) {
    constexpr std::ptrdiff_t kElements = 24 * 1024, kMost = 96, kMultiple = 6;
    return std::min(kMost, std::max(kElements / weights.outputs() / kMultiple, std::ptrdiff_t(1)) * kMultiple);
}

// Some rows through a stage that is not dense, on the calling thread. vector: a prelu's slopes. scratch: what softmax
// wants.
template <class T>
void transform_rows(const StageOptions& options, const T* vector, const T* x, T* y, Range rows, T* scratch);

template <class T>
class Network<T>::Trainer {
   public:
    Trainer(Network& network, const NetworkLoss& loss, const OptimizerOptions& optimizer,
            std::vector<Penalty> penalties);

    int slots() const { return slots_of(options_); }
    bool takes_index() const { return loss_.form != NetworkLoss::Form::elementwise; }
    T* state(int slot, std::size_t variable) const { return states_[variable][static_cast<std::size_t>(slot)].data(); }
    std::ptrdiff_t train(const TrainCall<T>& call);

   private:
    // How the threads share what a stage computes: by rows of the batch, or by columns.
    enum class Split { rows, columns };

    // What one thread writes to while it computes.
    struct Room {
        Buffer<T> workspace;        // of a product, a softmax or a loss
        Buffer<T> gradient, spare;  // of a block of weights, and as much again
        Buffer<T> turned;           // see DenseWeights::gradient
    };

    // One step: a batch's rows of the epoch, and those of the next batch, whose samples are loaded ahead.
    struct Batch {
        const TrainCall<T>* call;
        std::ptrdiff_t first, rows, next_rows;
        bool is_loaded;  // its own samples have been loaded ahead
        bool in_place;   // they are read where they lie
        std::int64_t row(std::ptrdiff_t i) const { return call->order != nullptr ? call->order[first + i] : first + i; }
    };

    void reserve(std::ptrdiff_t rows, int members);
    void reserve_room(std::ptrdiff_t rows, Room& room) const;
    double step(const TrainCall<T>& call, std::ptrdiff_t index, std::int64_t iteration, bool is_loaded);
    bool loads_ahead(const TrainCall<T>& call) const;
    bool reads_in_place(const TrainCall<T>& call, std::ptrdiff_t rows) const;
    bool fuses(std::size_t variable) const;
    double batch_loss(std::ptrdiff_t rows) const;
    void run(const Batch& batch, const OptimizerStep<T>& optimizer, std::uint64_t iteration, int member, int members);

    // The phases, one member's share of each.
    void load(const Batch& batch, int member, int members);
    void penalties(int member, int members);
    Split forward(const Batch& batch, std::uint64_t iteration, int member, int members);
    void loss(const Batch& batch, Range rows, Room& room);
    void elementwise_loss(Range rows);
    void backward(const Batch& batch, std::uint64_t iteration, int member, int members);
    void activation_gradient(std::size_t stage, std::ptrdiff_t batch, Split split, int member, int members);
    void prelu_gradient(std::size_t stage, std::ptrdiff_t batch);
    void update(const Batch& batch, const OptimizerStep<T>& optimizer, int member, int members);
    void update_panels(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer, int member,
                       int members);
    void update_rows(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer, int member,
                     int members);
    bool packs(std::size_t stage, std::ptrdiff_t batch) const;
    void pack(const Batch& batch, int member, int members);
    void update_vector(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer, int member,
                       int members);
    void load_next(const Batch& batch, std::ptrdiff_t unit, std::ptrdiff_t units, int member, int members);
    void apply(const OptimizerStep<T>& optimizer, std::size_t variable, std::ptrdiff_t begin, std::ptrdiff_t n,
               T* gradient, T* spare);
    void move(const OptimizerStep<T>& optimizer, std::size_t variable, std::ptrdiff_t begin, std::ptrdiff_t n,
              const T* gradient, T* spare);

    // Clipping by a norm wants all gradients before the first update.
    void clip_and_move(const OptimizerStep<T>& optimizer, int member, int members);
    void add_squares(int member, int members);
    double clip_factor(std::size_t variable) const;

    Split split_of(std::ptrdiff_t inputs, std::ptrdiff_t outputs, std::ptrdiff_t rows, int members) const;
    bool needs_z(std::size_t stage) const;
    const T* input_of(std::size_t stage) const { return stage == 0 ? input_ : results_[stage - 1].data(); }
    // The rows that sums over a variable are made of: weights (I, O), a vector one row.
    std::ptrdiff_t rows_of(std::size_t variable) const;
    // One of them, gathered in `spare` if it does not lie in one piece.
    const T* row_of(std::size_t variable, const T* from, std::ptrdiff_t row, T* spare) const;

    Network& network_;
    NetworkLoss loss_;
    OptimizerOptions options_;
    std::vector<Penalty> penalties_;
    bool penalised_ = false;
    std::size_t stages_ = 0;                      // that are computed while training
    std::size_t first_ = 0;                       // the first stage with variables
    std::vector<std::vector<Buffer<T>>> states_;  // [variable][slot]

    std::ptrdiff_t capacity_ = 0;                          // rows
    std::vector<Buffer<T>> results_, before_, gradients_;  // of every stage; before_: z
    std::vector<Buffer<T>> packed_;                        // gradients_ of dense stages in panels, where packs()
    std::vector<Buffer<T>> vector_gradients_;              // of a stage's bias or slopes
    std::vector<Buffer<T>> clipped_;                       // of every variable, if gradients are clipped
    std::vector<Buffer<double>> penalty_sums_, squares_;   // of every variable's rows
    Buffer<T> rows_, next_rows_;                           // the batch's samples, and the next one's
    const T* input_ = nullptr;                             // the batch's, or where they lie
    std::vector<Buffer<std::ptrdiff_t>> row_starts_;       // of every dense stage's input
    Buffer<std::ptrdiff_t> sample_starts_;                 // of the batch's samples where they are read in place
    Buffer<T> targets_, weights_, losses_, scales_;
    Buffer<std::int64_t> indices_;
    std::vector<Room> rooms_;
    Barrier barrier_;
    DecayPower powers_[2];
};

}  // namespace fastnn

#endif
