"""Networks to try an engine on: plans made from operations, their data, and a table of one case for every feature."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import availability
import numpy as np
import pytest

import fastnn
from fastnn.activations import NAMES, Kind
from fastnn.network import engines
from fastnn.network.engine import Data, Engine, LossPlan, OptimizerPlan, Steps, Training
from fastnn.network.generic import GenericEngine
from fastnn.network.plan import (
    Activation,
    Dense,
    Dropout,
    Operation,
    Plan,
    PReLU,
    Rescaling,
    Reshape,
    Shape,
    Softmax,
    Stage,
    Variable,
)

# The generic engine on the backends of conftest's fixture, and the native engine.
ENGINES = ("generic-reference", "generic-native", "generic-numba", "native")
if "cuda" in os.environ.get("FASTNN_TEST_BACKENDS", ""):
    ENGINES = ("generic-cuda",)
SEED = 987654321
# Not a multiple of the batch: the last one is smaller.
ROWS, BATCH, EPOCHS = 37, 8, 20
STEPS = EPOCHS * math.ceil(ROWS / BATCH)
MSE = LossPlan("mse")
SGD = OptimizerPlan("sgd")


def make_engine(name: str, plan: Plan) -> Engine:
    """An engine by its name in ENGINES; skips the test where there is none."""
    availability.require(name.removeprefix("generic-"))
    if name == "generic-cuda":
        return engines.make(plan, "cuda", "generic")[0]
    if name != "native":
        return GenericEngine(plan, name.removeprefix("generic-"))
    native: Any = pytest.importorskip("fastnn.network.native")
    reason = native.supports(plan)
    if reason is not None:
        pytest.skip(reason)
    engine: Engine = native.NativeEngine(plan)
    return engine


def plan_of(
    input_shape: Shape, operations: tuple[Operation, ...], dtype: Any = np.float64, l1: float = 0.0, l2: float = 0.0
) -> Plan:
    """A plan of these operations; Reshape flattens; the penalties are those of all kernels and slopes."""
    stages: list[Stage] = []
    variables: list[Variable] = []
    shape = input_shape
    for i, operation in enumerate(operations):
        layer = f"layer_{i}"
        match operation:
            case Dense():
                variables.append(Variable(f"{layer}/kernel", (shape[-1], operation.units), i, l1, l2))
                if operation.use_bias:
                    variables.append(Variable(f"{layer}/bias", (operation.units,), i))
                shape = (*shape[:-1], operation.units)
            case PReLU():
                variables.append(Variable(f"{layer}/alpha", (1,) if operation.shared else shape[-1:], i, l1, l2))
            case Reshape():
                shape = (math.prod(shape),)
        stages.append(Stage(operation, shape, layer))
    return Plan(input_shape, tuple(stages), tuple(variables), np.dtype(dtype))


def weights_of(plan: Plan, seed: int = 1) -> list[np.ndarray]:
    """First weights, the same in float32 and float64."""
    rng = np.random.default_rng(seed)
    scales = [1 / math.sqrt(v.shape[0]) if len(v.shape) == 2 else 0.3 for v in plan.variables]
    drawn = [scale * rng.standard_normal(v.shape) for scale, v in zip(scales, plan.variables, strict=True)]
    return [w.astype(np.float32).astype(plan.dtype) for w in drawn]


def data_of(
    plan: Plan, loss: LossPlan, rows: int = ROWS, seed: int = 2, *, weighted: bool = False, bytes_in: bool = False
) -> Data:
    """Samples that suit the loss, the same in float32 and float64."""
    rng = np.random.default_rng(seed)
    shape = (rows, *plan.output_shape)
    x = rng.integers(0, 256, (rows, *plan.input_shape)) if bytes_in else rng.standard_normal((rows, *plan.input_shape))
    y: np.ndarray = rng.standard_normal(shape)
    if loss.by_index:
        return Data(
            _exact(x, plan, bytes_in), rng.integers(0, shape[-1], shape[:-1]), _weight(rng, rows, plan, weighted)
        )
    if loss.kind in ("cross_entropy", "categorical_cross_entropy"):
        y = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    elif loss.kind == "poisson":
        y = rng.poisson(2.0, shape)
    elif loss.kind == "hinge":
        y = np.where(y > 0, 1.0, -1.0)
    elif loss.kind.startswith("binary"):
        y = np.where(y > 0, 1.0, 0.0)
    return Data(_exact(x, plan, bytes_in), _exact(y, plan), _weight(rng, rows, plan, weighted))


def _exact(values: np.ndarray, plan: Plan, bytes_in: bool = False) -> np.ndarray:
    return values.astype(np.uint8) if bytes_in else values.astype(np.float32).astype(plan.dtype)


def _weight(rng: np.random.Generator, rows: int, plan: Plan, weighted: bool) -> np.ndarray | None:
    return _exact(rng.uniform(0.0, 2.0, rows), plan) if weighted else None


def orders(rows: int = ROWS, epochs: int = EPOCHS) -> list[np.ndarray]:
    """The order of the rows in each epoch."""
    rng = np.random.default_rng(3)
    return [rng.permutation(rows) for _ in range(epochs)]


def rates_of(rate: float, steps: int = STEPS) -> np.ndarray:
    """A learning rate that changes with every step."""
    return rate * (1.0 - 0.5 * np.arange(steps) / steps)


def fit(engine: Engine, data: Data, rate: float, batch: int = BATCH, epochs: int = EPOCHS) -> np.ndarray:
    """Trains, and returns the loss of every step."""
    per_epoch = math.ceil(len(data.x) / batch)
    rates = rates_of(rate, per_epoch * epochs)
    losses = np.full(per_epoch * epochs, np.nan)
    for epoch, order in enumerate(orders(len(data.x), epochs)):
        begin = epoch * per_epoch
        these = slice(begin, begin + per_epoch)
        steps = Steps(data, order, batch, 0, rates[these], begin, losses[these], None)
        while steps.first < per_epoch:
            done = engine.train(steps, per_epoch)
            assert done > 0
            steps.first += done
            steps.iteration += done
    return losses


@dataclass(frozen=True)
class Case:
    """A network and how it is trained."""

    operations: tuple[Operation, ...]
    loss: LossPlan = MSE
    optimizer: OptimizerPlan = SGD
    rate: float = 0.05
    input_shape: Shape = (5,)
    l1: float = 0.0
    l2: float = 0.0
    weighted: bool = False
    bytes_in: bool = False

    def plan(self, dtype: Any = np.float64) -> Plan:
        return plan_of(self.input_shape, self.operations, dtype, self.l1, self.l2)

    def data(self, dtype: Any = np.float64) -> Data:
        return data_of(self.plan(dtype), self.loss, weighted=self.weighted, bytes_in=self.bytes_in)

    def training(self) -> Training:
        return Training(self.loss, self.optimizer, SEED)

    def engine(self, name: str, dtype: Any = np.float64) -> Engine:
        """The engine with its first weights, ready to train."""
        plan = self.plan(dtype)
        engine = make_engine(name, plan)
        engine.set_weights(weights_of(plan))
        engine.compile(self.training())
        return engine


KINDS: tuple[str | Kind, ...] = (
    *NAMES,
    fastnn.LeakyReLU(0.3),
    fastnn.LeakyReLU(-0.3),
    fastnn.ELU(0.5),
    fastnn.ELU(-0.5),
    fastnn.CELU(2.0),
    fastnn.Softplus(3.0),
    fastnn.Swish(1.5),
)


def _around(*operations: Operation) -> Case:
    """The operations between two dense layers."""
    return Case((Dense(6, "tanh", True), *operations, Dense(3, "identity", True)))


LAYERS: dict[str, Case] = {
    **{f"dense, {kind}": Case((Dense(7, kind, True), Dense(3, "identity", True))) for kind in KINDS},
    **{f"activation, {kind}": _around(Activation(kind)) for kind in KINDS},
    "dense, last relu": Case((Dense(3, "relu", True),)),
    "no bias": Case((Dense(7, "tanh", False), Dense(3, "identity", False))),
    "prelu, one slope": _around(PReLU(True)),
    "prelu, many slopes": _around(PReLU(False)),
    "prelu first": Case((PReLU(False), Dense(3, "identity", True))),
    "prelu alone": Case((PReLU(False),)),
    "dropout": _around(Dropout(0.3)),
    "dropout of everything": _around(Dropout(1.0)),
    "dropout of nothing": _around(Dropout(0.0)),
    "dropout first and twice": Case((Dropout(0.2), Dense(9, "tanh", True), Dropout(0.5), Dense(3, "identity", True))),
    "softmax inside": _around(Softmax()),
    "rescaling inside": _around(Rescaling(0.7, -0.2)),
    "rescaling of bytes": Case((Rescaling(1 / 127.5, -1.0), Dense(3, "identity", True)), bytes_in=True),
    "bytes": Case((Dense(3, "tanh", True),), bytes_in=True, rate=1e-4),
    "reshape": Case((Reshape(), Dense(4, "tanh", True), Dense(3, "identity", True)), input_shape=(2, 3)),
    "three axes": Case(
        (Dense(4, "gelu", True), PReLU(False), Dropout(0.2), Softmax(), Dense(3, "identity", True)), input_shape=(2, 5)
    ),
    "three axes, then flat": Case((Dense(4, "elu", True), Reshape(), Dense(3, "identity", True)), input_shape=(2, 5)),
    "one unit": Case((Dense(1, "tanh", True),)),
    "one feature": Case((Dense(1, "identity", True),), input_shape=(1,)),
    "twenty layers": Case((*(Dense(6, "tanh", True) for _ in range(19)), Dense(3, "identity", True))),
}

_HIDDEN = Dense(6, "tanh", True)
_LOGITS = (_HIDDEN, Dense(4, "identity", True))
_PROBABILITIES = (*_LOGITS, Softmax())

LOSSES: dict[str, Case] = {
    "mse": Case(_LOGITS, LossPlan("mse")),
    "mae": Case(_LOGITS, LossPlan("mae")),
    "huber": Case(_LOGITS, LossPlan("huber", delta=0.7)),
    "sum squared error": Case(_LOGITS, LossPlan("sum_squared_error")),
    "sum squared error, three axes": Case(_LOGITS, LossPlan("sum_squared_error"), input_shape=(2, 5), rate=0.01),
    "poisson": Case((_HIDDEN, Dense(4, "exponential", True)), LossPlan("poisson")),
    "hinge": Case(_LOGITS, LossPlan("hinge")),
    "binary": Case((_HIDDEN, Dense(4, "sigmoid", True)), LossPlan("binary_cross_entropy")),
    "binary, logits": Case(_LOGITS, LossPlan("binary_cross_entropy_with_logits")),
    "binary, dense skipped": Case(
        (_HIDDEN, Dense(4, "sigmoid", True)), LossPlan("binary_cross_entropy_with_logits", skips_last=True)
    ),
    "binary, activation skipped": Case(
        (*_LOGITS, Activation("sigmoid")), LossPlan("binary_cross_entropy_with_logits", skips_last=True)
    ),
    "categorical": Case(_PROBABILITIES, LossPlan("categorical_cross_entropy")),
    "categorical, smoothed": Case(_PROBABILITIES, LossPlan("categorical_cross_entropy", smoothing=0.1)),
    "sparse": Case(_PROBABILITIES, LossPlan("categorical_cross_entropy", by_index=True)),
    "logits": Case(_LOGITS, LossPlan("cross_entropy", smoothing=0.1)),
    "logits, by index": Case(_LOGITS, LossPlan("cross_entropy", by_index=True)),
    "skipped": Case(_PROBABILITIES, LossPlan("cross_entropy", skips_last=True)),
    "skipped, by index": Case(_PROBABILITIES, LossPlan("cross_entropy", by_index=True, skips_last=True)),
    "skipped, three axes": Case(
        _PROBABILITIES, LossPlan("cross_entropy", by_index=True, skips_last=True), input_shape=(2, 5)
    ),
    "mse, sum": Case(_LOGITS, LossPlan("mse", mean=False), rate=0.01),
    "mse, weighted": Case(_LOGITS, LossPlan("mse"), weighted=True),
    "mse, weighted sum, three axes": Case(
        _LOGITS, LossPlan("mse", mean=False), rate=0.01, weighted=True, input_shape=(2, 5)
    ),
    "sum squared error, weighted": Case(_LOGITS, LossPlan("sum_squared_error"), weighted=True),
    "skipped, weighted": Case(_PROBABILITIES, LossPlan("cross_entropy", by_index=True, skips_last=True), weighted=True),
    "categorical, weighted": Case(_PROBABILITIES, LossPlan("categorical_cross_entropy"), weighted=True),
    "penalties": Case(_LOGITS, l1=0.003, l2=0.01),
}


def _optimized(optimizer: OptimizerPlan, rate: float, **options: Any) -> Case:
    operations = (Dense(6, "tanh", True), PReLU(False), Dense(3, "identity", True))
    return Case(operations, MSE, optimizer, rate, **options)


OPTIMIZERS: dict[str, Case] = {
    "sgd": _optimized(OptimizerPlan("sgd"), 0.05),
    "momentum": _optimized(OptimizerPlan("sgd", momentum=0.9), 0.02),
    "nesterov": _optimized(OptimizerPlan("sgd", momentum=0.9, nesterov=True), 0.02),
    "adam": _optimized(OptimizerPlan("adam"), 0.01),
    "adam, large epsilon": _optimized(OptimizerPlan("adam", beta1=0.8, beta2=0.95, epsilon=0.1), 0.01),
    "adamw": _optimized(OptimizerPlan("adam", weight_decay=0.1), 0.01),
    "rmsprop": _optimized(OptimizerPlan("rmsprop"), 0.003),
    "rmsprop, large epsilon": _optimized(OptimizerPlan("rmsprop", rho=0.7, epsilon=0.1), 0.01),
    "rmsprop, momentum": _optimized(OptimizerPlan("rmsprop", momentum=0.8), 0.001),
    "rmsprop, no memory": _optimized(OptimizerPlan("rmsprop", rho=0.0, epsilon=0.01), 0.003),
    "adagrad": _optimized(OptimizerPlan("adagrad", initial=0.1), 0.05),
    "adagrad, large epsilon": _optimized(OptimizerPlan("adagrad", initial=0.0, epsilon=0.1), 0.05),
    "sgd, decay": _optimized(OptimizerPlan("sgd", momentum=0.5, weight_decay=0.1), 0.03),
    "rmsprop, decay": _optimized(OptimizerPlan("rmsprop", weight_decay=0.1), 0.003),
    "adagrad, decay": _optimized(OptimizerPlan("adagrad", initial=0.1, weight_decay=0.1), 0.05),
    "clip value": _optimized(OptimizerPlan("sgd", clip_value=0.05), 0.05, l2=0.01),
    "clip norm": _optimized(OptimizerPlan("sgd", momentum=0.9, clip_norm=0.1), 0.05, l1=0.01),
    "clip global norm": _optimized(OptimizerPlan("adam", clip_global_norm=0.3), 0.01, l1=0.01, l2=0.01),
    "adam, penalties": _optimized(OptimizerPlan("adam", weight_decay=0.05), 0.01, l1=0.003, l2=0.01),
    "rmsprop, penalties": _optimized(OptimizerPlan("rmsprop"), 0.003, l1=0.003, l2=0.01),
    "adagrad, penalties": _optimized(OptimizerPlan("adagrad", initial=0.1), 0.05, l1=0.003, l2=0.01),
}

CASES: dict[str, Case] = {
    **LAYERS,
    **{f"loss: {name}": case for name, case in LOSSES.items()},
    **{f"optimizer: {name}": case for name, case in OPTIMIZERS.items()},
}


def bound(dtype: np.dtype, exact: Any) -> Any:
    """How far 100 steps may lead from the exact values: a few roundings of each step, as if none were cancelled."""
    return 4 * STEPS * float(np.finfo(dtype).eps) * (1.0 + abs(np.asarray(exact, np.float64)))
