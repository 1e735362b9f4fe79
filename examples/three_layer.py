"""A network of three layers by hand: two inputs, three hidden units, two, and two outputs.

python examples/three_layer.py
python examples/three_layer.py --plot network.png  the network and what each unit says (needs matplotlib)
"""

import argparse

import numpy as np

import fastnn

LAYERS = (
    (np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), np.array([0.1, 0.2, 0.3]), "sigmoid"),
    (np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]), np.array([0.1, 0.2]), "sigmoid"),
    (np.array([[0.1, 0.3], [0.2, 0.4]]), np.array([0.1, 0.2]), "identity"),
)


def forward(x):
    """What goes into the network and what comes out of each layer."""
    values = [x]
    for w, b, activation in LAYERS:
        values.append(fastnn.dense(values[-1], w, b, activation))
    return values


def draw(values, file):
    from fastnn import plotting

    figure = plotting.new_figure(6.5, 3.2)
    axes = figure.subplots()
    axes.set_axis_off()
    places = [np.arange(layer.size) - (layer.size - 1) / 2 for layer in values]
    for column, (layer, heights) in enumerate(zip(values, places, strict=True)):
        if column:
            for (i, j), weight in np.ndenumerate(LAYERS[column - 1][0]):
                ends = places[column - 1][i], heights[j]
                axes.plot([column - 1, column], ends, color="grey", linewidth=6 * weight, zorder=1)
        axes.scatter([column] * layer.size, heights, s=1700, c=layer[0], cmap="YlOrRd", vmin=0, vmax=1.3, zorder=2)
        for value, height in zip(layer[0], heights, strict=True):
            axes.text(column, height, f"{value:.4f}", ha="center", va="center", fontsize=9)
    axes.margins(0.2)
    axes.invert_yaxis()
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"output": what the network says}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the network")
    args = parser.parse_args(argv)

    values = forward(np.array([[1.0, 0.5]]))
    print(values[-1])
    if args.plot:
        try:
            draw(values, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return {"output": values[-1].tolist()}


if __name__ == "__main__":
    main()
