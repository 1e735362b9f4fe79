"""Trains a network of 128 hidden units on scikit-learn's digits, and on MNIST if there is a file of it.

    python examples/digits.py                            1797 digits of 8 x 8 pixels, a fifth of them held out
    python examples/digits.py --data mnist.npz           MNIST: npz, a directory of IDX files, or Kaggle's train.csv
    python examples/digits.py --save digits.safetensors  the trained network, for fastnn.load_model
    python examples/digits.py --plot digits.png          which digits are taken for which (needs matplotlib)

The images go in as they are stored, bytes of grey, for the scaling is a layer of the network: so whoever loads the
saved file has nothing to prepare.  digits_by_hand.py does the same with bare operations.
"""

import argparse

import numpy as np

import fastnn
from fastnn.callbacks import LambdaCallback
from fastnn.datasets import load_mnist
from fastnn.layers import Dense, Flatten, Rescaling
from fastnn.optimizers import Adam
from fastnn.optimizers.schedules import PolynomialDecay

LEARNING_RATE = 4e-3  # at the start; it falls to 0 in a straight line


def load_data(path, seed):
    """(x_train, y_train), (x_test, y_test): images of bytes (N, rows, columns) and labels (N,) from 0 to 9."""
    if path is not None:
        return load_mnist(path)
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    x, y = digits.images[order].astype(np.uint8), digits.target[order]
    held_out = len(y) // 5
    return (x[held_out:], y[held_out:]), (x[:held_out], y[:held_out])


def make_model(image_shape, brightest, steps, backend):
    """Image -> numbers from 0 to 1 -> 128 ReLU units -> probabilities of 10 classes, compiled for so many steps."""
    model = fastnn.Sequential(
        [
            Flatten(input_shape=image_shape),
            Rescaling(1 / brightest),
            Dense(128, activation="relu", kernel_initializer="he_uniform"),
            Dense(10, activation="softmax"),
        ],
        backend=backend,
    )
    falling = PolynomialDecay(LEARNING_RATE, decay_steps=steps, end_learning_rate=0.0)
    model.compile(optimizer=Adam(falling), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def print_epoch(epoch, logs):
    print(f"{epoch + 1:5}{logs['loss']:11.4f}{logs['accuracy']:12.2%}{logs['val_accuracy']:21.2%}")


def main(argv=None):
    """Runs the example; returns {"accuracy": [of each epoch], "val_accuracy": [on the digits held out]}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="MNIST as npz, IDX files or CSV")
    parser.add_argument("--backend", choices=("native", "numpy"), default="native", help="default: native")
    parser.add_argument("--epochs", type=int, help="default: 30, with --data 5")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", metavar="FILE", help="where to save the network")
    parser.add_argument("--plot", metavar="FILE", help="where to draw the confusion matrix")
    args = parser.parse_args(argv)
    epochs = args.epochs or (5 if args.data else 30)
    fastnn.set_random_seed(args.seed)

    (x_train, y_train), (x_test, y_test) = load_data(args.data, args.seed)
    steps = epochs * -(-len(y_train) // args.batch_size)
    model = make_model(x_train.shape[1:], int(x_train.max()), steps, args.backend)
    print(f"{len(y_train)} digits to learn from, {len(y_test)} held out")
    print("epoch       loss    accuracy    held-out accuracy")
    history = model.fit(
        x_train,
        y_train,
        batch_size=args.batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[LambdaCallback(on_epoch_end=print_epoch)],
        validation_data=(x_test, y_test),
    )
    if args.save:
        model.save(args.save)
    if args.plot:
        from fastnn import plotting

        plotting.confusion_matrix(y_test, model.predict(x_test), file=args.plot)
    return {name: history.history[name] for name in ("accuracy", "val_accuracy")}


if __name__ == "__main__":
    main()
