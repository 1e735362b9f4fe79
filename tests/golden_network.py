"""The golden cases of whole networks on the native engine; tests/cpp/golden_network.cpp has the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from golden_inputs import centred, indices, positive

from fastnn.network import plan as ops
from fastnn.network.engine import Data, LossPlan, OptimizerPlan, Steps, Training
from fastnn.network.native import NativeEngine

ROWS, STEPS = 101, 12


@dataclass
class Case:
    """A network, how it is trained, and on batches of how many samples."""

    inputs: int
    batch: int
    operations: list[tuple[ops.Operation, int]]
    loss: LossPlan
    optimizer: OptimizerPlan
    l1: float = 0.0
    l2: float = 0.0
    bytes: bool = False


VARIANTS = {
    "classes": Case(
        33,
        32,
        [
            (ops.Dense(150, "relu", True), 150),
            (ops.Dropout(0.3), 150),
            (ops.Dense(19, "tanh", True), 19),
            (ops.Dense(10, "identity", True), 10),
            (ops.Softmax(), 10),
        ],
        LossPlan("cross_entropy", by_index=True, skips_last=True),
        OptimizerPlan("adam"),
        l2=0.001,
    ),
    "values": Case(
        20,
        25,
        [
            (ops.Dense(40, "gelu", True), 40),
            (ops.PReLU(False), 40),
            (ops.Dense(5, "swish", True), 5),
            (ops.Dense(3, "identity", True), 3),
        ],
        LossPlan("huber", delta=0.5),
        OptimizerPlan("sgd", momentum=0.9, nesterov=True, clip_global_norm=0.5),
    ),
    "bytes": Case(
        70,
        64,
        [
            (ops.Rescaling(0.0078125, -1.0), 70),
            (ops.Dense(130, "relu", True), 130),
            (ops.Dense(129, "relu", True), 129),
            (ops.Dense(1, "sigmoid", True), 1),
        ],
        LossPlan("binary_cross_entropy_with_logits", skips_last=True),
        OptimizerPlan("rmsprop", momentum=0.5),
        l1=0.001,
        bytes=True,
    ),
    "single": Case(
        9,
        1,
        [(ops.Dense(12, "sigmoid", True), 12), (ops.Softmax(), 12), (ops.Dense(2, "identity", True), 2)],
        LossPlan("mse"),
        OptimizerPlan("adagrad"),
    ),
}


def plan_of(case: Case, dtype: Any) -> ops.Plan:
    """The finished description of a case."""
    stages: list[ops.Stage] = []
    variables: list[ops.Variable] = []
    width = case.inputs
    for index, (operation, outputs) in enumerate(case.operations):
        stages.append(ops.Stage(operation, (outputs,), f"stage{index}"))
        shapes = {ops.Dense: [(width, outputs), (outputs,)], ops.PReLU: [(outputs,)]}.get(type(operation), [])
        variables += [ops.Variable(f"{index}/{shape}", shape, index, case.l1, case.l2) for shape in shapes]
        width = outputs
    return ops.Plan((case.inputs,), tuple(stages), tuple(variables), np.dtype(dtype))


def network(_: str, dtype: Any, words: list[str]) -> Sequence[Any]:
    """Losses and outputs of some steps, then the weights and the results."""
    case = VARIANTS[words[0]]
    plan = plan_of(case, dtype)
    engine = NativeEngine(plan)
    engine.set_weights([centred(i + 1, v.shape, 0.5, dtype) for i, v in enumerate(plan.variables)])
    engine.compile(Training(case.loss, case.optimizer, seed=7))
    x = centred(10, (ROWS, case.inputs), 4, dtype)
    if case.bytes:
        x = indices(11, ROWS * case.inputs, 256).astype(np.uint8).reshape(ROWS, case.inputs)
    y = indices(12, ROWS, plan.outputs) if case.loss.by_index else positive(13, (ROWS, plan.outputs), 1, dtype)
    data = Data(x, y, positive(14, (ROWS,), 2, dtype))
    order = (np.arange(ROWS) * 37 + 11) % ROWS
    epoch = -(-ROWS // case.batch)
    found: list[Any] = []
    for start in range(0, STEPS, epoch):
        last = min(epoch, STEPS - start)
        losses, kept = np.empty(epoch), []
        done = 0
        # A call ends early on a slow machine, such as an emulated one.
        while done < last:
            outputs = np.empty((ROWS, plan.outputs), dtype)
            steps = Steps(data, order, case.batch, done, np.full(epoch, 0.01), start + done, losses, outputs)
            more = engine.train(steps, last - done)
            rows = min((done + more) * case.batch, ROWS) - done * case.batch
            kept.append(outputs[:rows])
            done += more
        found += [losses[:last], np.concatenate(kept)]
    return [*found, *engine.get_weights(), *(engine.predict(x[:rows], None) for rows in (1, 7, ROWS))]
