"""What the scripts of this folder share: Adam, gradients checked by finite differences, and the command line."""

import argparse

import numpy as np

import fastnn


class Adam:
    """Steps for a list of parameters, whose states it keeps."""

    def __init__(self, parameters, beta1=0.9):
        self.parameters, self.beta1, self.steps = parameters, beta1, 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]

    def step(self, gradients, lr):
        self.steps += 1
        for p, g, (m, v) in zip(self.parameters, gradients, self.moments, strict=True):
            fastnn.adam_step(p, g, m, v, step=self.steps, lr=lr, beta1=self.beta1)


def layer(rng, inputs, outputs, dtype):
    """Weights (inputs, outputs) drawn as Glorot and Bengio do, and biases (outputs,) of 0."""
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(dtype), np.zeros(outputs, dtype)


def gradient_error(parameters, loss_and_gradients, places=20, h=1e-6):
    """How far gradients are from (loss(p + h) - loss(p - h)) / 2h at most, in units of the largest gradient.

    It looks at some places of each parameter, which must be float64.
    """
    rng, worst, (_, gradients) = np.random.default_rng(0), 0.0, loss_and_gradients()
    for p, g in zip(parameters, gradients, strict=True):
        for place in rng.choice(p.size, min(places, p.size), replace=False):
            kept, losses = p.flat[place], []
            for moved in (kept + h, kept - h):
                p.flat[place] = moved
                losses.append(loss_and_gradients()[0])
            p.flat[place] = kept
            worst = max(worst, abs(g.flat[place] - (losses[0] - losses[1]) / (2 * h)))
    return float(worst / max(abs(g).max() for g in gradients))


def command_line(argv, doc, run, draw, **count):
    """Runs a script: run(count) returns its figures and what draw(..., file) shows; returns the figures."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    ((name, default),) = count.items()
    parser.add_argument(f"--{name}", type=int, default=default, help=f"of the training; default: {default}")
    parser.add_argument("--plot", metavar="FILE", help="where to draw what came out")
    args = parser.parse_args(argv)
    wanted = getattr(args, name)
    try:
        if wanted < 1:
            raise ValueError(f"--{name} must be 1 or more, got {wanted}")
        figures, shown = run(wanted)
        print(f"gradients are within {figures['gradient_error']:.0e} of their difference quotients")
        if args.plot:
            draw(*shown, args.plot)
    except (ImportError, OSError, ValueError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    return figures
