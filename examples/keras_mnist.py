"""The first script of Keras's tutorials, with nothing changed but its imports: a network that reads digits.

    python examples/keras_mnist.py                     1797 digits of 8 x 8 pixels that come with scikit-learn
    python examples/keras_mnist.py --data mnist.npz    MNIST: npz, a directory of IDX files, or Kaggle's train.csv
    python examples/keras_mnist.py --plot units.png    what hidden units look for and find (needs matplotlib)

Nothing is downloaded.  Keras's lines stand in train; the others load digits and look at what came out.
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report, confusion_matrix, precision_recall_fscore_support
from sklearn.model_selection import train_test_split

import fastnn
from fastnn import Sequential
from fastnn.datasets import mnist
from fastnn.layers import Dense, Flatten


def load_data(path):
    """(train_images, train_labels), (test_images, test_labels), and how bright a pixel can be."""
    if path is not None:
        return *mnist.load_data(path), 255.0
    digits = load_digits()
    split = train_test_split(digits.images, digits.target, test_size=0.2, random_state=42)
    return (split[0], split[2]), (split[1], split[3]), 16.0


def train(data, epochs):
    (train_images, train_labels), (test_images, test_labels), brightest = data
    train_images = train_images / brightest
    test_images = test_images / brightest

    model = Sequential(
        [
            Flatten(input_shape=train_images.shape[1:]),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(train_images, train_labels, epochs=epochs)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels)
    print(f"test accuracy: {test_accuracy:.2%}")
    figures = {"accuracy": history.history["accuracy"], "test_loss": test_loss, "test_accuracy": test_accuracy}
    return model, test_images, test_labels, figures


def judge(labels, guesses):
    """Precision, recall and F1 of each digit, and how often each (row) was taken for each (column)."""
    print(classification_report(labels, guesses, digits=3, zero_division=0))
    table = confusion_matrix(labels, guesses, labels=range(10))
    print(table)
    scores = precision_recall_fscore_support(labels, guesses, labels=range(10), zero_division=0)
    named = zip(("precision", "recall", "f1"), scores, strict=False)
    return {name: score.tolist() for name, score in named} | {"confusion": table.tolist()}


def draw(model, images, labels, file):
    """The weights of 25 units as images, and all hidden activations for 20 of each digit."""
    from fastnn import plotting

    weights, biases = model.layers[1].get_weights()
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:20] for digit in range(10)])
    hidden = fastnn.dense(images[chosen].reshape(len(chosen), -1), weights, biases, "relu")
    figure = plotting.new_figure(11, 4.5)
    left, right = figure.subfigures(1, 2)
    limit = abs(weights).max()
    for unit, panel in enumerate(left.subplots(5, 5).flat):
        panel.imshow(weights[:, unit].reshape(images.shape[1:]), cmap="RdBu_r", vmin=-limit, vmax=limit)
        panel.set_axis_off()
    left.suptitle("what 25 units look for (red) and against (blue)")
    panel = right.subplots()
    image = panel.imshow(hidden, aspect="auto", interpolation="nearest")
    panel.set(title="what the hidden units answer", xlabel="unit", ylabel="images, sorted by digit")
    right.colorbar(image, ax=panel)
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns accuracy [of each epoch], test_loss and test_accuracy, and what judge returns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="MNIST; default: scikit-learn's digits")
    parser.add_argument("--epochs", type=int, help="default: 30, with --data 5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the hidden units")
    args = parser.parse_args(argv)
    fastnn.set_random_seed(args.seed)
    try:
        if args.epochs is not None and args.epochs < 1:
            raise ValueError(f"--epochs must be 1 or more, got {args.epochs}")
        model, images, labels, figures = train(load_data(args.data), args.epochs or (5 if args.data else 30))
        figures |= judge(labels, model.predict(images).argmax(axis=1))
        if args.plot:
            draw(model, images, labels, args.plot)
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return figures


if __name__ == "__main__":
    main()
