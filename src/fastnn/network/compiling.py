"""What compile is given, and what it becomes once the network is built."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastnn.network import losses, metrics, optimizers
from fastnn.network.builder import unique
from fastnn.network.engine import Training
from fastnn.network.tracking import LOSS, Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastnn.network.engine import Engine
    from fastnn.network.losses import Loss
    from fastnn.network.optimizers import Optimizer
    from fastnn.network.plan import Plan

# Far inside the 64 bits that a seed may have, so that JSON readers other than Python's keep it exactly.
SEEDS = 1 << 53


@dataclass
class Compilation:
    """The arguments of compile, looked up as far as they can be without the network's shapes."""

    optimizer: Optimizer
    loss: Loss | None
    metrics: list[object] = field(default_factory=list)
    weighted_metrics: list[object] = field(default_factory=list)


@dataclass
class Trainer:
    """A network that is ready to learn: what the loops of fit and evaluate work on.

    Attributes:
        engine: computes; compiled for `training`.
        backend: the name of the backend whose operations go with it.
        optimizer, loss: as given to compile.
        training: what the engine was told.
        tracker: loss and metrics.
    """

    engine: Engine
    backend: str
    optimizer: Optimizer
    loss: Loss
    training: Training
    tracker: Tracker
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def plan(self) -> Plan:
        """The network."""
        return self.engine.plan

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Holds the network while a call trains it.

        Raises:
            RuntimeError: another call does.
        """
        if not self._lock.acquire(blocking=False):
            raise _in_use()
        try:
            yield
        finally:
            self._lock.release()

    def require_idle(self) -> None:
        """Raises RuntimeError while a call trains the network."""
        if self._lock.locked():
            raise _in_use()


def compilation(optimizer: object, loss: object, metric_list: object, weighted: object) -> Compilation:
    """The arguments of compile, checked.

    Raises:
        TypeError: an argument is of a wrong type.
        ValueError: a name is unknown.
    """
    found = Compilation(
        optimizers.get(optimizer),
        None if loss is None else losses.get(loss),
        _listed(metric_list, "metrics"),
        _listed(weighted, "weighted_metrics"),
    )
    if found.loss is None and (found.metrics or found.weighted_metrics):
        raise ValueError("loss must be given where metrics are: it says what the targets are")
    if found.loss is not None:
        # Names that are unknown are told now; whether a metric fits the network shows when that is built.
        for identifier in (*found.metrics, *found.weighted_metrics):
            if isinstance(identifier, str):
                metrics.get(identifier, losses.MeanSquaredError().plan(), ())
    return found


def trainer(compiled: Compilation, engine: Engine, backend: str, draw_seed: Callable[[], int]) -> Trainer | None:
    """Compiles the engine; None if there is no loss, so that nothing can be learnt.

    Args:
        compiled: what compile was given.
        engine: the network's; the optimizer's states and its count of steps start anew.
        backend: the name of the backend that goes with it.
        draw_seed: gives the seed of the dropout masks.

    Raises:
        ValueError: a metric or the loss does not fit the network.
    """
    if compiled.loss is None:
        return None
    plan = engine.plan
    loss = compiled.loss.plan(plan.stages[-1].operation if plan.stages else None)
    plain, weighted = (
        [metrics.get(identifier, loss, plan.output_shape) for identifier in identifiers]
        for identifiers in (compiled.metrics, compiled.weighted_metrics)
    )
    taken = {LOSS}
    every = [*plain, *weighted]
    for place, metric in enumerate(every):
        if any(metric is other for other in every[:place]):
            raise ValueError(f"metrics must be different objects, got {metric!r} twice")
        # Each has a column of its own in the history.
        metric.name = unique(metric.name, taken)
        taken.add(metric.name)
    tracker = Tracker(loss, plain, weighted, backend)
    training = Training(loss, compiled.optimizer.plan(), draw_seed())
    engine.compile(training)
    compiled.optimizer.iterations = 0
    return Trainer(engine, backend, compiled.optimizer, compiled.loss, training, tracker)


def _in_use() -> RuntimeError:
    return RuntimeError("the model is being trained by another call, in another thread or around this callback")


def _listed(value: object, name: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, (str, metrics.Metric)):
        return [value]
    if isinstance(value, (list, tuple)):
        return list(value)
    raise TypeError(f'{name} must be a list such as ["accuracy"], got a {type(value).__name__}')
