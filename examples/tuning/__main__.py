"""What tuning does: the scripts of this folder one after the other, in one table and on one sheet.

python examples/tuning
python examples/tuning --plot tuning.png  the sheet (needs matplotlib)
"""

import augmentation
import descent
import ensemble
import learning_rates
import regularisation
import scaling
import search
import sizes
import study

SUBJECTS = (descent, learning_rates, scaling, sizes, regularisation, augmentation, search, ensemble)


def main(argv=None):
    """Runs the example; returns {subject: {setting: figures}}."""
    return study.main(argv, __doc__, **{subject.__name__: (subject.run, subject.draw) for subject in SUBJECTS})


if __name__ == "__main__":
    main()
