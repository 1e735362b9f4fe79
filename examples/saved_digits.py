"""Reads digits with weights from a file: W1 b1 W2 b2 W3 b3, two sigmoid layers and a softmax.

    python examples/saved_digits.py                         trains and saves a network of its own first
    python examples/saved_digits.py --plot confusion.png    which digits are taken for which (needs matplotlib)
    python examples/saved_digits.py --weights sample_weight.pkl --data mnist.npz --min-max

The weights may be an npz, a safetensors or a pickle file; of a pickle nothing is run.  The data may be MNIST as npz, as
a directory of IDX files, or as Kaggle's train.csv; without --data they are scikit-learn's 1797 digits of 8 x 8 pixels.
The digits are shuffled, and three tenths of them held out and recognised, all at once and by the hundred.
"""

import argparse

import numpy as np

import fastnn
from fastnn.datasets import load_mnist
from fastnn.io import load_arrays
from fastnn.layers import Dense
from fastnn.optimizers import Adam

NAMES = ("W1", "b1", "W2", "b2", "W3", "b3")
BATCH = 100


def load_data(path, min_max):
    """x_train, x_test, y_train, y_test: one image a row, pixels as they are stored or from 0 to 1."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    if path is None:
        x, y = load_digits(return_X_y=True)
    else:
        (x, y), (more_x, more_y) = load_mnist(path)
        x, y = np.concatenate([x, more_x]).reshape(-1, 784), np.concatenate([y, more_y])
    x = x.astype(np.float32)
    if min_max:
        x = (x - x.min()) / (x.max() - x.min())
    return train_test_split(x, y, test_size=0.3, random_state=42)


def train(x, y, epochs, file, verbose):
    """Saves the weights of a network with 50 and 100 hidden units as npz."""
    model = fastnn.Sequential([Dense(50, "sigmoid"), Dense(100, "sigmoid"), Dense(10, "softmax")], seed=0)
    model.compile(Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=verbose)
    with open(file, "wb") as opened:
        np.savez(opened, **dict(zip(NAMES, model.get_weights(), strict=True)))


def load_layers(file, width):
    """[(W, b, activation)] of the three layers, if each takes what the one before it gives."""
    arrays, layers = load_arrays(file), []
    if not isinstance(arrays, dict) or not all(isinstance(arrays.get(name), np.ndarray) for name in NAMES):
        raise ValueError(f"{file}: there must be six arrays named {', '.join(NAMES)}")
    for number, activation in enumerate(("sigmoid", "sigmoid", "identity"), 1):
        w, b = arrays[f"W{number}"], arrays[f"b{number}"]
        if w.ndim != 2 or len(w) != width or b.shape != w.shape[1:]:
            wanted = f"for {width} inputs W{number} must have shape ({width}, units) and b{number} (units,)"
            raise ValueError(f"{file}: {wanted}, got {w.shape} and {b.shape}")
        if not {w.dtype.kind, b.dtype.kind} <= set("iuf"):
            raise ValueError(f"{file}: W{number} and b{number} must be real numbers, got {w.dtype} and {b.dtype}")
        layers.append((w, b, activation))
        width = w.shape[1]
    return layers


def predict(x, layers):
    """The probability of each digit, shape (N, 10)."""
    for w, b, activation in layers:
        x = fastnn.dense(x, w, b, activation)
    return fastnn.softmax(x)


def run(args):
    x_train, x_test, y_train, y_test = load_data(args.data, args.min_max)
    if args.weights is None:
        train(x_train, y_train, args.epochs, args.save, verbose=2 if args.data else 0)
        print(f"weights saved in {args.save}")
    layers = load_layers(args.weights or args.save, x_test.shape[1])
    answers = predict(x_test, layers).argmax(axis=1)
    correct = int(np.sum(answers == y_test))
    by_hundreds = 0
    for start in range(0, len(x_test), BATCH):
        batch = slice(start, start + BATCH)
        by_hundreds += int(np.sum(predict(x_test[batch], layers).argmax(axis=1) == y_test[batch]))
    for how, count in (("at once", correct), (f"by {BATCH}", by_hundreds)):
        print(f"{how}: {count} of {len(y_test)} right, accuracy {count / len(y_test):.4f}")
    if args.plot:
        from fastnn import plotting

        plotting.confusion_matrix(y_test, answers, file=args.plot)
    return {"digits": len(y_test), "correct": correct, "correct_by_hundreds": by_hundreds}


def main(argv=None):
    """Runs the example; returns {"digits": how many, "correct": all at once, "correct_by_hundreds": ...}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", metavar="FILE", help="npz, safetensors or pickle; default: trained here")
    parser.add_argument("--data", metavar="PATH", help="MNIST as npz, IDX files or CSV")
    parser.add_argument("--min-max", action="store_true", help="scale the pixels to 0 .. 1, as the weights may want")
    parser.add_argument("--epochs", type=int, default=30, help="of the training; default: 30")
    parser.add_argument("--save", metavar="FILE", default="digits_weights.npz", help="default: digits_weights.npz")
    parser.add_argument("--plot", metavar="FILE", help="where to draw the confusion matrix")
    args = parser.parse_args(argv)
    try:
        return run(args)
    except (ImportError, OSError, ValueError) as error:
        return parser.exit(2, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
