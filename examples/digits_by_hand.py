"""digits.py without Sequential: a 64-128-10 network out of fastnn's operations alone, once with each backend.

    python examples/digits_by_hand.py                     1797 digits of 8 x 8 pixels, a fifth of them held out
    python examples/digits_by_hand.py --data mnist.npz    MNIST: npz, a directory of IDX files, or Kaggle's train.csv

It shows what a step of training is made of: dense forward and backward, cross-entropy with its gradient, and Adam, for
which the script itself keeps the states.  Both backends start from the same weights and see the same batches.  The
NumPy backend is the specification of the operations, written to be obvious and computing in float64; the time beside it
is no race between two fast libraries.
"""

import argparse
import time

import numpy as np

import fastnn
from fastnn.datasets import load_mnist

BACKENDS = ("native", "numpy")
LEARNING_RATE = 4e-3  # at the start; it falls to 0 in a straight line


class Network:
    """Inputs -> 128 ReLU units -> 10 classes, and the state of Adam for each parameter."""

    def __init__(self, inputs, rng):
        self.w1 = he_uniform(rng, inputs, 128)
        self.b1 = np.zeros(128, np.float32)
        self.w2 = he_uniform(rng, 128, 10)
        self.b2 = np.zeros(10, np.float32)
        self.parameters = (self.w1, self.b1, self.w2, self.b2)
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in self.parameters]
        self.step = 0

    def predict(self, x):
        hidden = fastnn.dense(x, self.w1, self.b1, "relu")
        return fastnn.dense(hidden, self.w2, self.b2).argmax(axis=-1)

    def train(self, x, labels, lr):
        hidden = fastnn.dense(x, self.w1, self.b1, "relu")
        logits = fastnn.dense(hidden, self.w2, self.b2)
        loss, dlogits = fastnn.cross_entropy_with_grad(logits, labels)
        dhidden, dw2, db2 = fastnn.dense_backward(dlogits, hidden, self.w2, logits)
        _, dw1, db1 = fastnn.dense_backward(dhidden, x, self.w1, hidden, "relu", need_dx=False)
        self.step += 1
        for p, g, (m, v) in zip(self.parameters, (dw1, db1, dw2, db2), self.moments, strict=True):
            fastnn.adam_step(p, g, m, v, step=self.step, lr=lr)
        return loss


def he_uniform(rng, inputs, outputs):
    limit = np.sqrt(6 / inputs)
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)


def load_data(path, rng):
    """x_train, y_train, x_test, y_test: one image a row, less the mean image and in units of the pixels' deviation."""
    if path is None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        order = rng.permutation(len(digits.target))
        x, y = digits.data[order].astype(np.float32), digits.target[order]
        held_out = len(y) // 5
        x_train, y_train, x_test, y_test = x[held_out:], y[held_out:], x[:held_out], y[:held_out]
    else:
        (x_train, y_train), (x_test, y_test) = load_mnist(path)
        x_train, x_test = (x.reshape(len(x), -1).astype(np.float32) for x in (x_train, x_test))
    mean, deviation = x_train.mean(axis=0), x_train.std()
    return (x_train - mean) / deviation, y_train, (x_test - mean) / deviation, y_test


def main(argv=None):
    """Runs the example; returns {backend: [(held-out accuracy, seconds) of each epoch]}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="MNIST as npz, IDX files or CSV")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS, help="default: both")
    parser.add_argument("--epochs", type=int, help="default: 30, with --data 5")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    epochs = args.epochs or (5 if args.data else 30)

    rng = np.random.default_rng(args.seed)
    x_train, y_train, x_test, y_test = load_data(args.data, rng)
    networks = {backend: Network(x_train.shape[1], np.random.default_rng(args.seed)) for backend in args.backends}
    steps = -(-len(y_train) // args.batch_size)
    rates = LEARNING_RATE * np.linspace(1, 0, epochs * steps, endpoint=False).reshape(epochs, steps)
    figures = {backend: [] for backend in args.backends}

    print(f"{len(y_train)} digits to learn from, {len(y_test)} held out")
    print("epoch" + "".join(f"{backend:>12} accuracy    time" for backend in args.backends))
    for epoch in range(epochs):
        batches = np.array_split(rng.permutation(len(y_train)), steps)
        line = f"{epoch + 1:5}"
        for backend, network in networks.items():
            with fastnn.use_backend(backend):
                start = time.perf_counter()
                for batch, lr in zip(batches, rates[epoch], strict=True):
                    network.train(x_train[batch], y_train[batch], lr)
                seconds = time.perf_counter() - start
                accuracy = float(np.mean(network.predict(x_test) == y_test))
            figures[backend].append((accuracy, seconds))
            line += f"{accuracy:>21.2%} {seconds * 1e3:>7.1f} ms"
        print(line)
    return figures


if __name__ == "__main__":
    main()
