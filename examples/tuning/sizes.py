"""Networks small, deep, wide and large.

python examples/tuning/sizes.py
python examples/tuning/sizes.py --plot sizes.png  the accuracy over the epochs (needs matplotlib)
"""

import study

HIDDEN = {"small": (8,), "deep": (32,) * 5, "wide": (512,), "large": (256,) * 3}


def run(epochs):
    """Yields each setting and what came of it."""
    data = study.digits()
    for setting, hidden in HIDDEN.items():
        model = study.network(hidden)
        result = study.trial(model, data, min(30, epochs))
        yield setting, result | {"note": f"{'-'.join(map(str, hidden))} units, {model.count_params()} parameters"}


def draw(panel, results):
    study.curves(panel, results, "size of the network")
    panel.set_ylim(0.8, 1)


def main(argv=None):
    """Runs the example; returns {"sizes": {setting: figures}}."""
    return study.main(argv, __doc__, sizes=(run, draw))


if __name__ == "__main__":
    main()
