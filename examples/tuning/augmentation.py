"""More digits out of those there are: shifted, turned and scaled ones, made by scipy.ndimage.

python examples/tuning/augmentation.py
python examples/tuning/augmentation.py --plot augmentation.png  what each kind is worth (needs matplotlib)
"""

import numpy as np
import study
from scipy import ndimage

COPIES = 9
SETTINGS = {
    "no more": (0, 0, 0),
    "shifted": (1, 0, 0),
    "turned": (0, 15, 0),
    "scaled": (0, 0, 0.15),
    "all three": (1, 15, 0.15),
}
CENTRE = np.array([3.5, 3.5])


def moved(x, rng, shift, turn, scale):
    """Each image moved anew, by at most so many pixels, degrees and parts of its size."""
    images = []
    for image in x.reshape(-1, 8, 8):
        angle = np.deg2rad(rng.uniform(-turn, turn))
        to = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / rng.uniform(
            1 - scale, 1 + scale
        )
        offset = CENTRE - to @ (CENTRE + rng.uniform(-shift, shift, 2))
        images.append(ndimage.affine_transform(image, to, offset))
    return np.reshape(images, (-1, 64))


def run(epochs):
    """Yields each setting and what came of it; "moved" is the accuracy on digits held out and moved."""
    x_train, x_test, y_train, y_test = study.digits()
    x_moved = moved(x_test, np.random.default_rng(1), *SETTINGS["all three"])
    for setting, limits in SETTINGS.items():
        rng = np.random.default_rng(0)
        # Without more digits the same ones come as often, so that each network takes as many steps.
        x = np.concatenate(
            [x_train, *(moved(x_train, rng, *limits) if any(limits) else x_train for _ in range(COPIES))]
        )
        model = study.network((256,))
        result = study.trial(model, (x, x_test, np.tile(y_train, 1 + COPIES), y_test), min(20, epochs))
        accuracy = model.evaluate(x_moved, y_test, verbose=0)[1]
        yield setting, result | {"moved": accuracy, "note": f"{accuracy:.2%} of digits held out and moved"}


def draw(panel, results):
    places = np.arange(len(results))
    for name, side in (("held_out", -0.2), ("moved", 0.2)):
        panel.barh(places + side, [result[name] for result in results.values()], height=0.4)
    panel.set_yticks(places, results)
    panel.set(title="learnt from more digits", xlabel="accuracy on digits held out (blue) and moved (orange)")
    panel.set_xlim(0.4, 1)
    panel.invert_yaxis()


def main(argv=None):
    """Runs the example; returns {"augmentation": {setting: figures}}."""
    return study.main(argv, __doc__, augmentation=(run, draw))


if __name__ == "__main__":
    main()
