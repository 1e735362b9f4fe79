"""How far a step goes: too short and nothing happens, too far and nothing holds; and a rate that falls on the way.

python examples/tuning/learning_rates.py
python examples/tuning/learning_rates.py --plot rates.png  the losses over the epochs (needs matplotlib)
"""

import study

from fastnn.optimizers import SGD
from fastnn.optimizers.schedules import CosineDecay

EPOCHS = 20


def run(epochs):
    """Yields each setting and what came of it."""
    data, epochs = study.digits(), min(EPOCHS, epochs)
    rates = {f"rate {rate}": rate for rate in (0.001, 0.01, 0.1, 1.0, 3.0)}
    rates["rate 1.0, falling"] = CosineDecay(1.0, decay_steps=epochs * study.steps())
    for setting, rate in rates.items():
        yield setting, study.trial(study.network(), data, epochs, SGD(rate))


def draw(panel, results):
    study.curves(panel, results, "learning rates", "losses", "loss")
    panel.set_yscale("log")


def main(argv=None):
    """Runs the example; returns {"learning_rates": {setting: figures}}."""
    return study.main(argv, __doc__, learning_rates=(run, draw))


if __name__ == "__main__":
    main()
