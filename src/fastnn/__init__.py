"""fastnn: the kernels of dense networks, fast on a CPU and with the same bits everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    from fastnn import _fastnn
except ModuleNotFoundError as error:
    if error.name != "fastnn._fastnn":
        raise
    raise ImportError(
        "the extension fastnn._fastnn is missing; install fastnn with `pip install .` rather than importing its source"
    ) from error

from fastnn.activations import CELU, ELU, Kind, LeakyReLU, SiLU, Softplus, Swish
from fastnn.functional import (
    PackedDense,
    activation,
    activation_backward,
    adagrad_step,
    adam_step,
    binary_cross_entropy,
    binary_cross_entropy_with_grad,
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_with_grad,
    categorical_cross_entropy,
    categorical_cross_entropy_with_grad,
    celu,
    cross_entropy,
    cross_entropy_with_grad,
    dense,
    dense_backward,
    dropout,
    dropout_backward,
    elu,
    exponential,
    gelu,
    gelu_tanh,
    global_norm,
    hard_sigmoid,
    hard_swish,
    hinge,
    hinge_with_grad,
    huber,
    huber_with_grad,
    identity,
    leaky_relu,
    log_softmax,
    log_softmax_backward,
    logsumexp,
    mae,
    mae_with_grad,
    mish,
    mse,
    mse_with_grad,
    poisson,
    poisson_with_grad,
    prelu,
    prelu_backward,
    relu,
    relu6,
    rmsprop_step,
    rrelu,
    rrelu_backward,
    selu,
    sgd_step,
    sigmoid,
    sign,
    silu,
    softmax,
    softmax_backward,
    softplus,
    softsign,
    step,
    sum_squared_error,
    sum_squared_error_with_grad,
    swish,
    tanh,
)
from fastnn.runtime import (
    available_backends,
    get_num_threads,
    register_threadpoolctl,
    set_num_threads,
    show_config,
    use_backend,
)

if TYPE_CHECKING:
    from fastnn import (
        callbacks,
        datasets,
        initializers,
        io,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plotting,
        regularizers,
    )
    from fastnn.cfunctions import cfunc
    from fastnn.network.layers import Dense, Input
    from fastnn.network.randomness import set_random_seed
    from fastnn.network.saving import load_model
    from fastnn.network.sequential import Sequential

__version__: str = _fastnn.version

# Loaded on first use: who only wants the operations does not wait for the networks.
_LAZY = {
    "Dense": "fastnn.network.layers",
    "Input": "fastnn.network.layers",
    "Sequential": "fastnn.network.sequential",
    "cfunc": "fastnn.cfunctions",
    "load_model": "fastnn.network.saving",
    "set_random_seed": "fastnn.network.randomness",
}
_LAZY_MODULES = frozenset(
    (
        "callbacks",
        "datasets",
        "initializers",
        "io",
        "layers",
        "losses",
        "metrics",
        "models",
        "optimizers",
        "plotting",
        "regularizers",
    )
)

__all__ = [
    "CELU",
    "ELU",
    "Dense",
    "Input",
    "Kind",
    "LeakyReLU",
    "PackedDense",
    "Sequential",
    "SiLU",
    "Softplus",
    "Swish",
    "__version__",
    "activation",
    "activation_backward",
    "adagrad_step",
    "adam_step",
    "available_backends",
    "binary_cross_entropy",
    "binary_cross_entropy_with_grad",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_with_grad",
    "callbacks",
    "categorical_cross_entropy",
    "categorical_cross_entropy_with_grad",
    "celu",
    "cfunc",
    "cross_entropy",
    "cross_entropy_with_grad",
    "datasets",
    "dense",
    "dense_backward",
    "dropout",
    "dropout_backward",
    "elu",
    "exponential",
    "gelu",
    "gelu_tanh",
    "get_num_threads",
    "global_norm",
    "hard_sigmoid",
    "hard_swish",
    "hinge",
    "hinge_with_grad",
    "huber",
    "huber_with_grad",
    "identity",
    "initializers",
    "io",
    "layers",
    "leaky_relu",
    "load_model",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "losses",
    "mae",
    "mae_with_grad",
    "metrics",
    "mish",
    "models",
    "mse",
    "mse_with_grad",
    "optimizers",
    "plotting",
    "poisson",
    "poisson_with_grad",
    "prelu",
    "prelu_backward",
    "register_threadpoolctl",
    "regularizers",
    "relu",
    "relu6",
    "rmsprop_step",
    "rrelu",
    "rrelu_backward",
    "selu",
    "set_num_threads",
    "set_random_seed",
    "sgd_step",
    "show_config",
    "sigmoid",
    "sign",
    "silu",
    "softmax",
    "softmax_backward",
    "softplus",
    "softsign",
    "step",
    "sum_squared_error",
    "sum_squared_error_with_grad",
    "swish",
    "tanh",
    "use_backend",
]


def __getattr__(name: str) -> object:
    import importlib

    if name in _LAZY_MODULES:
        return importlib.import_module(f"fastnn.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'fastnn' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
