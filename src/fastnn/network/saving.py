"""Models as documents and arrays, and back.

Arrays of a file: "variables/dense/kernel" ..., "optimizer/m/dense/kernel" ... for each of the optimizer's states, and
"example/x" with "example/y", one sample and its result, which are held against each other when the model is loaded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import _fastnn
from fastnn.arrays import convert
from fastnn.datasets.files import naming
from fastnn.network import compiling, losses, metrics, modelfile, named, optimizers
from fastnn.network.engine import Training
from fastnn.network.sequential import Sequential

if TYPE_CHECKING:
    from fastnn.arrays import Array
    from fastnn.datasets.files import PathLike
    from fastnn.network.compiling import Compilation, Trainer
    from fastnn.network.plan import Plan


def save_model(model: Sequential, path: PathLike, overwrite: bool) -> None:
    """Writes a model; see Sequential.save."""
    modelfile.write(path, *_contents(model), overwrite=overwrite)


def to_bytes(model: Sequential) -> bytes:
    """What save_model would write, for copies and pickles."""
    return modelfile.encode(*_contents(model))


def from_bytes(contents: bytes, backend: str | None, engine: str) -> Sequential:
    """The model again; see load_model."""
    return _made(*modelfile.decode(contents), True, backend, engine)


def _contents(model: Sequential) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the arrays of a model."""
    engine = model._ready()
    plan = engine.plan
    names = [variable.name for variable in plan.variables]
    arrays = {f"variables/{name}": array for name, array in zip(names, engine.get_weights(), strict=True)}
    x = np.random.default_rng(0).standard_normal((1, *plan.input_shape)).astype(plan.dtype)
    arrays["example/x"], arrays["example/y"] = x, engine.predict(x, None)
    trained, trainer = None, model._ready_trainer()
    if model._compilation is not None:
        trained = _compilation_document(model._compilation, trainer)
    if trainer is not None:
        slots = trainer.training.optimizer.slots
        keys = [f"optimizer/{slot}/{name}" for slot in slots for name in names]
        arrays.update(zip(keys, engine.get_state(), strict=True))
    document: dict[str, Any] = {
        "kind": "model",
        "fastnn": _fastnn.version,
        "model": model.get_config(),
        "variables": names,
        "compile": trained,
        "random": model._rng.bit_generator.state,
    }
    return document, arrays


def save_weights(model: Sequential, path: PathLike, overwrite: bool) -> None:
    """Writes a model's weights; see Sequential.save_weights."""
    engine = model._ready()
    names = [variable.name for variable in engine.plan.variables]
    arrays = {f"variables/{name}": array for name, array in zip(names, engine.get_weights(), strict=True)}
    document = {"kind": "weights", "fastnn": _fastnn.version, "variables": names}
    modelfile.write(path, document, arrays, overwrite=overwrite)


def read_weights(model: Sequential, path: PathLike) -> list[Array]:
    """The weights in a file, of a model or alone, of the shapes of this model's; layers may bear other names."""
    plan = model._known().plan
    document, arrays = modelfile.read(path)
    with naming(path):
        return _weights(document, arrays, plan)


def load_model(
    filepath: PathLike, *, compile: bool = True, backend: str | None = None, engine: str = "auto"
) -> Sequential:
    """The model in a file of Sequential.save, ready to predict, and to go on with its training to the same bits.

    Nothing in a file is run as code. One sample's result is stored beside the model and has to come out again.

    Args:
        filepath: the file.
        compile: whether to take over what compile was given, and the optimizer's states.
        backend, engine: as for Sequential.

    Returns:
        The model.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is cut, damaged, or not a model of fastnn; the sentence names it.
    """
    document, arrays = modelfile.read(filepath)
    with naming(filepath):
        if document.get("kind") != "model":
            raise ValueError("holds weights alone; make the model and call its load_weights")
        return _made(document, arrays, compile, backend, engine)


