"""The first script of Keras's tutorials, with nothing changed but its imports: a network that reads digits.

    python examples/keras_mnist.py --data mnist.npz

MNIST may lie there as npz, as a directory of IDX files, or as Kaggle's train.csv; nothing is downloaded.
"""

import argparse

import fastnn
from fastnn import Sequential
from fastnn.datasets import mnist
from fastnn.layers import Dense, Flatten


def main(argv=None):
    """Runs the example; returns {"accuracy": [of each epoch], "test_loss": ..., "test_accuracy": ...}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="PATH", help="MNIST; default: what the variable FASTNN_MNIST says")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    fastnn.set_random_seed(args.seed)

    (train_images, train_labels), (test_images, test_labels) = mnist.load_data(args.data)
    train_images = train_images / 255.0
    test_images = test_images / 255.0

    model = Sequential(
        [
            Flatten(input_shape=(28, 28)),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(train_images, train_labels, epochs=args.epochs)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels)
    print(f"test accuracy: {test_accuracy:.2%}")
    return {"accuracy": history.history["accuracy"], "test_loss": test_loss, "test_accuracy": test_accuracy}


if __name__ == "__main__":
    main()
