"""The cuda backend: the operations compiled by numba-cuda on first use. Compiled and simulated, not yet timed on a GPU.

See docs/cuda.md. Its functions take arrays of numba.cuda's, or NumPy arrays, which are copied to the device and back.
"""

from .activation import (
    activation,
    activation_backward,
    prelu,
    prelu_backward,
)
from .compiling import require_device as require_device
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
