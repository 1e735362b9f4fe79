"""The extension: every operation twice, NAME (obeys use_backend) and native_NAME (does not).

They take all arguments by position and answer NotImplemented, with nothing written, to anything unusual.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, final

version: str

def _set_backend_variable(variable: ContextVar[Any], /) -> None: ...
def available_isas() -> list[str]: ...
def compiler() -> str: ...
def get_num_threads() -> int: ...
def isa() -> str: ...
def probe_copy(bytes: int, stream: bool, /) -> float: ...
def probe_exp(dtype: str, /) -> float: ...
def probe_fma(dtype: str, /) -> float: ...
def probe_read(bytes: int, /) -> float: ...
def set_num_threads(n: int, /) -> None: ...

@final
class Network:
    """A network of one dtype, "float32" or "float64".

    rescaling is (scale, offset) for the samples, or None. A stage is ("dense", outputs, activation, use_bias),
    ("activation", outputs, activation), ("prelu", outputs, shared), ("dropout", outputs, rate, key),
    ("softmax", outputs) or ("rescaling", outputs, scale, offset).
    """

    def __init__(
        self,
        dtype: str,
        input_shape: Sequence[int],
        output_shape: Sequence[int],
        rescaling: object,
        stages: list[tuple[Any, ...]],
        /,
    ) -> None: ...
    def get_variable(self, variable: int, /) -> Any: ...
    def set_variable(self, variable: int, value: object, /) -> None: ...
    def compile(
        self, loss: tuple[Any, ...], optimizer: tuple[Any, ...], penalties: Sequence[tuple[float, float]], /
    ) -> None:
        """loss: (kind, delta, smoothing, mean, skips_last); optimizer: the fields of OptimizerPlan up to weight_decay,
        then "none", "value", "norm" or "global_norm", and that limit; penalties: (l1, l2) of each variable.
        """

    def get_state(self, slot: int, variable: int, /) -> Any: ...
    def set_state(self, slot: int, variable: int, value: object, /) -> None: ...
    def train(
        self,
        x: object,
        order: object | None,
        y: object,
        weight: object | None,
        batch_size: int,
        first: int,
        last: int,
        rates: object,
        iteration: int,
        seed: int,
        losses: object,
        outputs: object | None,
        seconds: float,
        /,
    ) -> int:
        """Steps first .. last-1 of an epoch, fewer once the seconds have passed; returns how many. See engine.Steps."""

@final
class PackedDense:
    def __init__(self, w: object, b: object, activation: object, /) -> None: ...
    @property
    def in_features(self) -> int: ...
    @property
    def out_features(self) -> int: ...

def network_predict(network: object, x: object, out: object, logits: object, /) -> Any: ...
def activation(z: object, kind: object, out: object, /) -> Any: ...
def native_activation(z: object, kind: object, out: object, /) -> Any: ...
def activation_backward(dy: object, y: object, kind: object, z: object, out: object, /) -> Any: ...
def native_activation_backward(dy: object, y: object, kind: object, z: object, out: object, /) -> Any: ...
def adagrad_step(p: object, g: object, s: object, lr: object, eps: object, weight_decay: object, /) -> Any: ...
def native_adagrad_step(p: object, g: object, s: object, lr: object, eps: object, weight_decay: object, /) -> Any: ...
def adam_step(
    p: object,
    g: object,
    m: object,
    v: object,
    step: object,
    lr: object,
    beta1: object,
    beta2: object,
    eps: object,
    weight_decay: object,
    decoupled: object,
    /,
) -> Any: ...
def native_adam_step(
    p: object,
    g: object,
    m: object,
    v: object,
    step: object,
    lr: object,
    beta1: object,
    beta2: object,
    eps: object,
    weight_decay: object,
    decoupled: object,
    /,
) -> Any: ...
def binary_cross_entropy(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_binary_cross_entropy(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def binary_cross_entropy_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_binary_cross_entropy_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def binary_cross_entropy_with_logits(
    y: object, targets: object, sample_weight: object, reduction: object, /
) -> Any: ...
def native_binary_cross_entropy_with_logits(
    y: object, targets: object, sample_weight: object, reduction: object, /
) -> Any: ...
def binary_cross_entropy_with_logits_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_binary_cross_entropy_with_logits_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def categorical_cross_entropy(
    p: object, targets: object, axis: object, weight: object, label_smoothing: object, reduction: object, /
) -> Any: ...
def native_categorical_cross_entropy(
    p: object, targets: object, axis: object, weight: object, label_smoothing: object, reduction: object, /
) -> Any: ...
def categorical_cross_entropy_with_grad(
    p: object,
    targets: object,
    axis: object,
    weight: object,
    label_smoothing: object,
    reduction: object,
    dloss: object,
    out: object,
    /,
) -> Any: ...
def native_categorical_cross_entropy_with_grad(
    p: object,
    targets: object,
    axis: object,
    weight: object,
    label_smoothing: object,
    reduction: object,
    dloss: object,
    out: object,
    /,
) -> Any: ...
def cross_entropy(
    logits: object,
    targets: object,
    axis: object,
    weight: object,
    ignore_index: object,
    label_smoothing: object,
    reduction: object,
    /,
) -> Any: ...
def native_cross_entropy(
    logits: object,
    targets: object,
    axis: object,
    weight: object,
    ignore_index: object,
    label_smoothing: object,
    reduction: object,
    /,
) -> Any: ...
def cross_entropy_with_grad(
    logits: object,
    targets: object,
    axis: object,
    weight: object,
    ignore_index: object,
    label_smoothing: object,
    reduction: object,
    dloss: object,
    out: object,
    /,
) -> Any: ...
def native_cross_entropy_with_grad(
    logits: object,
    targets: object,
    axis: object,
    weight: object,
    ignore_index: object,
    label_smoothing: object,
    reduction: object,
    dloss: object,
    out: object,
    /,
) -> Any: ...
def dense(x: object, w: object, b: object, activation: object, out: object, z_out: object, /) -> Any: ...
def native_dense(x: object, w: object, b: object, activation: object, out: object, z_out: object, /) -> Any: ...
def dense_backward(
    dy: object,
    x: object,
    w: object,
    y: object,
    activation: object,
    z: object,
    need_dx: object,
    dx_out: object,
    dw_out: object,
    db_out: object,
    /,
) -> Any: ...
def native_dense_backward(
    dy: object,
    x: object,
    w: object,
    y: object,
    activation: object,
    z: object,
    need_dx: object,
    dx_out: object,
    dw_out: object,
    db_out: object,
    /,
) -> Any: ...
def dropout(x: object, p: object, seed: object, counter: object, out: object, /) -> Any: ...
def native_dropout(x: object, p: object, seed: object, counter: object, out: object, /) -> Any: ...
def dropout_backward(dy: object, p: object, seed: object, counter: object, out: object, /) -> Any: ...
def native_dropout_backward(dy: object, p: object, seed: object, counter: object, out: object, /) -> Any: ...
def global_norm(arrays: object, /) -> Any: ...
def native_global_norm(arrays: object, /) -> Any: ...
def hinge(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_hinge(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def hinge_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_hinge_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def huber(y: object, targets: object, delta: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_huber(y: object, targets: object, delta: object, sample_weight: object, reduction: object, /) -> Any: ...
def huber_with_grad(
    y: object, targets: object, delta: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_huber_with_grad(
    y: object, targets: object, delta: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def log_softmax(x: object, axis: object, out: object, /) -> Any: ...
def native_log_softmax(x: object, axis: object, out: object, /) -> Any: ...
def log_softmax_backward(dy: object, y: object, axis: object, out: object, /) -> Any: ...
def native_log_softmax_backward(dy: object, y: object, axis: object, out: object, /) -> Any: ...
def logsumexp(x: object, axis: object, keepdims: object, /) -> Any: ...
def native_logsumexp(x: object, axis: object, keepdims: object, /) -> Any: ...
def mae(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_mae(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def mae_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_mae_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def mse(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_mse(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def mse_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_mse_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def packed_dense(packed: object, x: object, out: object, /) -> Any: ...
def native_packed_dense(packed: object, x: object, out: object, /) -> Any: ...
def poisson(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_poisson(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def poisson_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_poisson_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def prelu(x: object, slope: object, out: object, /) -> Any: ...
def native_prelu(x: object, slope: object, out: object, /) -> Any: ...
def prelu_backward(dy: object, x: object, slope: object, /) -> Any: ...
def native_prelu_backward(dy: object, x: object, slope: object, /) -> Any: ...
def rmsprop_step(
    p: object,
    g: object,
    v: object,
    momentum_buffer: object,
    lr: object,
    alpha: object,
    eps: object,
    momentum: object,
    weight_decay: object,
    /,
) -> Any: ...
def native_rmsprop_step(
    p: object,
    g: object,
    v: object,
    momentum_buffer: object,
    lr: object,
    alpha: object,
    eps: object,
    momentum: object,
    weight_decay: object,
    /,
) -> Any: ...
def rrelu(
    x: object, lower: object, upper: object, training: object, seed: object, counter: object, out: object, /
) -> Any: ...
def native_rrelu(
    x: object, lower: object, upper: object, training: object, seed: object, counter: object, out: object, /
) -> Any: ...
def rrelu_backward(
    dy: object, x: object, lower: object, upper: object, training: object, seed: object, counter: object, out: object, /
) -> Any: ...
def native_rrelu_backward(
    dy: object, x: object, lower: object, upper: object, training: object, seed: object, counter: object, out: object, /
) -> Any: ...
def sgd_step(
    p: object, g: object, velocity: object, lr: object, momentum: object, nesterov: object, weight_decay: object, /
) -> Any: ...
def native_sgd_step(
    p: object, g: object, velocity: object, lr: object, momentum: object, nesterov: object, weight_decay: object, /
) -> Any: ...
def softmax(x: object, axis: object, out: object, /) -> Any: ...
def native_softmax(x: object, axis: object, out: object, /) -> Any: ...
def softmax_backward(dy: object, y: object, axis: object, out: object, /) -> Any: ...
def native_softmax_backward(dy: object, y: object, axis: object, out: object, /) -> Any: ...
def sum_squared_error(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def native_sum_squared_error(y: object, targets: object, sample_weight: object, reduction: object, /) -> Any: ...
def sum_squared_error_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
def native_sum_squared_error_with_grad(
    y: object, targets: object, sample_weight: object, reduction: object, dloss: object, out: object, /
) -> Any: ...
