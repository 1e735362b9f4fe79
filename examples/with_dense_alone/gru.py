"""A GRU (Cho and others 2014) adds two numbers of a sequence: a state that gates keep, or replace by something new.

python examples/with_dense_alone/gru.py
python examples/with_dense_alone/gru.py --plot gru.png  its error over the steps, and its answers (needs matplotlib)
"""

import numpy as np
import recurrent
from learning import layer

import fastnn


class GRU:
    """h' = z h + (1 - z) g, with z, r = sigmoid([x, h] W + b) and g = tanh([x, r h] V + a)."""

    def __init__(self, rng, inputs, units, dtype):
        self.inputs, self.units = inputs, units
        self.gates = layer(rng, inputs + units, 2 * units, dtype)
        self.news = layer(rng, inputs + units, units, dtype)
        self.parameters = [*self.gates, *self.news]

    def start(self, rows, dtype):
        return (np.zeros((rows, self.units), dtype),)

    def forward(self, x, state):
        """The next state, and what backward needs."""
        (h,) = state
        xh = np.concatenate([x, h], axis=1)
        gates = fastnn.dense(xh, *self.gates, "sigmoid")
        z, r = np.split(gates, 2, axis=1)
        xrh = np.concatenate([x, r * h], axis=1)
        g = fastnn.dense(xrh, *self.news, "tanh")
        return (z * h + (1 - z) * g,), (xh, h, gates, xrh, g)

    def backward(self, dstate, memo):
        """The gradients of the state before and of the parameters."""
        (dh,), (xh, h, gates, xrh, g) = dstate, memo
        z, r = np.split(gates, 2, axis=1)
        dxrh, *more = fastnn.dense_backward(dh * (1 - z), xrh, self.news[0], g, "tanh")
        drh = dxrh[:, self.inputs :]
        dgates = np.concatenate([dh * (h - g), drh * h], axis=1)
        dxh, *gradients = fastnn.dense_backward(dgates, xh, self.gates[0], gates, "sigmoid")
        return (dh * z + drh * r + dxh[:, self.inputs :],), gradients + more


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "loss": [ten times on sequences held out]}."""
    return recurrent.main(argv, __doc__, GRU, steps=1000, learning_rate=1e-2)


if __name__ == "__main__":
    main()
