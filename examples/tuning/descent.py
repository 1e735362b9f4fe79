"""How many samples a step of gradient descent looks at: all of them, one, or a few.

python examples/tuning/descent.py
python examples/tuning/descent.py --plot descent.png  the accuracy over the epochs (needs matplotlib)
"""

import study

from fastnn.optimizers import SGD

SIZES = {"whole batches": study.TRAINING, "single samples": 1, "batches of 32": 32}
EPOCHS, LEARNING_RATE = 20, 0.05


def run(epochs):
    """Yields each setting and what came of it."""
    data = study.digits()
    for setting, batch_size in SIZES.items():
        result = study.trial(study.network(), data, min(EPOCHS, epochs), SGD(LEARNING_RATE), batch_size)
        yield setting, result | {"note": f"steps of an epoch: {study.steps(batch_size)}"}


def draw(panel, results):
    study.curves(panel, results, "samples a step")


def main(argv=None):
    """Runs the example; returns {"descent": {setting: figures}}."""
    return study.main(argv, __doc__, descent=(run, draw))


if __name__ == "__main__":
    main()
