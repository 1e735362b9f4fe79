"""What the scripts of this folder share: digits, networks and their trials, the table, the sheet, the command line."""

import argparse
import math
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastnn
from fastnn.layers import Dense, Dropout
from fastnn.regularizers import L1L2

TRAINING, BATCH = 1437, 32  # digits to learn from, and how many of them a step looks at


def steps(batch_size=BATCH):
    """Steps of an epoch over all digits."""
    return -(-TRAINING // batch_size)


def digits(count=None):
    """x_train, x_test, y_train, y_test: 64 pixels from 0 to 1; so many digits to learn from, or all."""
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=42)
    return x_train[:count], x_test, y_train[:count], y_test


def network(hidden=(32,), classes=10, l1=0.0, l2=0.0, dropout=0.0, seed=0):
    """Layers of ReLU units, with a penalty on their weights and dropout behind each, and a softmax."""
    layers = []
    for units in hidden:
        layers.append(Dense(units, "relu", kernel_initializer="he_uniform", kernel_regularizer=L1L2(l1, l2)))
        layers.append(Dropout(dropout))
    return fastnn.Sequential([*layers, Dense(classes, "softmax")], seed=seed)


def trial(model, data, epochs, optimizer="adam", batch_size=BATCH):
    """Trains a network; accuracies at the end, and over the epochs the loss and the accuracy on what is held out."""
    x_train, x_test, y_train, y_test = data
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = time.perf_counter()
    kept = model.fit(x_train, y_train, batch_size, epochs, verbose=0, validation_data=(x_test, y_test)).history
    return {
        "training": model.evaluate(x_train, y_train, verbose=0)[1],
        "held_out": kept["val_accuracy"][-1],
        "seconds": time.perf_counter() - start,
        "losses": kept["loss"],
        "accuracies": kept["val_accuracy"],
    }


def curves(panel, results, title, name="accuracies", label="held-out accuracy"):
    """Draws what came of each epoch."""
    for setting, result in results.items():
        panel.plot(range(1, len(result[name]) + 1), result[name], linewidth=1, label=setting)
    panel.set(title=title, xlabel="epoch", ylabel=label)
    panel.legend(fontsize=7)


def bars(panel, results, title):
    """Draws what came out at the end."""
    accuracies = [result["held_out"] for result in results.values()]
    panel.barh(list(results), accuracies, color="steelblue")
    for row, accuracy in enumerate(accuracies):
        panel.text(accuracy, row, f"{accuracy:.1%} ", ha="right", va="center", color="white", fontsize=8)
    panel.set(title=title, xlabel="held-out accuracy", xlim=(max(min(accuracies) - 0.15, 0), 1))
    panel.invert_yaxis()


def draw(results, subjects, file):
    from fastnn import plotting

    across = min(len(subjects), 4)
    down = math.ceil(len(subjects) / across)
    figure = plotting.new_figure(4.4 * across, 3.4 * down)
    for panel, (name, (_, draw_one)) in zip(
        figure.subplots(down, across, squeeze=False).flat, subjects.items(), strict=True
    ):
        draw_one(panel, results[name])
    figure.savefig(file, dpi=70)


def main(argv, doc, **subjects):
    """The main of a script: runs name=(run, draw) for each subject; returns {name: {setting: its figures}}."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10_000, help="at most, for each network; default: each its own")
    parser.add_argument("--plot", metavar="FILE", help="where to draw what came out")
    args = parser.parse_args(argv)
    results = {}
    try:
        if args.epochs < 1:
            raise ValueError(f"--epochs must be 1 or more, got {args.epochs}")
        print(f"{'':15}{'':24}training   held out   seconds")
        for name, (run, _) in subjects.items():
            results[name] = {}
            for setting, result in run(args.epochs):
                results[name][setting] = result
                line = (
                    f"{name:15}{setting:24}{result['training']:8.2%}{result['held_out']:11.2%}{result['seconds']:10.2f}"
                )
                print(f"{line}   {result.get('note', '')}".rstrip(), flush=True)
        if args.plot:
            draw(results, subjects, args.plot)
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return results
