"""An Elman network (1990) adds two numbers of a sequence: each step is a dense layer of input and state.

python examples/with_dense_alone/rnn.py
python examples/with_dense_alone/rnn.py --plot rnn.png  its error over the steps, and its answers (needs matplotlib)
"""

import numpy as np
import recurrent
from learning import layer

import fastnn


class Elman:
    """h' = tanh([x, h] W + b)."""

    def __init__(self, rng, inputs, units, dtype):
        self.inputs, self.units = inputs, units
        self.parameters = layer(rng, inputs + units, units, dtype)

    def start(self, rows, dtype):
        return (np.zeros((rows, self.units), dtype),)

    def forward(self, x, state):
        """The next state, and what backward needs."""
        xh = np.concatenate([x, *state], axis=1)
        h = fastnn.dense(xh, *self.parameters, "tanh")
        return (h,), (xh, h)

    def backward(self, dstate, memo):
        """The gradients of the state before and of the parameters."""
        xh, h = memo
        dxh, *gradients = fastnn.dense_backward(*dstate, xh, self.parameters[0], h, "tanh")
        return (dxh[:, self.inputs :],), gradients


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "loss": [ten times on sequences held out]}."""
    return recurrent.main(argv, __doc__, Elman, steps=2000, learning_rate=3e-3)


if __name__ == "__main__":
    main()
