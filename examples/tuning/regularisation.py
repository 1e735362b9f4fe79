"""L1, L2 and dropout against overfitting: of 500 labels a fifth are wrong, and should not be learnt by heart.

python examples/tuning/regularisation.py
python examples/tuning/regularisation.py --plot regularisation.png  the accuracy over the epochs (needs matplotlib)
"""

import numpy as np
import study

SETTINGS = {"none": {}, "L1": {"l1": 1e-3}, "L2": {"l2": 1e-2}, "dropout": {"dropout": 0.5}}


def digits_with_wrong_labels():
    x_train, x_test, y_train, y_test = study.digits(500)
    rng = np.random.default_rng(0)
    wrong = rng.random(len(y_train)) < 0.2
    return x_train, x_test, np.where(wrong, (y_train + rng.integers(1, 10, len(y_train))) % 10, y_train), y_test


def run(epochs):
    """Yields each setting and what came of it; the labels of the digits held out are right."""
    data = digits_with_wrong_labels()
    for setting, penalty in SETTINGS.items():
        yield setting, study.trial(study.network((256,), **penalty), data, min(100, epochs))


def draw(panel, results):
    study.curves(panel, results, "a fifth of the labels wrong")
    panel.set_ylim(0.8, 1)


def main(argv=None):
    """Runs the example; returns {"regularisation": {setting: figures}}."""
    return study.main(argv, __doc__, regularisation=(run, draw))


if __name__ == "__main__":
    main()
