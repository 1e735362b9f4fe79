// The phases of a training step that compute: forward, loss, backward. See network_trainer.h.
#include <algorithm>
#include <limits>

#include "activation.h"
#include "dispatch.h"
#include "network_trainer.h"

namespace fastnn {

using std::ptrdiff_t;

namespace {

template <class T>
void drop(const StageOptions& options, std::uint64_t seed, std::uint64_t iteration, const T* x, T* y, Range rows) {
    const ptrdiff_t begin = rows.begin * options.outputs, n = (rows.end - rows.begin) * options.outputs;
    if (n <= 0) return;
    const double threshold = options.rate * 0x1p32;
    if (threshold >= 0x1p32) {
        std::fill_n(y + begin, n, T(0));
        return;
    }
    const RandomStream stream = {seed, iteration << 16 | options.key, static_cast<std::uint64_t>(begin / 4)};
    kernels_of<T>().random->dropout(stream, static_cast<std::uint32_t>(threshold), static_cast<T>(1.0 - options.rate),
                                    x + begin, y + begin, n);
}

}  // namespace

template <class T>
typename Network<T>::Trainer::Split Network<T>::Trainer::forward(const Batch& batch, std::uint64_t iteration,
                                                                 int member, int members) {
    const Range rows = part_of(batch.rows, members, member, kRowMultiple);
    T* const workspace = rooms_[static_cast<std::size_t>(member)].workspace.data();
    Split split = Split::rows;
    for (std::size_t s = 0; s < stages_; ++s) {
        const Stage& stage = network_.stages_[s];
        const T* const x = input_of(s);
        T* const y = results_[s].data();
        if (stage.weights == nullptr) {
            if (split == Split::columns) barrier_.wait(members);
            split = Split::rows;
            if (stage.options.operation == Operation::dropout) {
                drop(stage.options, batch.call->seed, iteration, x, y, rows);
            } else {
                transform_rows(stage.options, stage.vector.data(), x, y, rows, workspace);
            }
            continue;
        }
        const DenseWeights<T>& weights = *stage.weights;
        const Split wanted = split_of(weights.inputs(), weights.outputs(), batch.rows, members);
        if (s > 0 && (split == Split::columns || wanted == Split::columns)) barrier_.wait(members);
        split = wanted;
        Product<T> product = weights.forward(batch.rows, x, stage.options.has_bias ? stage.vector.data() : nullptr,
                                             static_cast<int>(network_.kind_of(s, true)),
                                             static_cast<T>(stage.options.parameter), y, before_[s].data());
        if (s == 0 && batch.in_place) product.a_rows = sample_starts_.data();
        if (split == Split::rows) {
            product_rows(product, rows, workspace);
        } else {
            const ptrdiff_t tile = kernels_of<T>().dense->tile_columns;
            product_columns(product, part_of(weights.outputs(), members, member, tile), workspace);
        }
    }
    return split;
}

template <class T>
void Network<T>::Trainer::loss(const Batch& batch, Range rows, Room& room) {
    if (rows.begin >= rows.end) return;
    const TrainCall<T>& call = *batch.call;
    const ptrdiff_t columns = network_.stages_[stages_ - 1].options.outputs, at = rows.begin * columns;
    const T* const y = results_[stages_ - 1].data() + at;
    if (call.outputs != nullptr) std::copy_n(y, (rows.end - rows.begin) * columns, call.outputs + at);
    const double share = loss_.mean ? 1.0 / static_cast<double>(batch.rows) : 1.0;
    for (ptrdiff_t i = rows.begin; i < rows.end; ++i) {
        scales_.data()[i] = static_cast<T>(static_cast<double>(weights_.data()[i]) * share);
    }
    if (loss_.form == NetworkLoss::Form::elementwise) {
        elementwise_loss(rows);
        return;
    }
    ClassLossRows<T> part = {};
    part.x = y;
    part.rows = rows.end - rows.begin;
    part.columns = columns;
    part.targets.ignore_index = std::numeric_limits<std::int64_t>::min();
    part.targets.smoothing = static_cast<T>(loss_.smoothing);
    if (call.index != nullptr) {
        part.targets.index = indices_.data() + rows.begin;
    } else {
        part.targets.probability = targets_.data() + at;
    }
    part.losses = losses_.data() + rows.begin;
    part.scale = scales_.data() + rows.begin;
    part.scale_step = 1;
    part.gradient = gradients_[stages_ - 1].data() + at;
    const auto& kernels = *kernels_of<T>().cross_entropy;
    const bool logits = loss_.form == NetworkLoss::Form::from_logits;
    (logits ? kernels.from_logits : kernels.from_probabilities)(part, room.workspace.data());
}

template <class T>
void Network<T>::Trainer::elementwise_loss(Range rows) {
    const auto sweep = kernels_of<T>().loss->sweep;
    const ptrdiff_t columns = network_.stages_[stages_ - 1].options.outputs;
    const auto block_at = [&](ptrdiff_t at, ptrdiff_t n) {
        LossBlock<T> block = {};
        block.y = results_[stages_ - 1].data() + at;
        block.t = targets_.data() + at;
        block.dy = gradients_[stages_ - 1].data() + at;
        block.n = n;
        return block;
    };
    const T parameter = static_cast<T>(loss_.parameter);
    if (columns == 1) {
        for (ptrdiff_t i = rows.begin; i < rows.end; i += kLossChunk) {
            LossBlock<T> block = block_at(i, std::min(kLossChunk, rows.end - i));
            block.scale = scales_.data() + i;
            block.loss = losses_.data() + i;
            sweep(loss_.kind, parameter, block);
        }
        return;
    }
    const double share = loss_.sums_features ? 1.0 : 1.0 / static_cast<double>(columns);
    for (ptrdiff_t i = rows.begin; i < rows.end; ++i) {
        double sum = 0.0;
        for (ptrdiff_t j = 0; j < columns; j += kLossChunk) {
            LossBlock<T> block = block_at(i * columns + j, std::min(kLossChunk, columns - j));
            block.factor = static_cast<T>(static_cast<double>(scales_.data()[i]) * share);
            sum += static_cast<double>(sweep(loss_.kind, parameter, block));
        }
        losses_.data()[i] = static_cast<T>(sum * share);
    }
}

// dz = dy f', in place, over the member's rows, or columns of all rows.
template <class T>
void Network<T>::Trainer::activation_gradient(std::size_t s, ptrdiff_t batch, Split split, int member, int members) {
    const Stage& stage = network_.stages_[s];
    const Kind kind = network_.kind_of(s, true);
    if (kind == Kind::identity) return;
    const T* const saved = needs_z(s) ? before_[s].data() : results_[s].data();
    T* const dz = gradients_[s].data();
    const ptrdiff_t columns = stage.options.outputs;
    const auto backward = [&](ptrdiff_t at, ptrdiff_t n) {
        kernels_of<T>().activation->backward(static_cast<int>(kind), static_cast<T>(stage.options.parameter), dz + at,
                                             saved + at, dz + at, n);
    };
    if (split == Split::rows) {
        const Range rows = part_of(batch, members, member, kRowMultiple);
        if (rows.begin < rows.end) backward(rows.begin * columns, (rows.end - rows.begin) * columns);
        return;
    }
    const Range own = part_of(columns, members, member, kernels_of<T>().dense->tile_columns);
    for (ptrdiff_t row = 0; row < batch; ++row) backward(row * columns + own.begin, own.end - own.begin);
}

template <class T>
void Network<T>::Trainer::prelu_gradient(std::size_t s, ptrdiff_t batch) {
    const Stage& stage = network_.stages_[s];
    // Nothing asks for the gradient of the first stage's input: it goes where dy lies.
    T* const dx = s > first_ ? gradients_[s - 1].data() : gradients_[s].data();
    prelu_backward(gradients_[s].data(), input_of(s), stage.vector.data(), stage.options.shared, dx,
                   vector_gradients_[s].data(), batch, stage.options.outputs);
}

template <class T>
void Network<T>::Trainer::backward(const Batch& batch, std::uint64_t iteration, int member, int members) {
    const Range rows = part_of(batch.rows, members, member, kRowMultiple);
    T* const workspace = rooms_[static_cast<std::size_t>(member)].workspace.data();
    Split split = Split::rows;
    for (std::size_t s = stages_; s-- > first_;) {
        const Stage& stage = network_.stages_[s];
        T* const dy = gradients_[s].data();
        if (stage.weights != nullptr) {
            activation_gradient(s, batch.rows, split, member, members);
            if (s == first_) return;
            const Product<T> product = stage.weights->backward(batch.rows, dy, gradients_[s - 1].data());
            const Split wanted = split_of(stage.options.outputs, stage.inputs, batch.rows, members);
            if (split == Split::columns || wanted == Split::columns) barrier_.wait(members);
            split = wanted;
            if (split == Split::rows) {
                product_rows(product, rows, workspace);
            } else {
                const ptrdiff_t tile = kernels_of<T>().dense->tile_columns;
                product_columns(product, part_of(stage.inputs, members, member, tile), workspace);
            }
            continue;
        }
        if (split == Split::columns) barrier_.wait(members);
        split = Split::rows;
        if (stage.options.operation == Operation::prelu) {
            barrier_.wait(members);
            if (member == 0) prelu_gradient(s, batch.rows);
            barrier_.wait(members);
            if (s == first_) return;
            continue;
        }
        const ptrdiff_t columns = stage.options.outputs, at = rows.begin * columns;
        const ptrdiff_t n = (rows.end - rows.begin) * columns;
        if (n <= 0) continue;
        T* const dx = gradients_[s - 1].data();
        const auto& kernels = kernels_of<T>();
        if (stage.options.operation == Operation::dropout) {
            drop(stage.options, batch.call->seed, iteration, dy, dx, rows);
        } else if (stage.options.operation == Operation::softmax) {
            kernels.softmax->softmax_backward(dy + at, results_[s].data() + at, dx + at, rows.end - rows.begin, columns,
                                              false, workspace);
        } else if (stage.options.operation == Operation::rescaling) {
            const T scale = static_cast<T>(stage.options.scale);
            for (ptrdiff_t i = at; i < at + n; ++i) dx[i] = dy[i] * scale;
        } else {
            const bool from_z = fastnn::needs_z(stage.options.kind, stage.options.parameter);
            kernels.activation->backward(static_cast<int>(stage.options.kind), static_cast<T>(stage.options.parameter),
                                         dy + at, (from_z ? input_of(s) : results_[s].data()) + at, dx + at, n);
        }
    }
}

template class Network<float>::Trainer;
template class Network<double>::Trainer;

}  // namespace fastnn
