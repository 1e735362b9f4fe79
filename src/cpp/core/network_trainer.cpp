#include "network_trainer.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "activation.h"
#include "dispatch.h"
#include "row_sums.h"

namespace fastnn {

using std::ptrdiff_t;

namespace {

// Below this, or with so many rows for each thread, threads share a product's rows: the weights are small enough, or
// used often enough, to be read by all.
constexpr ptrdiff_t kSharedBytes = 64 * 1024, kRowsPerThread = 96;
// In the units of parts_for: what the update of one parameter costs, and up to which work the barriers of a step are a
// part of it that counts.
template <class T>
constexpr double kUpdateWork = sizeof(T) == 4 ? 30.0 : 80.0;
constexpr double kLittleWork = 4e6, kBarrierShare = 0.4;

}  // namespace

template <class T>
Network<T>::Trainer::Trainer(Network& network, const NetworkLoss& loss, const OptimizerOptions& optimizer,
                             std::vector<Penalty> penalties)
    : network_(network), loss_(loss), options_(optimizer), penalties_(std::move(penalties)) {
    stages_ = network.stage_count(true);
    first_ = network.variables_.empty() ? stages_ : network.variables_.front().stage;
    const std::size_t variables = network.variables_.size();
    vector_gradients_.resize(network.stages_.size());
    states_.resize(variables);
    clipped_.resize(variables);
    penalty_sums_.resize(variables);
    squares_.resize(variables);
    for (std::size_t v = 0; v < variables; ++v) {
        const Variable& variable = network.variables_[v];
        const ptrdiff_t size = network.state_size(variable);
        for (int slot = 0; slot < slots_of(optimizer); ++slot) {
            states_[v].emplace_back(size);
            std::fill_n(states_[v].back().data(), size, static_cast<T>(first_value(optimizer, slot)));
        }
        if (optimizer.clip == Clip::norm || optimizer.clip == Clip::global_norm) {
            clipped_[v] = Buffer<T>(size);
            squares_[v] = Buffer<double>(rows_of(v));
        }
        if (penalties_[v].any()) penalty_sums_[v] = Buffer<double>(rows_of(v));
        penalised_ = penalised_ || penalties_[v].any();
        if (!variable.is_weights) vector_gradients_[variable.stage] = Buffer<T>(size);
    }
}

template <class T>
ptrdiff_t Network<T>::Trainer::rows_of(std::size_t variable) const {
    const Variable& v = network_.variables_[variable];
    return v.is_weights ? network_.stages_[v.stage].inputs : 1;
}

template <class T>
const T* Network<T>::Trainer::row_of(std::size_t variable, const T* from, ptrdiff_t row, T* spare) const {
    const Variable& v = network_.variables_[variable];
    if (!v.is_weights) return from;
    network_.stages_[v.stage].weights->unpack_row(from, row, spare);
    return spare;
}

template <class T>
bool Network<T>::Trainer::needs_z(std::size_t stage) const {
    return fastnn::needs_z(network_.kind_of(stage, true), network_.stages_[stage].options.parameter);
}

template <class T>
void Network<T>::Trainer::reserve_room(ptrdiff_t rows, Room& room) const {
    const auto& kernels = kernels_of<T>();
    ptrdiff_t workspace = 0, block = 0, turned = 0;
    for (std::size_t s = 0; s < stages_; ++s) {
        const Stage& stage = network_.stages_[s];
        const ptrdiff_t outputs = stage.options.outputs;
        workspace =
            std::max({workspace, kernels.softmax->scratch_size(outputs), kernels.cross_entropy->scratch_size(outputs)});
        block = std::max(block, outputs);
        if (stage.weights == nullptr) continue;
        const DenseWeights<T>& weights = *stage.weights;
        const ptrdiff_t panel_rows = panel_block_rows(weights, 1), many_rows = row_block_rows(weights);
        // Few rows have a walk of their own.
        for (const ptrdiff_t m : {rows, std::min(rows, kFewRows)}) {
            for (const Product<T>& product :
                 {weights.forward(m, nullptr, nullptr, 0, T(0), nullptr, nullptr),
                  weights.backward(m, nullptr, nullptr),
                  weights.gradient(m, nullptr, nullptr, {0, panel_rows}, weights.panel(0).range(), nullptr, 0),
                  weights.gradient(m, nullptr, nullptr, {0, many_rows}, {0, outputs}, nullptr, 0)}) {
                workspace = std::max(workspace, product_workspace_size(product));
            }
        }
        block = std::max({block, panel_rows * weights.panel(0).width, rows >= kManySamples ? many_rows * outputs : 0});
        if (weights.narrow() && weights.inputs() == 1) turned = std::max(turned, rows * outputs);
    }
    const auto grow = [](Buffer<T>& buffer, ptrdiff_t size) {
        // Some lines more than wanted: no two threads may write to one.
        if (buffer.size() < size + 64) buffer = Buffer<T>(size + 64);
    };
    grow(room.workspace, workspace);
    grow(room.gradient, block);
    grow(room.spare, block);
    grow(room.turned, turned);
}

template <class T>
void Network<T>::Trainer::reserve(ptrdiff_t rows, int members) {
    const bool grows = rows > capacity_;
    if (!grows && static_cast<int>(rooms_.size()) >= members) return;
    rooms_.resize(std::max(rooms_.size(), static_cast<std::size_t>(members)));
    for (Room& room : rooms_) reserve_room(std::max(capacity_, rows), room);
    if (!grows) return;
    results_.resize(stages_);
    before_.resize(stages_);
    gradients_.resize(stages_);
    packed_.resize(stages_);
    row_starts_.resize(stages_);
    ptrdiff_t outputs = network_.inputs_;
    for (std::size_t s = 0; s < stages_; ++s) {
        outputs = network_.stages_[s].options.outputs;
        results_[s] = Buffer<T>(rows * outputs);
        if (network_.stages_[s].weights != nullptr) {
            row_starts_[s] = Buffer<ptrdiff_t>(rows);
            for (ptrdiff_t i = 0; i < rows; ++i) row_starts_[s].data()[i] = i * network_.stages_[s].inputs;
        }
        if (network_.stages_[s].weights != nullptr && needs_z(s)) before_[s] = Buffer<T>(rows * outputs);
        if (packs(s, rows)) packed_[s] = Buffer<T>(kernels_of<T>().dense->packed_size(rows, outputs));
        if (s >= first_ || s + 1 == stages_) gradients_[s] = Buffer<T>(rows * outputs);
    }
    rows_ = Buffer<T>(rows * network_.inputs_);
    next_rows_ = Buffer<T>(rows * network_.inputs_);
    sample_starts_ = Buffer<ptrdiff_t>(rows + kRowsBeyond);
    targets_ = Buffer<T>(rows * outputs);
    weights_ = Buffer<T>(rows);
    losses_ = Buffer<T>(rows);
    scales_ = Buffer<T>(rows);
    indices_ = Buffer<std::int64_t>(rows);
    capacity_ = rows;  // last, as any of these may throw
}

template <class T>
typename Network<T>::Trainer::Split Network<T>::Trainer::split_of(ptrdiff_t inputs, ptrdiff_t outputs, ptrdiff_t rows,
                                                                  int members) const {
    const bool large = inputs * outputs * static_cast<ptrdiff_t>(sizeof(T)) >= kSharedBytes;
    const bool enough = outputs >= members * kernels_of<T>().dense->tile_columns;
    return large && enough && rows < kRowsPerThread * members ? Split::columns : Split::rows;
}

template <class T>
ptrdiff_t Network<T>::Trainer::train(const TrainCall<T>& call) {
    const auto start = std::chrono::steady_clock::now();
    const std::chrono::duration<double> limit(call.seconds);
    reserve(std::min(call.batch_size, call.rows), thread_count());
    TrainCall<T> rest = call;
    ptrdiff_t index = call.first;
    do {
        const bool is_loaded = index > call.first && loads_ahead(call);
        call.losses[index] = step(rest, index, call.iteration + (index - call.first), is_loaded);
        if (rest.outputs != nullptr) rest.outputs += call.batch_size * network_.stages_[stages_ - 1].options.outputs;
        ++index;
    } while (index < call.last && std::chrono::steady_clock::now() - start < limit);
    for (const Stage& stage : network_.stages_) {
        if (stage.weights != nullptr) stage.weights->refresh(0, 1);
    }
    return index - call.first;
}

template <class T>
double Network<T>::Trainer::step(const TrainCall<T>& call, ptrdiff_t index, std::int64_t iteration, bool is_loaded) {
    const ptrdiff_t first = index * call.batch_size, end = std::min(call.rows, first + call.batch_size);
    const ptrdiff_t next_end = std::min(call.rows, end + call.batch_size);
    const Batch batch = {&call,       first,
                         end - first, index + 1 < call.last ? next_end - end : 0,
                         is_loaded,   reads_in_place(call, end - first)};
    if (is_loaded && !batch.in_place) std::swap(rows_, next_rows_);
    const bool adam = options_.kind == OptimizerKind::adam;
    const OptimizerStep<T> optimizer(options_, call.rates[index],
                                     adam ? 1.0 - powers_[0].at(options_.beta1, iteration + 1) : 1.0,
                                     adam ? 1.0 - powers_[1].at(options_.beta2, iteration + 1) : 1.0);
    double parameters = 0.0;
    for (const Variable& variable : network_.variables_)
        parameters += static_cast<double>(network_.state_size(variable));
    const double work = 3.0 * network_.work(batch.rows) + kUpdateWork<T> * parameters;
    const double shared = work < kLittleWork ? kBarrierShare * work : work;
    const int wanted = std::min(parts_for(shared, std::numeric_limits<int>::max()), static_cast<int>(rooms_.size()));
    team(wanted, [&](int member, int members) {
        run(batch, optimizer, static_cast<std::uint64_t>(iteration), member, members);
    });
    return batch_loss(batch.rows);
}

// While weights are updated, unless the samples need no loading.
template <class T>
bool Network<T>::Trainer::loads_ahead(const TrainCall<T>& call) const {
    const bool in_place = call.order == nullptr && call.x.template as_they_are<T>() != nullptr;
    return !in_place && !network_.variables_.empty() && network_.variables_.front().is_weights;
}

// Adam and the gradient in one: see DenseKernels::gradient_adam.
template <class T>
bool Network<T>::Trainer::fuses(std::size_t variable) const {
    const DenseWeights<T>& weights = *network_.stages_[network_.variables_[variable].stage].weights;
    return options_.kind == OptimizerKind::adam && options_.clip == Clip::none && !penalties_[variable].any() &&
           kernels_of<T>().dense->gradient_adam != nullptr && !weights.narrow();
}

// Whether both products that read the samples can take rows from anywhere: then shuffled samples are not copied
// together. On two threads a copy would also go from one core's cache to the other's.
template <class T>
bool Network<T>::Trainer::reads_in_place(const TrainCall<T>& call, ptrdiff_t rows) const {
    if (call.order == nullptr || call.x.template as_they_are<T>() == nullptr || rows >= kManySamples) return false;
    return !network_.variables_.empty() && network_.variables_.front().is_weights &&
           network_.variables_.front().stage == 0 && fuses(0) &&
           network_.stages_[0].options.outputs % kernels_of<T>().dense->tile_columns == 0;
}

template <class T>
double Network<T>::Trainer::batch_loss(ptrdiff_t rows) const {
    const T* const losses = losses_.data();
    const T* const weights = weights_.data();
    const double sum = sum_over_rows(
        rows, [=](ptrdiff_t row) { return static_cast<double>(losses[row]) * static_cast<double>(weights[row]); });
    double penalty = 0.0;
    for (const Buffer<double>& sums : penalty_sums_) {
        for (ptrdiff_t row = 0; row < sums.size(); ++row) penalty += sums.data()[row];
    }
    return (loss_.mean ? sum / static_cast<double>(rows) : sum) + penalty;
}

template <class T>
void Network<T>::Trainer::run(const Batch& batch, const OptimizerStep<T>& optimizer, std::uint64_t iteration,
                              int member, int members) {
    if (penalised_) penalties(member, members);
    load(batch, member, members);
    for (std::size_t s = first_; s < stages_; ++s) {
        if (network_.stages_[s].weights != nullptr) network_.stages_[s].weights->refresh(member, members);
    }
    barrier_.wait(members);
    if (forward(batch, iteration, member, members) == Split::columns) barrier_.wait(members);
    loss(batch, part_of(batch.rows, members, member, kRowMultiple), rooms_[static_cast<std::size_t>(member)]);
    backward(batch, iteration, member, members);
    barrier_.wait(members);
    pack(batch, member, members);
    update(batch, optimizer, member, members);
}

template <class T>
void Network<T>::Trainer::penalties(int member, int members) {
    T* const spare = rooms_[static_cast<std::size_t>(member)].spare.data();
    for (std::size_t v = 0; v < penalties_.size(); ++v) {
        if (!penalties_[v].any()) continue;
        const Variable& variable = network_.variables_[v];
        const ptrdiff_t columns = network_.variable_size(v) / rows_of(v);
        const Range rows = part_of(rows_of(v), members, member);
        for (ptrdiff_t row = rows.begin; row < rows.end; ++row) {
            const T* const values = row_of(v, network_.values(variable), row, spare);
            penalty_sums_[v].data()[row] = penalty_of_row(penalties_[v], values, columns);
        }
    }
}

template <class T>
void Network<T>::Trainer::load(const Batch& batch, int member, int members) {
    const TrainCall<T>& call = *batch.call;
    const bool in_order = call.order == nullptr && call.x.template as_they_are<T>() != nullptr;
    const ptrdiff_t columns = network_.inputs_, outputs = network_.stages_[stages_ - 1].options.outputs;
    if (member == 0) {
        const T* const samples = call.x.template as_they_are<T>();
        input_ = in_order ? samples + batch.first * columns : batch.in_place ? samples : rows_.data();
    }
    const Range rows = part_of(batch.rows, members, member, kRowMultiple);
    for (ptrdiff_t i = rows.begin; i < rows.end; ++i) {
        const std::int64_t row = batch.row(i);
        if (batch.in_place) {
            sample_starts_.data()[i] = row * columns;
        } else if (!in_order && !batch.is_loaded) {
            call.x.copy_row(row, rows_.data() + i * columns);
        }
        weights_.data()[i] = call.weight != nullptr ? call.weight[row] : T(1);
        if (call.index != nullptr) {
            indices_.data()[i] = call.index[row];
        } else {
            std::copy_n(call.target + row * outputs, outputs, targets_.data() + i * outputs);
        }
    }
}

template class Network<float>::Trainer;
template class Network<double>::Trainer;

}  // namespace fastnn
