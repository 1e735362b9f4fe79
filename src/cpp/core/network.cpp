#include "network.h"

#include <algorithm>

#include "activation.h"
#include "dense.h"
#include "dispatch.h"
#include "fpenv.h"
#include "network_trainer.h"
#include "scratch.h"

namespace fastnn {

using std::ptrdiff_t;

namespace {

// Rows that go through all stages before the next ones: their results stay in the second-level cache.
constexpr ptrdiff_t kBlockRows = 192;
// Rows a thread must have before threads share the rows rather than each layer's columns.
constexpr ptrdiff_t kRowsPerThread = 96;

}  // namespace

template <class T>
Network<T>::Network(ptrdiff_t inputs, const std::vector<StageOptions>& stages) : inputs_(inputs), widest_(inputs) {
    bool trained_before = false;
    ptrdiff_t width = inputs;
    for (const StageOptions& options : stages) {
        Stage stage = {options, width, nullptr, Buffer<T>()};
        const std::size_t index = stages_.size();
        if (options.operation == Operation::dense) {
            stage.weights = std::make_unique<DenseWeights<T>>(width, options.outputs, trained_before);
            variables_.push_back({index, true});
            if (options.has_bias) {
                stage.vector = Buffer<T>(options.outputs);
                variables_.push_back({index, false});
            }
            trained_before = true;
        } else if (options.operation == Operation::prelu) {
            stage.vector = Buffer<T>(options.shared ? 1 : options.outputs);
            variables_.push_back({index, false});
            trained_before = true;
        }
        width = options.outputs;
        widest_ = std::max(widest_, width);
        stages_.push_back(std::move(stage));
    }
}

template <class T>
Network<T>::~Network() = default;

template <class T>
ptrdiff_t Network<T>::variable_size(std::size_t variable) const {
    const Stage& stage = stages_[variables_[variable].stage];
    return variables_[variable].is_weights ? stage.inputs * stage.options.outputs : stage.vector.size();
}

template <class T>
ptrdiff_t Network<T>::state_size(const Variable& variable) const {
    const Stage& stage = stages_[variable.stage];
    return variable.is_weights ? stage.weights->size() : stage.vector.size();
}

template <class T>
T* Network<T>::values(const Variable& variable) const {
    const Stage& stage = stages_[variable.stage];
    return variable.is_weights ? stage.weights->data() : stage.vector.data();
}

template <class T>
void Network<T>::get_variable(std::size_t variable, T* to) const {
    const Variable& v = variables_[variable];
    if (v.is_weights) {
        stages_[v.stage].weights->unpack(values(v), to);
    } else {
        std::copy_n(values(v), variable_size(variable), to);
    }
}

template <class T>
void Network<T>::set_variable(std::size_t variable, const T* from) {
    const Variable& v = variables_[variable];
    if (v.is_weights) {
        stages_[v.stage].weights->pack(from, values(v));
        stages_[v.stage].weights->refresh(0, 1);
    } else {
        std::copy_n(from, variable_size(variable), values(v));
    }
}

template <class T>
std::size_t Network<T>::stages_to_train(bool skips_last) const {
    const bool drops = skips_last && !stages_.empty() && stages_.back().options.operation != Operation::dense;
    return stages_.size() - (drops ? 1 : 0);
}

template <class T>
std::size_t Network<T>::stage_count(bool logits) const {
    return stages_to_train(logits && skips_last_);
}

template <class T>
Kind Network<T>::kind_of(std::size_t stage, bool logits) const {
    return logits && skips_last_ && stage + 1 == stages_.size() ? Kind::identity : stages_[stage].options.kind;
}

template <class T>
std::size_t Network<T>::predict_scratch_bytes(ptrdiff_t rows) const {
    // Products with weights in panels take none.
    ptrdiff_t stage_size = 0;
    for (const Stage& stage : stages_) {
        if (stage.weights != nullptr) continue;
        stage_size = std::max(stage_size, kernels_of<T>().softmax->scratch_size(stage.options.outputs));
    }
    return scratch_bytes<T>(2 * std::min(kBlockRows, rows) * widest_) + scratch_bytes<T>(stage_size);
}

template <class T>
double Network<T>::work(ptrdiff_t rows) const {
    double work = 0.0;
    for (const Stage& stage : stages_) {
        const double outputs = static_cast<double>(stage.options.outputs);
        work += stage.weights != nullptr ? 2.0 * outputs * static_cast<double>(stage.inputs) : 16.0 * outputs;
    }
    return work * static_cast<double>(rows);
}

// All rows through one stage; a dense one shares the work among the threads, where it is called from outside a region.
template <class T>
void Network<T>::run_stage(const Stage& stage, Kind kind, const T* x, ptrdiff_t rows, T* y) const {
    const T parameter = static_cast<T>(stage.options.parameter);
    if (stage.weights != nullptr) {
        const T* const bias = stage.options.has_bias ? stage.vector.data() : nullptr;
        run_product(stage.weights->forward(rows, x, bias, static_cast<int>(kind), parameter, y, nullptr));
        return;
    }
    const Scratch<T> scratch(kernels_of<T>().softmax->scratch_size(stage.options.outputs));
    transform_rows<T>(stage.options, stage.vector.data(), x, y, {0, rows}, scratch.data());
}

template <class T>
void Network<T>::predict_rows(const RowSource& x, ptrdiff_t begin, ptrdiff_t end, bool logits, T* y) const {
    const std::size_t stages = stage_count(logits);
    const ptrdiff_t block = std::min(kBlockRows, end - begin);
    const T* const in_place = x.as_they_are<T>();
    const Scratch<T> room(2 * block * widest_);
    T* const rooms[2] = {room.data(), room.data() + block * widest_};
    const ptrdiff_t outputs = stages == 0 ? inputs_ : stages_[stages - 1].options.outputs;
    for (ptrdiff_t row = begin; row < end; row += block) {
        const ptrdiff_t rows = std::min(block, end - row);
        T* const result = y + row * outputs;
        const T* from = in_place != nullptr ? in_place + row * inputs_ : rooms[1];
        if (in_place == nullptr) {
            for (ptrdiff_t i = 0; i < rows; ++i) x.copy_row(row + i, rooms[1] + i * inputs_);
        }
        if (stages == 0) std::copy_n(from, rows * inputs_, result);
        for (std::size_t s = 0; s < stages; ++s) {
            if (stages_[s].options.operation == Operation::dropout && s + 1 < stages) continue;
            T* const to = s + 1 == stages ? result : from == rooms[0] ? rooms[1] : rooms[0];
            run_stage(stages_[s], kind_of(s, logits), from, rows, to);
            from = to;
        }
    }
}

template <class T>
void Network<T>::predict(const RowSource& x, ptrdiff_t rows, T* y, bool logits) const {
    const FpEnvironment environment;
    if (rows == 0) return;
    const int parts = rows >= 2 * kRowsPerThread ? parts_for(work(rows), rows / kRowsPerThread) : 1;
    parallel(parts, [&](int part) {
        const Range range = part_of(rows, parts, part);
        predict_rows(x, range.begin, range.end, logits, y);
    });
}

template <class T>
void Network<T>::compile(const NetworkLoss& loss, const OptimizerOptions& optimizer, std::vector<Penalty> penalties) {
    const FpEnvironment environment;
    skips_last_ = loss.skips_last;
    trainer_ = std::make_unique<Trainer>(*this, loss, optimizer, std::move(penalties));
}

template <class T>
bool Network<T>::takes_index() const {
    return trainer_->takes_index();
}

template <class T>
int Network<T>::slots() const {
    return trainer_ != nullptr ? trainer_->slots() : 0;
}

template <class T>
void Network<T>::get_state(int slot, std::size_t variable, T* to) const {
    const Variable& v = variables_[variable];
    const T* const from = trainer_->state(slot, variable);
    if (v.is_weights) {
        stages_[v.stage].weights->unpack(from, to);
    } else {
        std::copy_n(from, variable_size(variable), to);
    }
}

template <class T>
void Network<T>::set_state(int slot, std::size_t variable, const T* from) {
    const Variable& v = variables_[variable];
    T* const to = trainer_->state(slot, variable);
    if (v.is_weights) {
        stages_[v.stage].weights->pack(from, to);
    } else {
        std::copy_n(from, variable_size(variable), to);
    }
}

template <class T>
ptrdiff_t Network<T>::train(const TrainCall<T>& call) {
    const FpEnvironment environment;
    return trainer_->train(call);
}

template <class T>
void transform_rows(const StageOptions& options, const T* vector, const T* x, T* y, Range rows, T* scratch) {
    const ptrdiff_t columns = options.outputs, at = rows.begin * columns, n = (rows.end - rows.begin) * columns;
    if (n <= 0) return;
    const auto& kernels = kernels_of<T>();
    switch (options.operation) {
        case Operation::activation:
            kernels.activation->forward(static_cast<int>(options.kind), static_cast<T>(options.parameter), x + at,
                                        y + at, n);
            break;
        case Operation::prelu:
            if (options.shared) {
                kernels.activation->forward(static_cast<int>(Kind::leaky_relu), *vector, x + at, y + at, n);
            } else {
                kernels.activation->prelu(x + at, vector, y + at, rows.end - rows.begin, columns);
            }
            break;
        case Operation::softmax:
            kernels.softmax->softmax(x + at, y + at, rows.end - rows.begin, columns, false, scratch);
            break;
        case Operation::rescaling: {
            const T scale = static_cast<T>(options.scale), offset = static_cast<T>(options.offset);
            for (ptrdiff_t i = at; i < at + n; ++i) y[i] = x[i] * scale + offset;
            break;
        }
        default:
            std::copy_n(x + at, n, y + at);
    }
}

template void transform_rows<float>(const StageOptions&, const float*, const float*, float*, Range, float*);
template void transform_rows<double>(const StageOptions&, const double*, const double*, double*, Range, double*);
template class Network<float>;
template class Network<double>;

}  // namespace fastnn
