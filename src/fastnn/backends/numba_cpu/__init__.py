"""The numba backend: the operations compiled by Numba, on first use or by warmup(). See docs/numba.md."""

from . import compiling as compiling  # first, for it says what is missing
from .activation import (
    activation,
    activation_backward,
    prelu,
    prelu_backward,
)
from .cross_entropy import (
    categorical_cross_entropy,
    categorical_cross_entropy_with_grad,
    cross_entropy,
    cross_entropy_with_grad,
)
from .dense import (
    PackedDense,
    dense,
    dense_backward,
)
from .loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_grad,
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_with_grad,
    hinge,
    hinge_with_grad,
    huber,
    huber_with_grad,
    mae,
    mae_with_grad,
    mse,
    mse_with_grad,
    poisson,
    poisson_with_grad,
    sum_squared_error,
    sum_squared_error_with_grad,
)
from .optimizer import (
    adagrad_step,
    adam_step,
    global_norm,
    rmsprop_step,
    sgd_step,
)
from .random import (
    dropout,
    dropout_backward,
    rrelu,
    rrelu_backward,
)
from .softmax import (
    log_softmax,
    log_softmax_backward,
    logsumexp,
    softmax,
    softmax_backward,
)
from .warming import warmup as warmup

__all__ = [
    "PackedDense",
    "activation",
    "activation_backward",
    "adagrad_step",
    "adam_step",
    "binary_cross_entropy",
    "binary_cross_entropy_with_grad",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_with_grad",
    "categorical_cross_entropy",
    "categorical_cross_entropy_with_grad",
    "cross_entropy",
    "cross_entropy_with_grad",
    "dense",
    "dense_backward",
    "dropout",
    "dropout_backward",
    "global_norm",
    "hinge",
    "hinge_with_grad",
    "huber",
    "huber_with_grad",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "mae",
    "mae_with_grad",
    "mse",
    "mse_with_grad",
    "poisson",
    "poisson_with_grad",
    "prelu",
    "prelu_backward",
    "rmsprop_step",
    "rrelu",
    "rrelu_backward",
    "sgd_step",
    "softmax",
    "softmax_backward",
    "sum_squared_error",
    "sum_squared_error_with_grad",
]
