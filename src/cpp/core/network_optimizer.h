// A network's optimizer, applied to runs of parameters, gradients and states of the same layout: Keras's formulas.
#ifndef FASTNN_CORE_NETWORK_OPTIMIZER_H
#define FASTNN_CORE_NETWORK_OPTIMIZER_H

#include <cstddef>

#include "../kernels/optimizer.h"

namespace fastnn {

enum class OptimizerKind { sgd, adam, rmsprop, adagrad };
enum class Clip { none, value, norm, global_norm };

struct OptimizerOptions {
    OptimizerKind kind;
    double momentum;
    bool nesterov;
    double beta1, beta2;  // adam
    double rho;           // rmsprop
    double epsilon;
    double initial;       // adagrad: the accumulated squares at the start
    double weight_decay;  // w -= w * weight_decay * rate, before the step
    Clip clip;
    double limit;  // of the clip
};

constexpr int kMostSlots = 2;
// The states of each parameter: adam m, v; rmsprop v + epsilon and, with momentum, k; adagrad s + epsilon; sgd with
// momentum k. See network/engine.py.
int slots_of(const OptimizerOptions& options);
double first_value(const OptimizerOptions& options, int slot);

// l1 * sum(|w|) + l2 * sum(w^2) is added to the loss.
struct Penalty {
    double l1 = 0.0, l2 = 0.0;
    bool any() const { return l1 != 0.0 || l2 != 0.0; }
};

// g += l1 * sign(p) + 2 * l2 * p
template <class T>
void add_penalty(const Penalty& penalty, const T* p, T* g, std::ptrdiff_t n);
// l1 * |p| and l2 * p^2 of one row, summed in ascending order.
template <class T>
double penalty_of_row(const Penalty& penalty, const T* p, std::ptrdiff_t n);

// g limited to [-limit, limit]; nan stays.
template <class T>
void clip_values(double limit, T* g, std::ptrdiff_t n);
template <class T>
void scale_values(double factor, T* g, std::ptrdiff_t n);

// One step's numbers, made once for all parameters.
template <class T>
class OptimizerStep {
   public:
    // The corrections are adam's, 1 - beta^step.
    OptimizerStep(const OptimizerOptions& options, double rate, double correction1, double correction2);
    // Adam's numbers; null for the other kinds.
    const AdamStep<T>* adam() const { return kind_ == OptimizerKind::adam ? &adam_ : nullptr; }
    // states: as many as slots_of says. room: n elements, overwritten.
    void apply(T* p, const T* g, T* const* states, T* room, std::ptrdiff_t n) const;

   private:
    OptimizerKind kind_;
    bool has_momentum_;
    SgdStep<T> decay_, plain_, scale_, moved_;
    AdamStep<T> adam_;
    RmspropStep<T> rmsprop_;
    AdagradStep<T> adagrad_;
};

}  // namespace fastnn

#endif
