"""Grid, random and Bayesian search for the number of units and the learning rate, twelve trials each.

    python examples/tuning/search.py
    python examples/tuning/search.py --plot search.png  where each looked, and what it found (needs matplotlib)

The searching is left to scikit-learn and to Optuna (pip install optuna; without it there is no Bayesian search).  A
trial is judged by cross-validation; the digits held out see only the best of each search.
"""

import time

import numpy as np
import study
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score

from fastnn.optimizers import Adam

TRIALS = 12
UNITS, RATES = (4, 128), (1e-4, 3e-2)


class Classifier(ClassifierMixin, BaseEstimator):
    """One hidden layer, as scikit-learn wants it."""

    def __init__(self, units=32, rate=1e-3, epochs=15):
        self.units, self.rate, self.epochs = units, rate, epochs

    def fit(self, x, y):
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.model_ = study.network((self.units,), classes=len(self.classes_))
        self.model_.compile(Adam(self.rate), "sparse_categorical_crossentropy")
        self.model_.fit(x, labels, epochs=self.epochs, verbose=0)
        return self

    def predict(self, x):
        return self.classes_[self.model_.predict(x).argmax(axis=1)]


def bayesian(estimator, x, y):
    """{"units": ..., "rate": ...} of each trial, and how well it did."""
    import optuna

    def judge(attempt):
        found = {"units": attempt.suggest_int("units", *UNITS), "rate": attempt.suggest_float("rate", *RATES, log=True)}
        return cross_val_score(estimator.set_params(**found), x, y, cv=3).mean()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=4, seed=0)
    search = optuna.create_study(direction="maximize", sampler=sampler)
    search.optimize(judge, n_trials=TRIALS)
    return [attempt.params for attempt in search.trials], [attempt.value for attempt in search.trials]


def by_scikit_learn(search, x, y):
    search.fit(x, y)
    return search.cv_results_["params"], search.cv_results_["mean_test_score"].tolist()


def run(epochs):
    """Yields each search and what came of its best."""
    x_train, x_test, y_train, y_test = study.digits()
    network, data = Classifier(epochs=min(15, epochs)), (x_train, y_train)
    grid = {"units": [8, 32, 128], "rate": [1e-4, 1e-3, 1e-2, 3e-2]}
    ranges = {"units": randint(UNITS[0], UNITS[1] + 1), "rate": loguniform(*RATES)}
    searches = {
        "grid": lambda: by_scikit_learn(GridSearchCV(network, grid, cv=3, refit=False), *data),
        "random": lambda: by_scikit_learn(
            RandomizedSearchCV(network, ranges, n_iter=TRIALS, cv=3, refit=False, random_state=0), *data
        ),
        "Bayesian": lambda: bayesian(network, *data),
    }
    for setting, search in searches.items():
        start = time.perf_counter()
        try:
            tried, scores = search()
        except ModuleNotFoundError as error:
            print(f"{error}: pip install {error.name}")
            continue
        best = Classifier(**tried[np.argmax(scores)], epochs=network.epochs).fit(*data)
        result = {"training": best.score(*data), "held_out": best.score(x_test, y_test)}
        result |= {"seconds": time.perf_counter() - start, "tried": tried}
        result |= {"scores": scores, "note": f"{best.units} units, rate {best.rate:.4f}"}
        yield setting, result


def draw(panel, results):
    for (setting, result), marker in zip(results.items(), "s^o", strict=False):
        units, rates = ([one[name] for one in result["tried"]] for name in ("units", "rate"))
        panel.scatter(units, rates, s=25, marker=marker, label=setting)
    panel.set(title="trials of three searches", xlabel="units", ylabel="learning rate", yscale="log")
    panel.legend(fontsize=7)


def main(argv=None):
    """Runs the example; returns {"search": {setting: figures}}."""
    return study.main(argv, __doc__, search=(run, draw))


if __name__ == "__main__":
    main()
