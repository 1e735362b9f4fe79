"""Tells benign tumours from malignant ones by 30 measurements: scikit-learn's breast cancer data, a table of 569 rows.

python examples/tabular.py
python examples/tabular.py --plot curves.png         the learning curves (needs matplotlib)
python examples/tabular.py --save model.safetensors  the trained network, for fastnn.load_model
"""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import fastnn
from fastnn.callbacks import EarlyStopping
from fastnn.layers import Dense, Dropout


def load_data(seed):
    """x_train, x_test, y_train, y_test: columns of mean 0 and deviation 1; label 1 is benign."""
    table = load_breast_cancer()
    x_train, x_test, y_train, y_test = train_test_split(
        table.data, table.target, test_size=0.25, random_state=seed, stratify=table.target
    )
    scaler = StandardScaler().fit(x_train)
    return scaler.transform(x_train), scaler.transform(x_test), y_train, y_test


def main(argv=None):
    """Runs the example; returns {"epochs": how many, "test_loss": ..., "test_accuracy": ...}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100, help="at most; default: 100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the learning curves")
    parser.add_argument("--save", metavar="FILE", help="where to save the network")
    args = parser.parse_args(argv)
    fastnn.set_random_seed(args.seed)
    x_train, x_test, y_train, y_test = load_data(args.seed)

    model = fastnn.Sequential(
        [
            Dense(32, activation="relu", kernel_initializer="he_normal", input_shape=(30,)),
            Dropout(0.2),
            Dense(16, activation="relu", kernel_initializer="he_normal"),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    stop = EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
    history = model.fit(x_train, y_train, epochs=args.epochs, validation_split=0.2, callbacks=[stop], verbose=0)
    epochs = len(history.history["loss"])
    test_loss, test_accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{len(y_train)} rows to learn from, {len(y_test)} held out; stopped after {epochs} epochs")
    print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}\n")
    guesses = model.predict(x_test)[:, 0] > 0.5
    print(classification_report(y_test, guesses, target_names=["malignant", "benign"], digits=3))
    if args.plot:
        from fastnn import plotting

        plotting.learning_curves(history, args.plot)
    if args.save:
        model.save(args.save)
    return {"epochs": epochs, "test_loss": test_loss, "test_accuracy": test_accuracy}


if __name__ == "__main__":
    main()
