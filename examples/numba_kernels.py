"""A training loop of your own, compiled as a whole by Numba, out of fastnn's kernels: scikit-learn's digits.

python examples/numba_kernels.py                needs numba and scikit-learn; compiling takes a while the first time
python examples/numba_kernels.py --epochs 5
"""

import argparse
import time

import numpy as np

HELD_OUT = 359


def compiled():
    """The training loop, as a function that Numba has compiled; made here so that --help works without Numba."""
    import numba

    from fastnn.backends.numba_cpu import kernels, kinds

    @numba.njit
    def step_of(p, g, velocity, rate):
        """Gradient descent with momentum 0.9, in place; the kernel counts in blocks of 16 elements."""
        n = p.size
        kernels.sgd(*(p.reshape(n), g.reshape(n), velocity.reshape(n), rate, 0.9, False, 0.0, 0, (n + 15) // 16))

    @numba.njit
    def layers(x, w1, b1, w2, b2, hidden, logits):
        kernels.dense_forward(x, w1, b1, kinds.RELU, 0.0, hidden)
        kernels.dense_forward(hidden, w2, b2, kinds.IDENTITY, 0.0, logits)

    @numba.njit
    def train(x, labels, order, weights, rate, batch):
        """One epoch, in the order given; returns the mean loss. The weights and what follows them change in place."""
        w1, b1, w2, b2, v1, c1, v2, c2 = weights
        classes = w2.shape[1]
        nothing = np.empty(0, x.dtype)
        dw1, db1, dw2, db2 = np.empty_like(w1), np.empty_like(b1), np.empty_like(w2), np.empty_like(b2)
        total = 0.0
        for begin in range(0, len(order), batch):
            rows = order[begin : begin + batch]
            n = len(rows)
            some, targets = x[rows], labels[rows]
            hidden, logits = np.empty((n, w1.shape[1]), x.dtype), np.empty((n, classes), x.dtype)
            layers(some, w1, b1, w2, b2, hidden, logits)
            losses, d_logits, d_hidden = np.empty(n, x.dtype), np.empty_like(logits), np.empty_like(hidden)
            # Kernels over rows or elements take their arrays flat.
            z, dz = logits.reshape(logits.size), d_logits.reshape(logits.size)
            kernels.cross_entropy_rows(
                *(z, classes, targets, -100, nothing, nothing, 0.0, 1.0 / n, nothing, losses, dz, 0, n)
            )
            kernels.dense_gradient(d_logits, hidden, w2, d_hidden, dw2, db2)
            dh, h = d_hidden.reshape(hidden.size), hidden.reshape(hidden.size)
            kernels.activation_gradient(kinds.RELU, 0.0, dh, h, dh, 0, (h.size + 15) // 16)
            # No rows: the gradient by the images is not needed.
            kernels.dense_gradient(d_hidden, some, w1, np.empty((0, x.shape[1]), x.dtype), dw1, db1)
            step_of(w1, dw1, v1, rate)
            step_of(b1, db1, c1, rate)
            step_of(w2, dw2, v2, rate)
            step_of(b2, db2, c2, rate)
            total += losses.sum()
        return total / len(order)

    return layers, train


def main(argv=None):
    """Runs the example; returns {"loss": [of each epoch], "accuracy": of the digits held out}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30, help="default 30")
    args = parser.parse_args(argv)
    if args.epochs < 1:
        parser.exit(2, f"{parser.prog}: --epochs must be at least 1, got {args.epochs}\n")
    try:
        from sklearn.datasets import load_digits

        layers, train = compiled()
    except ImportError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    x, y = images[order[HELD_OUT:]], labels[order[HELD_OUT:]].astype(np.int64)
    held_x, held_y = images[order[:HELD_OUT]], labels[order[:HELD_OUT]]

    w1 = rng.uniform(-0.17, 0.17, (64, 128)).astype(np.float32)
    w2 = rng.uniform(-0.2, 0.2, (128, 10)).astype(np.float32)
    learnt = (w1, np.zeros(128, np.float32), w2, np.zeros(10, np.float32))
    weights = learnt + tuple(np.zeros_like(p) for p in learnt)

    losses = []
    for epoch in range(args.epochs):
        start = time.perf_counter()
        losses.append(float(train(x, y, rng.permutation(len(x)), weights, 0.05, 32)))
        print(f"epoch {epoch + 1:2}   loss {losses[-1]:.4f}   {1e3 * (time.perf_counter() - start):8.1f} ms")
    hidden, logits = np.empty((HELD_OUT, 128), np.float32), np.empty((HELD_OUT, 10), np.float32)
    layers(held_x, *learnt, hidden, logits)
    accuracy = float(np.mean(logits.argmax(axis=1) == held_y))
    print(f"{accuracy:.2%} of {HELD_OUT} digits held out")
    return {"loss": losses, "accuracy": accuracy}


if __name__ == "__main__":
    main()
