"""Networks in JAX: a jitted step with Adam on the tree of weights, and runs of steps inside lax.scan."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fastnn.bench import network_cases
from fastnn.bench.cases import Array, Arrays, Case
from fastnn.bench.measure import Entry
from fastnn.bench.network_cases import BETA1, BETA2, EPSILON
from fastnn.bench.rivals import learning


def entries(case: Case, arrays: Arrays) -> list[Entry]:
    """The cell in JAX; a run of steps as calls of the jitted step, and as one scan."""
    if case.op != "predict":
        forms = (True,) if case.op == "epoch" else (False, True)
        return [learning.entry(case, arrays, _Learner(case, arrays, scanned)) for scanned in forms]
    compiled = jax.jit(lambda layers, x: jax.nn.softmax(_logits(layers, x), axis=-1))
    layers, x = _layers(arrays), jnp.asarray(arrays["x"])
    # With the weights as constants XLA might do more, but compiles for long; both are usual.
    constant = jax.jit(lambda x: jax.nn.softmax(_logits(layers, x), axis=-1))
    return [
        Entry(lambda: jax.block_until_ready(compiled(layers, x)), lambda y: (np.asarray(y),)),
        Entry(lambda: jax.block_until_ready(constant(x)), lambda y: (np.asarray(y),)),
    ]


def _layers(arrays: Arrays) -> Any:
    return [(jnp.array(w), jnp.array(b)) for w, b in network_cases.layers(arrays)]


def _logits(layers: Any, x: Any) -> Any:
    for w, b in layers[:-1]:
        x = jnp.maximum(x @ w + b, 0)
    w, b = layers[-1]
    return x @ w + b


def _loss(layers: Any, x: Any, y: Any) -> Any:
    logits = _logits(layers, x)
    log_p = jax.nn.log_softmax(logits, axis=-1)
    loss = -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()
    return loss, (logits.argmax(-1) == y).sum()


def _step(state: Any, x: Any, y: Any, rate: Any) -> Any:
    layers, m, v, step = state
    (loss, right), gradients = jax.value_and_grad(_loss, has_aux=True)(layers, x, y)
    step = step + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, gradients)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradients)
    m_factor, v_factor = 1 / (1 - BETA1**step), 1 / (1 - BETA2**step)
    layers = jax.tree.map(lambda w, m, v: w - rate * (m * m_factor) / (jnp.sqrt(v * v_factor) + EPSILON), layers, m, v)
    return (layers, m, v, step), (loss, right)


def _steps(state: Any, x: Any, y: Any, rate: Any) -> Any:
    """Steps on x (steps, B, I)."""
    return jax.lax.scan(lambda state, batch: _step(state, batch[0], batch[1], rate), state, (x, y))[0]


def _epoch(state: Any, x: Any, y: Any, order: Any, rate: Any) -> Any:
    """Steps on the rows order (steps, B). The state, the sum of the batches' losses, and of the right classes."""

    def step(carried: Any, rows: Any) -> Any:
        state, total, right = carried
        state, (loss, more) = _step(state, x[rows], y[rows], rate)
        return (state, total + loss * rows.size, right + more), None

    start = (state, jnp.zeros((), x.dtype), jnp.zeros((), int))
    return jax.lax.scan(step, start, order)[0]


class _Learner:
    def __init__(self, case: Case, arrays: Arrays, scanned: bool) -> None:
        self._batch, self._scanned = case.shape[0], scanned
        self._start, self._dtype = network_cases.layers(arrays), arrays["x"].dtype
        x, y = arrays["x"], arrays["y"].astype(np.int32)
        if case.op == "epoch" or not scanned:
            self._x, self._y = jnp.asarray(x), jnp.asarray(y)
        else:
            self._x = jnp.asarray(x.reshape(-1, self._batch, x.shape[1]))
            self._y = jnp.asarray(y.reshape(-1, self._batch))
        if case.op != "epoch" and not scanned:
            parts = range(0, len(x), self._batch)
            self._batches = [(self._x[i : i + self._batch], self._y[i : i + self._batch]) for i in parts]
        # The state's memory is used again for the next state.
        compiled = partial(jax.jit, donate_argnums=0)
        self._one, self._run, self._all = compiled(_step), compiled(_steps), compiled(_epoch)
        self._rng = np.random.default_rng(1)

    def restart(self, rate: float) -> None:
        """See learning.Learner."""
        layers = [(jnp.array(w), jnp.array(b)) for w, b in self._start]
        m, v = (jax.tree.map(jnp.zeros_like, layers) for _ in range(2))
        self._state = (layers, m, v, jnp.zeros((), self._dtype))
        self.set_rate(rate)

    def set_rate(self, rate: float) -> None:
        """See learning.Learner."""
        self._rate = jnp.asarray(rate, self._dtype)

    def steps(self) -> None:
        """See learning.Learner."""
        if self._scanned:
            self._state = self._run(self._state, self._x, self._y, self._rate)
        else:
            for x, y in self._batches:
                self._state, _ = self._one(self._state, x, y, self._rate)
        jax.block_until_ready(self._state)

    def epoch(self) -> None:
        """See learning.Learner."""
        order = self._rng.permutation(len(self._x)).astype(np.int32)
        whole = len(order) - len(order) % self._batch
        parts = [order[:whole].reshape(-1, self._batch), order[whole:].reshape(1, -1)]
        total, right = 0.0, 0
        for part in parts:
            if part.size:
                self._state, loss, more = self._all(self._state, self._x, self._y, jnp.asarray(part), self._rate)
                total, right = total + float(loss), right + int(more)
        self.logs = {"loss": total / len(order), "accuracy": right / len(order)}
        jax.block_until_ready(self._state)

    def weights(self) -> list[Array]:
        """See learning.Learner."""
        return [np.array(array) for layer in self._state[0] for array in layer]
