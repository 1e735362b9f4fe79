// Activations as a model's document holds them: see network/activation_names.py.
#ifndef FASTNN_MODEL_ACTIVATION_NAMES_H
#define FASTNN_MODEL_ACTIVATION_NAMES_H

#include "../kernels/activation.h"
#include "json.h"

namespace fastnn {

struct ActivationChoice {
    Kind kind = Kind::identity;
    double parameter = 0.0;
    bool is_softmax = false;  // which is none of the kinds
};

// Null: the identity. Throws Failure (FASTNN_BAD_MODEL).
ActivationChoice read_activation(const Json* value);
// A kind that is not softmax.
Json write_activation(Kind kind, double parameter);
// One without a name or with a parameter of its own; throws Failure (FASTNN_BAD_MODEL) if the kind has none like it.
ActivationChoice with_parameter(Kind kind, double parameter);
ActivationChoice with_default(Kind kind);

}  // namespace fastnn

#endif
