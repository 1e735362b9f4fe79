"""Every activation of fastnn with its derivative, and softmax.

python examples/activations.py
python examples/activations.py --plot activations.png  one sheet with all of them (needs matplotlib)
"""

import argparse

import numpy as np

import fastnn

# Name, or object with the parameter -> where the curve or its derivative jumps.
KINDS = {
    "step": [0],
    "sign": [0],
    "identity": [],
    "sigmoid": [],
    "tanh": [],
    "relu": [0],
    fastnn.LeakyReLU(0.1): [0],
    fastnn.ELU(1.0): [0],
    "swish": [],
    "softplus": [],
    "softsign": [0],
    "relu6": [0, 6],
    "selu": [0],
    fastnn.CELU(2.0): [0],
    "gelu": [],
    "gelu_tanh": [],
    "mish": [],
    "hard_sigmoid": [-3, 3],
    "hard_swish": [-3, 3],
    "exponential": [],
}
SLOPE = [0.25]  # of PReLU, which learns it
DRAWN = {"lower": 1 / 8, "upper": 1 / 3, "training": True, "seed": 0, "counter": 0}  # RReLU draws a slope for each z
ROWS = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [-1, -2, -3]]


def curves(z):
    """{name: (f(z), f'(z), where it jumps)} for every activation of one number."""
    one, found = np.ones_like(z), {}
    for kind, corners in KINDS.items():
        y = fastnn.activation(z, kind)
        found[str(kind)] = y, fastnn.activation_backward(one, y, kind, z=z), corners
    found["PReLU, slope 0.25"] = fastnn.prelu(z, SLOPE), fastnn.prelu_backward(one, z, SLOPE)[0], [0]
    found["RReLU, slopes drawn"] = fastnn.rrelu(z, **DRAWN), fastnn.rrelu_backward(one, z, **DRAWN), [0]
    return found


def steepness_error(z, h=1e-5):
    """The largest difference between a derivative and (f(z + h) - f(z - h)) / 2h, away from jumps."""
    above, below = curves(z + h), curves(z - h)
    errors = {}
    for name, (_, slope, corners) in curves(z).items():
        smooth = np.all([abs(z - corner) > h for corner in corners], axis=0) if corners else slice(None)
        errors[name] = float(abs(slope - (above[name][0] - below[name][0]) / (2 * h))[smooth].max())
    return errors


def draw(z, file):
    from fastnn import plotting

    shown = {name: curve[:2] for name, curve in curves(z).items()}
    p = fastnn.softmax(np.stack([z, 0 * z, 0 * z + 1], axis=1))
    first = np.tile([1.0, 0.0, 0.0], (len(z), 1))
    shown["softmax of (z, 0, 1), the first"] = p[:, 0], fastnn.softmax_backward(first, p)[:, 0]
    figure = plotting.new_figure(13, 9)
    panels = figure.subplots(4, 6)
    for panel in panels.flat[len(shown) :]:
        panel.set_axis_off()
    for panel, (name, (y, slope)) in zip(panels.flat, shown.items(), strict=False):
        panel.plot(z, y, label="f")
        panel.plot(z, slope, "--", label="f'")
        panel.set_title(name, fontsize=9)
        panel.set_ylim(max(-2.2, y.min() - 0.3), min(4, max(y.max(), 1) + 0.3))
        panel.grid(alpha=0.3)
    panels[0, 0].legend()
    figure.savefig(file, dpi=60)


def main(argv=None):
    """Runs the example; returns the errors of the derivatives and softmax's results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the sheet")
    args = parser.parse_args(argv)

    z = np.linspace(-4, 4, 401)
    figures = {"derivative_errors": steepness_error(z)}
    for name, error in figures["derivative_errors"].items():
        print(f"{name:20} differs from its difference quotient by {error:.1e} at most")

    figures["tanh_error"] = float(abs(fastnn.tanh(z) - (2 * fastnn.sigmoid(2 * z) - 1)).max())
    print(f"tanh(z) and 2 sigmoid(2 z) - 1 differ by {figures['tanh_error']:.1e} at most")
    figures["softmax_row"] = fastnn.softmax([0.0, 1.0, 2.0]).tolist()
    figures["softmax_batch"] = fastnn.softmax(ROWS).tolist()
    figures["row_sums"] = np.sum(figures["softmax_batch"], axis=1).tolist()
    figures["softmax_of_thousands"] = fastnn.softmax([1000.0, 1001.0, 1002.0]).tolist()
    print(f"softmax of one row: {figures['softmax_row']}")
    print(f"softmax of a batch:\n{np.array(figures['softmax_batch'])}\nwhose rows sum to {figures['row_sums']}")
    print(f"softmax of 1000, 1001, 1002, whose exponentials overflow: {figures['softmax_of_thousands']}")
    if args.plot:
        try:
            draw(z, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return figures


if __name__ == "__main__":
    main()
