"""The native engine over sizes: around the vector and tile widths, few and many samples, one thread and several."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from golden_inputs import centred, indices

import fastnn
from fastnn.network import plan as ops
from fastnn.network.engine import Data, Engine, LossPlan, OptimizerPlan, Steps, Training
from fastnn.network.generic import GenericEngine
from fastnn.network.native import NativeEngine

WIDTHS = (1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 97, 128, 130)
# Below and above what one tile, a mask's four rows, the rows of a thread and a block of many samples take.
BATCHES = (1, 3, 4, 5, 33, 96, 257)
OPTIMIZERS = {
    "adam": OptimizerPlan("adam"),
    "adamw": OptimizerPlan("adam", weight_decay=0.01),
    "sgd": OptimizerPlan("sgd", momentum=0.9),
    "clipped": OptimizerPlan("adam", clip_global_norm=0.1),
}


@pytest.fixture
def threads() -> Any:
    before = fastnn.get_num_threads()
    yield fastnn.set_num_threads
    fastnn.set_num_threads(before)


def plan_of(widths: tuple[int, ...], dtype: str) -> ops.Plan:
    stages, variables = [], []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        stages.append(ops.Stage(ops.Dense(outputs, "tanh", True), (outputs,), f"dense_{i}"))
        variables += [ops.Variable("kernel", (inputs, outputs), i), ops.Variable("bias", (outputs,), i)]
    return ops.Plan(widths[:1], tuple(stages), tuple(variables), np.dtype(dtype))


def trained(engine: Engine, optimizer: OptimizerPlan, batch: int, steps: int = 3) -> list[Any]:
    """The losses, the weights, the states and the results after some steps."""
    plan, rows = engine.plan, 2 * batch + 1
    engine.set_weights([centred(i, v.shape, 0.5, plan.dtype) for i, v in enumerate(plan.variables)])
    engine.compile(Training(LossPlan("mse"), optimizer))
    x, y = centred(20, (rows, plan.features), 2, plan.dtype), centred(21, (rows, plan.outputs), 2, plan.dtype)
    order = indices(22, steps * batch, rows)
    losses = np.empty(steps)
    epoch = Steps(Data(x, y), order, batch, 0, np.full(steps, 0.01), 0, losses, None)
    while epoch.first < steps:
        done = engine.train(epoch, steps - epoch.first)
        epoch.first += done
        epoch.iteration += done
    return [losses, *engine.get_weights(), *engine.get_state(), engine.predict(x, None), engine.predict(x[:1], None)]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("width", WIDTHS)
def test_widths_and_batches_match_the_generic_engine(width: int, batch: int, threads: Any) -> None:
    for dtype, name in (("float32", "adam"), ("float64", "adamw"), ("float32", "sgd"), ("float64", "clipped")):
        plan = plan_of((5, width, 70 if width % 2 else 6), dtype)
        expected = trained(GenericEngine(plan, "native"), OPTIMIZERS[name], batch)
        threads(1)
        alone = trained(NativeEngine(plan), OPTIMIZERS[name], batch)
        threads(3)
        together = trained(NativeEngine(plan), OPTIMIZERS[name], batch)
        tolerance = 64 * float(np.finfo(dtype).eps)
        for one, several, other in zip(alone, together, expected, strict=True):
            assert one.tobytes() == several.tobytes()
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * max(1.0, np.abs(other).max()))


def test_large_layers_are_packed_and_split() -> None:
    """A dz beyond a megabyte goes through panels, and the columns of large weights to several threads."""
    for widths, batch in (((40, 1100, 9), 300), ((300, 200, 300, 4), 40)):
        plan = plan_of(widths, "float32")
        native = trained(NativeEngine(plan), OPTIMIZERS["adam"], batch)
        for ours, other in zip(native, trained(GenericEngine(plan, "native"), OPTIMIZERS["adam"], batch), strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5)
