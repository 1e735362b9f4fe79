"""An LSTM (Hochreiter and Schmidhuber 1997) adds two numbers of a sequence, and keeps them in cells behind gates.

python examples/with_dense_alone/lstm.py
python examples/with_dense_alone/lstm.py --plot lstm.png  its error over the steps, and its answers (needs matplotlib)
"""

import numpy as np
import recurrent
from learning import layer

import fastnn


class LSTM:
    """c' = f c + i g and h' = o tanh(c'), with i, f, o = sigmoid([x, h] W + b) and g = tanh([x, h] V + a)."""

    def __init__(self, rng, inputs, units, dtype):
        self.inputs, self.units = inputs, units
        self.gates = layer(rng, inputs + units, 3 * units, dtype)
        self.news = layer(rng, inputs + units, units, dtype)
        self.gates[1][units : 2 * units] = 1  # f: at first a cell keeps most of what it holds.
        self.parameters = [*self.gates, *self.news]

    def start(self, rows, dtype):
        return tuple(np.zeros((2, rows, self.units), dtype))

    def forward(self, x, state):
        """The next state, and what backward needs."""
        h, c = state
        xh = np.concatenate([x, h], axis=1)
        gates = fastnn.dense(xh, *self.gates, "sigmoid")
        g = fastnn.dense(xh, *self.news, "tanh")
        i, f, o = np.split(gates, 3, axis=1)
        c_next = f * c + i * g
        shown = fastnn.tanh(c_next)
        return (o * shown, c_next), (xh, c, gates, g, shown)

    def backward(self, dstate, memo):
        """The gradients of the state before and of the parameters."""
        (dh, dc), (xh, c, gates, g, shown) = dstate, memo
        i, f, o = np.split(gates, 3, axis=1)
        dc = dc + fastnn.activation_backward(dh * o, shown, "tanh")
        dgates = np.concatenate([dc * g, dc * c, dh * shown], axis=1)
        dxh, *gradients = fastnn.dense_backward(dgates, xh, self.gates[0], gates, "sigmoid")
        more_dxh, *more = fastnn.dense_backward(dc * i, xh, self.news[0], g, "tanh")
        return ((dxh + more_dxh)[:, self.inputs :], dc * f), gradients + more


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "loss": [ten times on sequences held out]}."""
    return recurrent.main(argv, __doc__, LSTM, steps=1000, learning_rate=1e-2)


if __name__ == "__main__":
    main()
