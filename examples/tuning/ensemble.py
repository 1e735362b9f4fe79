"""Five networks that differ in their first weights alone, and the mean of what they say, which beats each of them.

python examples/tuning/ensemble.py
python examples/tuning/ensemble.py --plot ensemble.png  the members and the ensemble (needs matplotlib)
"""

import numpy as np
import study

MEMBERS = 5


def run(epochs):
    """Yields each member and what came of it, then the ensemble; they learn from few digits, so that they err apart."""
    data = study.digits(200)
    results, answers, answers_training = [], 0, 0
    for seed in range(MEMBERS):
        model = study.network((32, 32), seed=seed)
        results.append(study.trial(model, data, min(30, epochs)))
        answers_training = answers_training + model.predict(data[0]) / MEMBERS
        answers = answers + model.predict(data[1]) / MEMBERS
        yield f"member {seed + 1}", results[-1]
    yield (
        "all five",
        {
            "training": float(np.mean(answers_training.argmax(axis=1) == data[2])),
            "held_out": float(np.mean(answers.argmax(axis=1) == data[3])),
            "seconds": sum(result["seconds"] for result in results),
        },
    )


def draw(panel, results):
    study.bars(panel, results, "five networks and their mean")


def main(argv=None):
    """Runs the example; returns {"ensemble": {setting: figures}}."""
    return study.main(argv, __doc__, ensemble=(run, draw))


if __name__ == "__main__":
    main()
