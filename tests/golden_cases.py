"""What each golden case computes: a function per family, from the words of its name to the results.

The same functions stand in cpp/golden_*.cpp over the C++ core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import golden_network
import numpy as np
from golden_inputs import centred, indices, logits, positive

import fastnn
from fastnn.activations import needs_z

Words = list[str]
Results = list[Any]
KEY = {"seed": 0x0123456789ABCDEF, "counter": 0xFEDCBA9876543210}
PARAMETRISED: dict[str, Callable[[float], fastnn.Kind]] = {
    "leaky_relu": fastnn.LeakyReLU,
    "elu": fastnn.ELU,
    "celu": fastnn.CELU,
    "softplus": fastnn.Softplus,
    "swish": fastnn.Swish,
}


def kind_of(word: str) -> str | fastnn.Kind:
    name, _, parameter = word.partition("=")
    return PARAMETRISED[name](float(parameter)) if parameter else name


def dense(_: str, dtype: Any, words: Words) -> Results:
    batch, inputs, outputs = map(int, words[:3])
    kind, options = kind_of(words[3]), words[4:]
    x, w = centred(1, (batch, inputs), 4, dtype), centred(2, (inputs, outputs), 1, dtype)
    b = None if "nobias" in options else centred(3, (outputs,), 1, dtype)
    if "packed" in options:
        return [fastnn.PackedDense(w, b, kind)(x)]
    if "z" in options:
        z = np.empty((batch, outputs), dtype)
        return [fastnn.dense(x, w, b, kind, z_out=z), z]
    return [fastnn.dense(x, w, b, kind)]


def dense_backward(_: str, dtype: Any, words: Words) -> Results:
    batch, inputs, outputs = map(int, words[:3])
    kind = kind_of(words[3])
    x, w, b = (
        centred(1, (batch, inputs), 4, dtype),
        centred(2, (inputs, outputs), 1, dtype),
        centred(3, (outputs,), 1, dtype),
    )
    z = np.empty((batch, outputs), dtype)
    y = fastnn.dense(x, w, b, kind, z_out=z)
    dy = centred(4, (batch, outputs), 1, dtype)
    return list(fastnn.dense_backward(dy, x, w, y, kind, z=z if needs_z(kind) else None))


def activation(_: str, dtype: Any, words: Words) -> Results:
    return [fastnn.activation(centred(1, (int(words[0]),), float(words[1]), dtype), kind_of(words[2]))]


def activation_backward(_: str, dtype: Any, words: Words) -> Results:
    kind = kind_of(words[2])
    z = centred(1, (int(words[0]),), float(words[1]), dtype)
    y = fastnn.activation(z, kind)
    return [fastnn.activation_backward(centred(2, z.shape, 1, dtype), y, kind, z=z if needs_z(kind) else None)]


def prelu(operation: str, dtype: Any, words: Words) -> Results:
    batch, outputs = map(int, words[:2])
    x = centred(1, (batch, outputs), 4, dtype)
    slope = centred(2, (1 if words[2] == "one" else outputs,), 1, dtype)
    if operation == "prelu":
        return [fastnn.prelu(x, slope)]
    return list(fastnn.prelu_backward(centred(3, x.shape, 1, dtype), x, slope))


def rrelu(operation: str, dtype: Any, words: Words) -> Results:
    x = centred(1, (int(words[0]),), 4, dtype)
    options = {"training": words[1] == "training", **KEY}
    if operation == "rrelu":
        return [fastnn.rrelu(x, **options)]
    return [fastnn.rrelu_backward(centred(2, x.shape, 1, dtype), x, **options)]


def dropout(operation: str, dtype: Any, words: Words) -> Results:
    return [getattr(fastnn, operation)(centred(1, (int(words[0]),), 4, dtype), float(words[1]), **KEY)]


def softmax(operation: str, dtype: Any, words: Words) -> Results:
    shape = int(words[0]), int(words[1])
    x, dy = logits(1, shape, words[2], dtype), centred(2, shape, 1, dtype)
    forward = getattr(fastnn, operation.removesuffix("_backward"))
    return [forward(x) if not operation.endswith("_backward") else getattr(fastnn, operation)(dy, forward(x))]


def class_loss(operation: str, dtype: Any, words: Words) -> Results:
    rows, columns = int(words[0]), int(words[1])
    style, targets_are, reduction, *options = words[2:]
    shape = rows, columns
    if operation == "cross_entropy":
        x = logits(1, shape, style, dtype)
    else:
        x = positive(1, shape, 1, dtype)
        x.reshape(-1)[::97], x.reshape(-1)[1::97] = 0, 1
    targets = indices(2, rows, columns) if targets_are == "index" else positive(3, shape, 1, dtype)
    if "ignore" in options:
        targets[2::5] = -100
    arguments: dict[str, Any] = {"reduction": reduction}
    if "weight" in options:
        arguments["weight"] = positive(4, (columns,), 2, dtype)
    if "smooth" in options:
        arguments["label_smoothing"] = 0.1
    dloss = centred(5, (rows,), 2, dtype) if reduction == "none" else 0.75
    alone = getattr(fastnn, operation)(x, targets, **arguments)
    return [alone, *getattr(fastnn, f"{operation}_with_grad")(x, targets, **arguments, dloss=dloss)]


def loss(operation: str, dtype: Any, words: Words) -> Results:
    shape = rows, _ = int(words[0]), int(words[1])
    reduction, *options = words[2:]
    y, targets = centred(1, shape, 4, dtype), centred(2, shape, 4, dtype)
    if operation == "hinge":
        targets = np.where(targets < 0, dtype.type(-1), dtype.type(1))
    elif operation == "poisson":
        y, targets = positive(1, shape, 5, dtype), positive(2, shape, 5, dtype)
    elif operation == "binary_cross_entropy":
        y, targets = positive(1, shape, 1, dtype), positive(2, shape, 1, dtype)
        y.reshape(-1)[::97], y.reshape(-1)[1::97] = 0, 1
    elif operation == "binary_cross_entropy_with_logits":
        y, targets = centred(1, shape, 60, dtype), positive(2, shape, 1, dtype)
    else:
        y.reshape(-1)[::7] = targets.reshape(-1)[::7]
    arguments: dict[str, Any] = {"reduction": reduction}
    if operation == "huber":
        arguments["delta"] = 0.7
    if "weight" in options:
        arguments["sample_weight"] = positive(3, (rows,), 2, dtype)
    loss_shape = (rows,) if operation == "sum_squared_error" else shape
    dloss = centred(4, loss_shape, 2, dtype) if reduction == "none" else 0.75
    alone = getattr(fastnn, operation)(y, targets, **arguments)
    return [alone, *getattr(fastnn, f"{operation}_with_grad")(y, targets, **arguments, dloss=dloss)]


def gradient(step: int, n: int, dtype: Any) -> Any:
    """A fifth of the numbers makes a denormal second moment, a fifth a denormal first one."""
    g = centred(100 + step, (n,), 1, dtype)
    small, smaller = (2.0**-63, 2.0**-124) if dtype == np.float32 else (2.0**-513, 2.0**-1020)
    g[::5] *= dtype.type(small)
    g[1::5] *= dtype.type(smaller)
    return g


def optimizer(operation: str, dtype: Any, words: Words) -> Results:
    n, variant = int(words[0]), words[1]
    p, a, b = centred(1, (n,), 2, dtype), np.zeros(n, dtype), np.zeros(n, dtype)
    decay = 0.01 if variant in ("decay", "decoupled") else 0.0
    momentum = 0.9 if variant in ("momentum", "nesterov") else 0.0
    for t in range(1, 7):
        g = gradient(t, n, dtype)
        if operation == "sgd_step":
            nesterov = variant == "nesterov"
            velocity = a if momentum else None
            fastnn.sgd_step(p, g, velocity, lr=0.01, momentum=momentum, nesterov=nesterov, weight_decay=decay)
        elif operation == "adam_step":
            fastnn.adam_step(p, g, a, b, step=t, lr=0.01, weight_decay=decay, decoupled=variant == "decoupled")
        elif operation == "rmsprop_step":
            buffer = b if momentum else None
            fastnn.rmsprop_step(p, g, a, buffer, lr=0.01, momentum=momentum, weight_decay=decay)
        else:
            fastnn.adagrad_step(p, g, a, lr=0.01, weight_decay=decay)
    return [p, a, b]


def global_norm(_: str, dtype: Any, words: Words) -> Results:
    arrays = [centred(seed, (int(n),), 4, dtype) for seed, n in enumerate(words)]
    return [np.float64(fastnn.global_norm(arrays))]


def train(_: str, dtype: Any, words: Words) -> Results:
    """A network of two layers, trained for some steps by Adam; the weights and every step's loss."""
    batch, inputs, hidden, classes, steps = map(int, words)
    w1, b1 = centred(1, (inputs, hidden), 0.5, dtype), np.zeros(hidden, dtype)
    w2, b2 = centred(2, (hidden, classes), 0.5, dtype), np.zeros(classes, dtype)
    weights = [w1, b1, w2, b2]
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in weights]
    losses = np.empty(steps, dtype)
    for t in range(steps):
        x, targets = centred(10 + t, (batch, inputs), 4, dtype), indices(1000 + t, batch, classes)
        h = fastnn.dense(x, w1, b1, "relu")
        losses[t], dlogits = fastnn.cross_entropy_with_grad(fastnn.dense(h, w2, b2), targets)
        dh, dw2, db2 = fastnn.dense_backward(dlogits, h, w2, dlogits)
        _dx, dw1, db1 = fastnn.dense_backward(dh, x, w1, h, "relu", need_dx=False)
        for p, g, (m, v) in zip(weights, (dw1, db1, dw2, db2), moments, strict=True):
            fastnn.adam_step(p, g, m, v, step=t + 1, lr=0.01)
    return [*weights, losses]


CASES: dict[str, Callable[[str, Any, Words], Results]] = {
    "dense": dense,
    "dense_backward": dense_backward,
    "activation": activation,
    "activation_backward": activation_backward,
    "global_norm": global_norm,
    "train": train,
    "network": golden_network.network,
    **dict.fromkeys(("prelu", "prelu_backward"), prelu),
    **dict.fromkeys(("rrelu", "rrelu_backward"), rrelu),
    **dict.fromkeys(("dropout", "dropout_backward"), dropout),
    **dict.fromkeys(("softmax", "softmax_backward", "log_softmax", "log_softmax_backward", "logsumexp"), softmax),
    **dict.fromkeys(("cross_entropy", "categorical_cross_entropy"), class_loss),
    **dict.fromkeys(("mse", "mae", "huber", "sum_squared_error", "poisson", "hinge"), loss),
    **dict.fromkeys(("binary_cross_entropy", "binary_cross_entropy_with_logits"), loss),
    **dict.fromkeys(("sgd_step", "adam_step", "rmsprop_step", "adagrad_step"), optimizer),
}
