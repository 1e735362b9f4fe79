"""The network of nine lines: one neuron finds out that the answer is the first of three inputs.

python examples/nine_lines.py
python examples/nine_lines.py --plot answers.png  its four answers while it learns (needs matplotlib)
"""

import argparse

import numpy as np

import fastnn

X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], float)
TARGETS = np.array([[0, 1, 1, 0]], float).T


def train(steps):
    """The weights after so many steps, and the answers before each."""
    w = 2 * np.random.RandomState(1).random_sample((3, 1)) - 1  # the numbers of numpy.random.seed(1)
    answers = []
    for _ in range(steps):
        y = fastnn.dense(X, w, None, "sigmoid")
        _, dw, _ = fastnn.dense_backward(y - TARGETS, X, w, y, "sigmoid", need_dx=False)
        fastnn.sgd_step(w, dw, lr=1)
        answers.append(y[:, 0])
    return w, np.array(answers)


def draw(answers, file):
    from fastnn import plotting

    figure = plotting.new_figure(5, 3.5)
    axes = figure.subplots()
    axes.semilogx(range(1, len(answers) + 1), answers, label=[f"{row.astype(int)}" for row in X])
    axes.set(xlabel="step", ylabel="answer")
    axes.legend()
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"weights": ..., "prediction": for the input 1, 0, 0}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the answers over the steps")
    args = parser.parse_args(argv)

    w, answers = train(10_000)
    prediction = float(fastnn.dense([1.0, 0.0, 0.0], w, None, "sigmoid")[0])
    print(f"weights {w[:, 0]}, prediction for [1, 0, 0] {prediction:.8f}")
    if args.plot:
        try:
            draw(answers, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return {"weights": w[:, 0].tolist(), "prediction": prediction}


if __name__ == "__main__":
    main()
