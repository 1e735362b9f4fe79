"""What rnn.py, lstm.py and gru.py share: the adding problem, and a network of one cell with a linear output.

A step of a sequence holds two numbers: one from 0 to 1, and a mark, which is 1 at two of the steps and 0 elsewhere.  At
the end the network is to say what the two marked numbers add up to, so it must keep the first for as long as it takes.
Who says 1, the mean, each time has a mean squared error of 1/6.
"""

import numpy as np
from learning import Adam, command_line, gradient_error, layer

import fastnn

LENGTH, UNITS, BATCH = 20, 32, 64


def adding_problem(rng, count, length=LENGTH, dtype=np.float32):
    """Sequences (length, count, 2) and what they add up to, (count, 1)."""
    numbers, marks = rng.uniform(0, 1, (length, count)), np.zeros((length, count))
    for row in range(count):
        marks[rng.choice(length, 2, replace=False), row] = 1
    return np.stack([numbers, marks], axis=-1).astype(dtype), np.sum(numbers * marks, axis=0)[:, None].astype(dtype)


class Network:
    """A cell goes through the sequence; the output is a linear layer over h, the first array of its last state."""

    def __init__(self, cell, rng, dtype=np.float32):
        self.cell, self.output = cell(rng, 2, UNITS, dtype), layer(rng, UNITS, 1, dtype)
        self.parameters = [*self.cell.parameters, *self.output]

    def forward(self, x):
        self.state, self.memos = self.cell.start(x.shape[1], x.dtype), []
        for inputs in x:
            self.state, memo = self.cell.forward(inputs, self.state)
            self.memos.append(memo)
        return fastnn.dense(self.state[0], *self.output)

    def loss_and_gradients(self, x, targets):
        y = self.forward(x)
        error = y - targets
        dh, *gradients = fastnn.dense_backward(2 * error / error.size, self.state[0], self.output[0], y)
        # Back through time: each step gives the gradient of the state before it, and its share of that of the weights.
        dstate, totals = (dh, *map(np.zeros_like, self.state[1:])), [np.zeros_like(p) for p in self.cell.parameters]
        for memo in reversed(self.memos):
            dstate, shares = self.cell.backward(dstate, memo)
            for total, share in zip(totals, shares, strict=True):
                total += share
        return float(np.mean(error**2)), totals + gradients


def run(cell, steps, learning_rate):
    """Checks the gradients of a cell and trains it; returns the figures, and what draw shows."""
    rng = np.random.default_rng(0)
    exact, few = Network(cell, rng, np.float64), adding_problem(rng, 3, 5, np.float64)
    figures = {"gradient_error": gradient_error(exact.parameters, lambda: exact.loss_and_gradients(*few)), "loss": []}
    network, (x_test, y_test) = Network(cell, rng), adding_problem(np.random.default_rng(1), 1000)
    adam, every = Adam(network.parameters), max(steps // 10, 1)
    for step in range(1, steps + 1):
        _, gradients = network.loss_and_gradients(*adding_problem(rng, BATCH))
        # A gradient that grows on its way back through time must not throw away what has been learnt.
        shrink = min(1, 1 / fastnn.global_norm(gradients))
        adam.step([shrink * g for g in gradients], learning_rate * (1 - (step - 1) / steps))
        if step % every == 0:
            figures["loss"].append(float(np.mean((network.forward(x_test) - y_test) ** 2)))
            print(f"step {step:4}   held-out error {figures['loss'][-1]:.5f}")
    return figures, (every * np.arange(1, len(figures["loss"]) + 1), figures["loss"], y_test, network.forward(x_test))


def draw(steps, losses, targets, answers, file):
    from fastnn import plotting

    figure = plotting.new_figure(7, 3)
    left, right = figure.subplots(1, 2)
    left.semilogy(steps, losses, ".-")
    left.axhline(1 / 6, color="grey", linestyle="--", label="saying 1 each time")
    left.set(xlabel="step", ylabel="held-out error")
    left.legend()
    right.plot([0, 2], [0, 2], color="grey", linewidth=1)
    right.scatter(targets, answers, s=3)
    right.set(xlabel="sum", ylabel="answer")
    figure.savefig(file, dpi=80)


def main(argv, doc, cell, steps, learning_rate):
    """What the main of a cell's script does."""
    return command_line(argv, doc, lambda steps: run(cell, steps, learning_rate), draw, steps=steps)
