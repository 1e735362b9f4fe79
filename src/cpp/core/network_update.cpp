// The last phase of a training step: gradients of the variables, and the optimizer. See network_trainer.h.
#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "network_trainer.h"

namespace fastnn {

using std::ptrdiff_t;

template <class T>
void Network<T>::Trainer::update(const Batch& batch, const OptimizerStep<T>& optimizer, int member, int members) {
    for (std::size_t v = 0; v < network_.variables_.size(); ++v) {
        if (network_.variables_[v].is_weights) {
            update_weights(batch, v, optimizer, member, members);
        } else {
            update_vector(batch, v, optimizer, member, members);
        }
    }
    if (options_.clip == Clip::norm || options_.clip == Clip::global_norm) clip_and_move(optimizer, member, members);
}

// One block of weights after the other: its gradient goes to memory that stays in the first-level cache, and from there
// into the weights. With as many panels as threads each thread has the columns that it computes in the forward pass.
template <class T>
void Network<T>::Trainer::update_weights(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer,
                                         int member, int members) {
    const std::size_t s = network_.variables_[variable].stage;
    const DenseWeights<T>& weights = *network_.stages_[s].weights;
    Room& room = rooms_[static_cast<std::size_t>(member)];
    const ptrdiff_t inputs = weights.inputs(), panels = weights.panels();
    const ptrdiff_t height = gradient_rows(weights, panels < members ? members : 1);
    const ptrdiff_t blocks = (inputs + height - 1) / height;
    const Range units = part_of(panels * blocks, members, member);
    const bool keeps = clipped_[variable].size() > 0;
    for (ptrdiff_t unit = units.begin; unit < units.end; ++unit) {
        if (s == first_) fetch_next(batch, unit - units.begin, units.end - units.begin, member, members);
        const Panel panel = weights.panel(unit / blocks);
        const ptrdiff_t row = unit % blocks * height;
        const Range rows = {row, std::min(inputs, row + height)};
        const ptrdiff_t at = panel.offset + row * panel.width;
        T* const gradient = keeps ? clipped_[variable].data() + at : room.gradient.data();
        weights.gradient(batch.rows, input_of(s), gradients_[s].data(), panel, rows, gradient, room.turned.data(),
                         room.workspace.data());
        apply(optimizer, variable, at, (rows.end - rows.begin) * panel.width, gradient, room.spare.data());
    }
}

template <class T>
void Network<T>::Trainer::update_vector(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer,
                                        int member, int members) {
    const std::size_t s = network_.variables_[variable].stage;
    const Stage& stage = network_.stages_[s];
    const ptrdiff_t n = stage.vector.size();
    Range own = part_of(n, members, member, 16);
    if (stage.weights != nullptr) {
        // A narrow sum makes all of its columns at once.
        if (n < kNarrowColumns) own = member == 0 ? Range{0, n} : Range{n, n};
        if (own.begin >= own.end) return;
        kernels_of<T>().dense->column_sums(gradients_[s].data(), batch.rows, n, n, own.begin, own.end,
                                           vector_gradients_[s].data());
    }
    if (own.begin >= own.end) return;
    T* gradient = vector_gradients_[s].data() + own.begin;
    if (clipped_[variable].size() > 0) {
        T* const kept = clipped_[variable].data() + own.begin;
        std::copy_n(gradient, own.end - own.begin, kept);
        gradient = kept;
    }
    apply(optimizer, variable, own.begin, own.end - own.begin, gradient,
          rooms_[static_cast<std::size_t>(member)].spare.data());
}

// The gradient of n parameters from `begin` on is complete: they are moved, unless its norm is to be known first.
template <class T>
void Network<T>::Trainer::apply(const OptimizerStep<T>& optimizer, std::size_t variable, ptrdiff_t begin, ptrdiff_t n,
                                T* gradient, T* spare) {
    T* const p = network_.values(network_.variables_[variable]) + begin;
    if (penalties_[variable].any()) add_penalty(penalties_[variable], p, gradient, n);
    if (options_.clip == Clip::value) clip_values(options_.limit, gradient, n);
    if (clipped_[variable].size() == 0) move(optimizer, variable, begin, n, gradient, spare);
}

template <class T>
void Network<T>::Trainer::move(const OptimizerStep<T>& optimizer, std::size_t variable, ptrdiff_t begin, ptrdiff_t n,
                               const T* gradient, T* spare) {
    T* states[kMostSlots] = {};
    for (std::size_t slot = 0; slot < states_[variable].size(); ++slot) {
        states[slot] = states_[variable][slot].data() + begin;
    }
    optimizer.apply(network_.values(network_.variables_[variable]) + begin, gradient, states, spare, n);
}

// Called by all members once the gradients of all variables are there, or being written by others.
template <class T>
void Network<T>::Trainer::clip_and_move(const OptimizerStep<T>& optimizer, int member, int members) {
    barrier_.wait(members);
    add_squares(member, members);
    barrier_.wait(members);
    Room& room = rooms_[static_cast<std::size_t>(member)];
    const ptrdiff_t block = room.spare.size();
    for (std::size_t v = 0; v < network_.variables_.size(); ++v) {
        const double factor = clip_factor(v);
        const Range own = part_of(clipped_[v].size(), members, member, 16);
        for (ptrdiff_t at = own.begin; at < own.end; at += block) {
            const ptrdiff_t n = std::min(block, own.end - at);
            T* const gradient = clipped_[v].data() + at;
            if (factor != 1.0) scale_values(factor, gradient, n);
            move(optimizer, v, at, n, gradient, room.spare.data());
        }
    }
}

template <class T>
void Network<T>::Trainer::add_squares(int member, int members) {
    const auto sum_of_squares = kernels_of<T>().optimizer->sum_of_squares;
    T* const spare = rooms_[static_cast<std::size_t>(member)].spare.data();
    for (std::size_t v = 0; v < network_.variables_.size(); ++v) {
        const ptrdiff_t columns = network_.variable_size(v) / rows_of(v);
        const Range rows = part_of(rows_of(v), members, member);
        for (ptrdiff_t row = rows.begin; row < rows.end; ++row) {
            const T* const values = row_of(v, clipped_[v].data(), row, spare);
            double sum = 0.0;
            for (ptrdiff_t j = 0; j < columns; j += kNormChunk) {
                sum += sum_of_squares(values + j, std::min(kNormChunk, columns - j));
            }
            squares_[v].data()[row] = sum;
        }
    }
}

// What the gradient of a variable is multiplied by: not 1 where its norm, or that of all, is above the limit, or nan.
template <class T>
double Network<T>::Trainer::clip_factor(std::size_t variable) const {
    const bool all = options_.clip == Clip::global_norm;
    double sum = 0.0;
    for (std::size_t v = all ? 0 : variable; v < (all ? squares_.size() : variable + 1); ++v) {
        for (ptrdiff_t row = 0; row < squares_[v].size(); ++row) sum += squares_[v].data()[row];
    }
    const double norm = std::sqrt(sum);
    return norm <= options_.limit ? 1.0 : options_.limit / norm;
}

// The next batch's rows lie anywhere in memory: they are fetched while the optimizer computes, a share of them before
// every block.
template <class T>
void Network<T>::Trainer::fetch_next(const Batch& batch, ptrdiff_t unit, ptrdiff_t units, int member,
                                     int members) const {
    const TrainCall<T>& call = *batch.call;
    if (call.order == nullptr) return;
    const Range rows = part_of(batch.next_rows, members, member, kRowMultiple);
    const Range share = part_of(rows.end - rows.begin, static_cast<int>(units), static_cast<int>(unit));
    for (ptrdiff_t i = share.begin; i < share.end; ++i) {
        fetch(call.x.row(batch.row(batch.rows + rows.begin + i)), call.x.row_bytes());
    }
}

template class Network<float>::Trainer;
template class Network<double>::Trainer;

}  // namespace fastnn
