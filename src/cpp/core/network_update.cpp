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
        const Variable& variable = network_.variables_[v];
        if (!variable.is_weights) {
            update_vector(batch, v, optimizer, member, members);
        } else if (batch.rows >= kManySamples && !network_.stages_[variable.stage].weights->narrow()) {
            update_rows(batch, v, optimizer, member, members);
        } else {
            update_panels(batch, v, optimizer, member, members);
        }
    }
    if (options_.clip == Clip::norm || options_.clip == Clip::global_norm) clip_and_move(optimizer, member, members);
}

// One block of a panel after the other: its gradient goes to memory that stays in the first-level cache, and from there
// into the weights. With as many panels as threads each thread has the columns that it computes in the forward pass.
template <class T>
void Network<T>::Trainer::update_panels(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer,
                                        int member, int members) {
    const std::size_t s = network_.variables_[variable].stage;
    const DenseWeights<T>& weights = *network_.stages_[s].weights;
    const T* const x = input_of(s);
    const T* const dz = gradients_[s].data();
    Room& room = rooms_[static_cast<std::size_t>(member)];
    const ptrdiff_t height = panel_block_rows(weights, weights.panels() < members ? members : 1);
    const ptrdiff_t blocks = (weights.inputs() + height - 1) / height;
    const Range units = part_of(weights.panels() * blocks, members, member);
    const auto& kernels = *kernels_of<T>().dense;
    const bool keeps = clipped_[variable].size() > 0;
    const bool fused = fuses(variable);
    for (ptrdiff_t unit = units.begin; unit < units.end; ++unit) {
        if (s == first_) load_next(batch, unit - units.begin, units.end - units.begin, member, members);
        const Panel panel = weights.panel(unit / blocks);
        const ptrdiff_t row = unit % blocks * height, at = panel.offset + row * panel.width;
        const Range rows = {row, std::min(weights.inputs(), row + height)};
        if (fused && panel.columns == kernels.tile_columns) {
            Product<T> g = weights.gradient(batch.rows, x, dz, rows, panel.range(), nullptr, 0);
            g.a_rows = s == 0 && batch.in_place ? sample_starts_.data() : row_starts_[s].data();
            kernels.gradient_adam(g, *optimizer.adam(), weights.data() + at, states_[variable][0].data() + at,
                                  states_[variable][1].data() + at);
            continue;
        }
        T* const gradient = keeps ? clipped_[variable].data() + at : room.gradient.data();
        weights.panel_gradient(batch.rows, x, dz, panel, rows, gradient, room.turned.data(), room.workspace.data());
        apply(optimizer, variable, at, (rows.end - rows.begin) * panel.width, gradient, room.spare.data());
    }
    if (s == first_) load_next(batch, units.end - units.begin, units.end - units.begin, member, members);
}

// With many samples the product is what counts: whole rows of weights at a time, which read x once, and dz from panels
// if it is large.
template <class T>
void Network<T>::Trainer::update_rows(const Batch& batch, std::size_t variable, const OptimizerStep<T>& optimizer,
                                      int member, int members) {
    const std::size_t s = network_.variables_[variable].stage;
    const DenseWeights<T>& weights = *network_.stages_[s].weights;
    Room& room = rooms_[static_cast<std::size_t>(member)];
    const ptrdiff_t height = row_block_rows(weights), outputs = weights.outputs();
    const Range blocks = part_of((weights.inputs() + height - 1) / height, members, member);
    const bool keeps = clipped_[variable].size() > 0;
    for (ptrdiff_t block = blocks.begin; block < blocks.end; ++block) {
        if (s == first_) load_next(batch, block - blocks.begin, blocks.end - blocks.begin, member, members);
        const Range rows = {block * height, std::min(weights.inputs(), (block + 1) * height)};
        Product<T> g = weights.gradient(batch.rows, input_of(s), gradients_[s].data(), rows, {0, outputs},
                                        room.gradient.data(), outputs);
        if (packs(s, batch.rows)) {
            g.b = packed_[s].data();
            g.layout = Layout::packed;
        }
        product_rows(g, {0, g.m}, room.workspace.data());
        for (ptrdiff_t i = 0; i < weights.panels(); ++i) {
            const Panel panel = weights.panel(i);
            const bool whole = panel.width == outputs;  // the panel's rows lie like the gradient's
            const ptrdiff_t pieces = whole ? 1 : g.m, n = whole ? g.m * outputs : panel.columns;
            for (ptrdiff_t piece = 0; piece < pieces; ++piece) {
                T* gradient = room.gradient.data() + piece * outputs + panel.begin;
                const ptrdiff_t at = panel.offset + (rows.begin + piece) * panel.width;
                if (keeps) gradient = std::copy_n(gradient, n, clipped_[variable].data() + at) - n;
                apply(optimizer, variable, at, n, gradient, room.spare.data());
            }
        }
    }
    if (s == first_) load_next(batch, blocks.end - blocks.begin, blocks.end - blocks.begin, member, members);
}

template <class T>
bool Network<T>::Trainer::packs(std::size_t s, ptrdiff_t batch) const {
    const DenseWeights<T>* const weights = network_.stages_[s].weights.get();
    return weights != nullptr && !weights->narrow() && batch >= kManySamples &&
           batch * weights->outputs() * static_cast<ptrdiff_t>(sizeof(T)) > kFarBytes;
}

template <class T>
void Network<T>::Trainer::pack(const Batch& batch, int member, int members) {
    const auto& kernels = *kernels_of<T>().dense;
    bool any = false;
    for (std::size_t s = first_; s < stages_; ++s) {
        if (!packs(s, batch.rows)) continue;
        any = true;
        const ptrdiff_t n = network_.stages_[s].weights->outputs();
        const Range own = part_of(n, members, member, kernels.tile_columns);
        if (own.begin >= own.end) continue;
        kernels.pack(gradients_[s].data(), n, Layout::rows, batch.rows, n, own.begin, own.end,
                     packed_[s].data() + own.begin * batch.rows);
    }
    if (any) barrier_.wait(members);
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

// The next batch's rows lie anywhere in memory. Before every block of weights a share of them is fetched, and the share
// fetched before the last block is copied: by the next step the optimizer would have driven it out of the caches again.
// unit == units: after the last block.
template <class T>
void Network<T>::Trainer::load_next(const Batch& batch, ptrdiff_t unit, ptrdiff_t units, int member, int members) {
    const TrainCall<T>& call = *batch.call;
    if (!loads_ahead(call)) return;
    const Range rows = part_of(batch.next_rows, members, member, kRowMultiple);
    const ptrdiff_t n = rows.end - rows.begin;
    const auto row = [&](ptrdiff_t i) { return batch.row(batch.rows + rows.begin + i); };
    if (unit < units) {
        const Range share = part_of(n, static_cast<int>(units), static_cast<int>(unit));
        for (ptrdiff_t i = share.begin; i < share.end; ++i) fetch(call.x.row(row(i)), call.x.row_bytes());
    }
    if (batch.in_place) return;
    const Range copied = units == 0 ? Range{0, n}
                         : unit > 0 ? part_of(n, static_cast<int>(units), static_cast<int>(unit - 1))
                                    : Range{0, 0};
    for (ptrdiff_t i = copied.begin; i < copied.end; ++i) {
        call.x.copy_row(row(i), next_rows_.data() + (rows.begin + i) * network_.inputs_);
    }
}

template class Network<float>::Trainer;
template class Network<double>::Trainer;

}  // namespace fastnn
