"""The first neurons: those of McCulloch and Pitts (1943), and the rule by which Rosenblatt's (1958) learns.

    python examples/perceptron.py
    python examples/perceptron.py --plot perceptron.png  the line between two classes while it moves (needs matplotlib)

A neuron adds up what comes in, each input times its weight, and answers 1 if the sum is above 0, else 0.  With weights
set by hand it is a logic gate.  Rosenblatt's rule finds the weights itself, if a straight line divides the classes; XOR
is not to be had from one layer, and needs two.
"""

import argparse

import numpy as np

import fastnn

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
GATES = {"and": ([1, 1], -1.5), "or": ([1, 1], -0.5), "nand": ([-1, -1], 1.5)}  # weights and bias


def neuron(x, weights, bias):
    """0 or 1 for each row of x."""
    return fastnn.dense(x, np.reshape(weights, (-1, 1)), [bias], "step")[..., 0]


def learn(x, targets, epochs, rate=1.0):
    """Rosenblatt's rule until an epoch brings no error; the mistakes, the weights and the bias of each epoch."""
    weights, bias, epochs_done = np.zeros(x.shape[1]), 0.0, []
    for _ in range(epochs):
        mistakes = 0
        for sample, target in zip(x, targets, strict=True):
            error = target - neuron(sample, weights, bias)
            weights = weights + rate * error * sample
            bias += rate * error
            mistakes += int(error != 0)
        epochs_done.append((mistakes, weights, float(bias)))
        if mistakes == 0:
            break
    return epochs_done


def two_classes(count=100, margin=0.02):
    """Points of a square, and on which side of a line they lie; none nearer to it than the margin."""
    x = np.random.default_rng(5).uniform(-1, 1, (4 * count, 2))
    distance = x @ [0.6, 0.8] - 0.2
    x, distance = x[abs(distance) > margin][:count], distance[abs(distance) > margin][:count]
    return x, (distance > 0).astype(float)


def draw(x, targets, epochs, file):
    from fastnn import plotting

    figure = plotting.new_figure(5, 4.5)
    axes = figure.subplots()
    axes.scatter(*x.T, c=targets, cmap="coolwarm", s=18)
    for number, (_, (first, second), bias) in enumerate(epochs, 1):
        last = number == len(epochs)
        if second:
            ends = np.array([-1.1, 1.1])
            label = f"epoch {number}" if last or number == 1 else None
            style = {"alpha": number / len(epochs), "linewidth": 1 + last, "label": label}
            axes.plot(ends, -(bias + first * ends) / second, color="black", **style)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), title="Rosenblatt's rule: the boundary after each epoch")
    axes.legend()
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns what each gate answers, and the mistakes of each epoch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the boundary over the epochs")
    args = parser.parse_args(argv)

    figures = {gate: neuron(BITS, *parameters).astype(int).tolist() for gate, parameters in GATES.items()}
    x, targets = two_classes()
    epochs = learn(x, targets, epochs=100)
    figures["mistakes"] = [mistakes for mistakes, _, _ in epochs]
    _, weights, bias = epochs[-1]
    figures["accuracy"] = float(np.mean(neuron(x, weights, bias) == targets))

    xor = [0.0, 1.0, 1.0, 0.0]
    figures["xor_one_layer_mistakes"] = [mistakes for mistakes, _, _ in learn(BITS, xor, epochs=100)]
    hidden = np.column_stack([neuron(BITS, *GATES["or"]), neuron(BITS, *GATES["nand"])])
    figures["xor_two_layers"] = neuron(hidden, *GATES["and"]).astype(int).tolist()

    for gate in GATES:
        print(f"{gate:>4} of 00, 01, 10, 11: {figures[gate]}")
    print(f"{len(x)} points: mistakes of the epochs {figures['mistakes']}, then {figures['accuracy']:.0%} right")
    print(f" xor by one layer: still {figures['xor_one_layer_mistakes'][-1]} mistakes in epoch 100")
    print(f" xor by two layers, and(or, nand): {figures['xor_two_layers']}")
    if args.plot:
        try:
            draw(x, targets, epochs, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return figures


if __name__ == "__main__":
    main()
