"""One neuron learns a straight line: y = 2 x + 1 from 100 points with noise, one at a time.

python examples/linear_neuron.py
python examples/linear_neuron.py --plot line.png  the points and the line of each epoch (needs matplotlib)
"""

import argparse

import numpy as np

import fastnn
from fastnn.callbacks import LambdaCallback
from fastnn.layers import Dense
from fastnn.optimizers import SGD


def draw(x, y, lines, file):
    from fastnn import plotting

    figure = plotting.new_figure(5, 4)
    axes = figure.subplots()
    axes.scatter(x, y, s=12, color="grey")
    for epoch, (w, b) in enumerate(lines, 1):
        axes.plot(x, w * x + b, color="crimson", alpha=epoch / len(lines), label=f"{epoch}: {w:.2f} x + {b:.2f}")
    axes.legend(title="epoch", fontsize=7)
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"w": [after each epoch], "b": [after each epoch], "loss": [of each epoch]}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the line of each epoch")
    args = parser.parse_args(argv)

    x = np.linspace(-1, 1, 100)
    y = 2 * x + 1 + 0.4 * np.random.default_rng(0).standard_normal(100)

    model = fastnn.Sequential([Dense(1, input_shape=(1,))], seed=0)
    model.compile(SGD(learning_rate=0.01), loss="mse")
    lines = []

    def note(epoch, logs):
        w, b = (float(weight.item()) for weight in model.get_weights())
        lines.append((w, b))
        print(f"epoch {epoch + 1}   loss {logs['loss']:.4f}   y = {w:.4f} x + {b:.4f}")

    watch = LambdaCallback(on_epoch_end=note)
    history = model.fit(x[:, None], y, batch_size=1, epochs=8, callbacks=[watch], verbose=0)
    if args.plot:
        try:
            draw(x, y, lines, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return {"w": [w for w, _ in lines], "b": [b for _, b in lines], "loss": history.history["loss"]}


if __name__ == "__main__":
    main()
