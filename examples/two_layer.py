"""A network of two layers learns XOR of its first two inputs, from weights that numpy's generator of old makes.

python examples/two_layer.py
python examples/two_layer.py --plot loss.png  the loss over the iterations (needs matplotlib)
"""

import argparse

import numpy as np

import fastnn
from fastnn.layers import Dense
from fastnn.losses import SumSquaredError
from fastnn.optimizers import SGD

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], float)
TARGETS = np.array([0, 1, 1, 0], float)


def main(argv=None):
    """Runs the example; returns {"outputs": for the four inputs, "loss": [of each iteration]}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the loss")
    args = parser.parse_args(argv)

    hidden, output = (Dense(units, "sigmoid", use_bias=False) for units in (4, 1))
    model = fastnn.Sequential([hidden, output], dtype="float64")
    model.build((None, 3))
    rng = np.random.RandomState(0)
    model.set_weights([rng.rand(3, 4), rng.rand(4, 1)])
    model.compile(SGD(learning_rate=1.0), SumSquaredError(reduction="sum"))
    history = model.fit(X, TARGETS, batch_size=4, epochs=1500, shuffle=False, verbose=0)

    outputs = model.predict(X)[:, 0]
    for row, said in zip(X.astype(int), outputs, strict=True):
        print(f"{row} -> {said:.8f}")
    if args.plot:
        from fastnn import plotting

        try:
            plotting.learning_curves(history, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return {"outputs": outputs.tolist(), "loss": history.history["loss"]}


if __name__ == "__main__":
    main()
