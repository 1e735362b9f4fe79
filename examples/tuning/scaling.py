"""Raw inputs, inputs from 0 to 1, and standardised ones: tumours by 30 measurements, of which some are in thousands.

python examples/tuning/scaling.py
python examples/tuning/scaling.py --plot scaling.png  the accuracy over the epochs (needs matplotlib)
"""

import study
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

SCALERS = {"raw": FunctionTransformer(), "from 0 to 1": MinMaxScaler(), "standardised": StandardScaler()}


def run(epochs):
    """Yields each setting and what came of it."""
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
    for setting, scaler in SCALERS.items():
        # What is held out must not tell the scaler anything.
        data = scaler.fit_transform(x_train), scaler.transform(x_test), y_train, y_test
        yield setting, study.trial(study.network((16,), classes=2), data, min(30, epochs), "sgd")


def draw(panel, results):
    study.curves(panel, results, "scale of the inputs")


def main(argv=None):
    """Runs the example; returns {"scaling": {setting: figures}}."""
    return study.main(argv, __doc__, scaling=(run, draw))


if __name__ == "__main__":
    main()