def _made(
    document: dict[str, Any], arrays: dict[str, Array], compile: bool, backend: str | None, engine: str
) -> Sequential:
    """The model of a document and its arrays; raises all kinds of errors if they are not of this module's making."""
    # The seed only keeps the process's own sequence as it is: the state follows.
    model = Sequential.from_config(document["model"], backend=backend, engine=engine, seed=0)
    plan = model._known().plan
    # Before the engine takes memory for them.
    weights = _weights(document, arrays, plan)
    example = _array(arrays, "example/x", (1, *plan.input_shape), plan)
    wanted = _array(arrays, "example/y", (1, *plan.output_shape), plan)
    trained = document["compile"] if compile else None
    model._start_with(weights)
    _compare(model._ready().predict(example, None), wanted)
    if trained is not None:
        _take_compilation(model, trained, arrays)
    model._rng.bit_generator.state = document["random"]
    return model


def _compilation_document(compilation: Compilation, trainer: Trainer | None) -> dict[str, Any]:
    """What compile was given, and how far the training is."""
    plain, weighted = (
        (trainer.tracker.metrics, trainer.tracker.weighted)
        if trainer is not None
        else (compilation.metrics, compilation.weighted_metrics)
    )
    return {
        "optimizer": optimizers.serialize(compilation.optimizer),
        "loss": None if compilation.loss is None else named.save(compilation.loss),
        "metrics": [_metric_document(metric) for metric in plain],
        "weighted_metrics": [_metric_document(metric) for metric in weighted],
        "iterations": compilation.optimizer.iterations,
        "dropout_seed": None if trainer is None else trainer.training.seed,
    }


def _metric_document(metric: object) -> Any:
    if isinstance(metric, type):
        return metric.__name__
    return named.save(metric) if isinstance(metric, metrics.Metric) else metric


def _take_compilation(model: Sequential, document: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Compiles the model as it was, and sets the optimizer's states."""
    seed, iterations = document["dropout_seed"], document["iterations"]
    # A step's number and a stage's share the 64 bits of a counter.
    counted = type(iterations) is int and 0 <= iterations < 1 << 47
    if not counted or not (seed is None or 0 <= seed < compiling.SEEDS):
        raise ValueError(f"iterations={iterations!r} and dropout_seed={seed!r} are none")
    loss = None if document["loss"] is None else losses.get(document["loss"])
    optimizer = optimizers.get(document["optimizer"])
    model.compile(optimizer, loss, document["metrics"], document["weighted_metrics"])
    trainer = model._trainer
    if trainer is None or seed is None:
        return
    plan = trainer.plan
    state = [
        _array(arrays, f"optimizer/{slot}/{variable.name}", variable.shape, plan)
        for slot in trainer.training.optimizer.slots
        for variable in plan.variables
    ]
    trainer.training = Training(trainer.training.loss, trainer.training.optimizer, seed)
    trainer.engine.compile(trainer.training)
    trainer.engine.set_state(state)
    optimizer.iterations = iterations


def _weights(document: dict[str, Any], arrays: dict[str, Array], plan: Plan) -> list[Array]:
    names = document["variables"]
    if len(names) != len(plan.variables):
        raise ValueError(f"holds {len(names)} arrays of weights, the model has {len(plan.variables)}")
    return [
        _array(arrays, f"variables/{name}", variable.shape, plan)
        for name, variable in zip(names, plan.variables, strict=True)
    ]


def _array(arrays: dict[str, Array], name: str, shape: tuple[int, ...], plan: Plan) -> Array:
    if name not in arrays:
        raise ValueError(f"lacks the array {name}")
    array = arrays[name]
    if array.shape != shape or array.dtype.kind != "f":
        raise ValueError(f"{name} must have shape {shape}, got {array.shape} of {array.dtype}")
    return convert(array, plan.dtype)


def _compare(y: Array, wanted: Array) -> None:
    """Raises ValueError unless the results are the same but for rounding, which differs between backends."""
    finite = wanted[np.isfinite(wanted)]
    scale = float(np.abs(finite).max()) if finite.size else 0.0
    tolerance = math.sqrt(np.finfo(wanted.dtype).eps) * (1.0 + scale)
    if not np.allclose(y, wanted, rtol=0.0, atol=tolerance, equal_nan=True):
        raise ValueError("the model does not give the result that is stored with it")
