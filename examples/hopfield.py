"""A Hopfield network (1982) remembers patterns and recalls them whole from damaged ones.

    python examples/hopfield.py
    python examples/hopfield.py --plot recall.png  a letter damaged, on its way, and recalled (needs matplotlib)

Every unit is -1 or 1 and joined to all others, by Hebb's rule: units that agree in most patterns pull each other the
same way.  One after the other takes the sign of what pulls at it, which never raises the energy, until none changes.
About 0.138 N patterns can be stored in N units before memory breaks down.
"""

import argparse

import numpy as np

import fastnn

LETTERS = {
    "T": "########/########/...##.../...##.../...##.../...##.../...##.../...##...",
    "L": "##....../##....../##....../##....../##....../##....../########/########",
    "X": "##....##/.##..##./..####../...##.../...##.../..####../.##..##./##....##",
}


class Hopfield:
    """Stores patterns of shape (P, N), each value -1 or 1."""

    def __init__(self, patterns, seed=0):
        self.patterns = np.asarray(patterns, float)
        if self.patterns.ndim != 2 or not np.all(abs(self.patterns) == 1):
            raise ValueError(f"patterns must have shape (P, N) and values -1 or 1, got shape {self.patterns.shape}")
        self.counts = fastnn.dense(self.patterns.T, self.patterns)  # Whole numbers, so that a field of zero is zero.
        np.fill_diagonal(self.counts, 0)
        self.weights = self.counts / self.patterns.shape[1]
        self.rng = np.random.default_rng(seed)

    def energy(self, state):
        """-1/2 the sum of weights[i, j] * state[i] * state[j]."""
        return -0.5 * float(fastnn.dense(state, self.counts) @ state) / len(self.counts)

    def steps(self, state, order=None):
        """The state after each change, until a whole round over the units changes nothing."""
        state = np.array(state, float)
        if state.shape != self.counts.shape[:1] or not np.all(abs(state) == 1):
            raise ValueError(f"state must be {len(self.counts)} values -1 or 1, got shape {state.shape}")
        units = np.arange(len(state))
        if order is not None and not np.array_equal(np.sort(order), units):
            raise ValueError(f"order must hold each of 0 to {len(state) - 1} once")
        field, energy, changed = fastnn.dense(state, self.counts), self.energy(state), True
        while changed:
            changed = False
            for unit in self.rng.permutation(units) if order is None else order:
                if field[unit] * state[unit] < 0:  # A field of zero keeps the state.
                    state[unit] = -state[unit]
                    field += 2 * state[unit] * self.counts[unit]
                    before, energy, changed = energy, self.energy(state), True
                    if energy > before:
                        raise ArithmeticError(f"the energy rose from {before} to {energy}")
                    yield state.copy()

    def recall(self, state, order=None):
        """The stable state reached from this one; order is that of the units in each round, random if None."""
        return [np.array(state, float), *self.steps(state, order)][-1]


def capacity(units=400, trials=8):
    """{patterns per unit: mean overlap of a stored pattern and what it becomes, 1 if all are kept}."""
    overlaps, rng = {}, np.random.default_rng(0)
    for load in (0.05, 0.1, 0.12, 0.138, 0.16, 0.2, 0.25):
        patterns = rng.choice([-1.0, 1.0], (round(load * units), units))
        network = Hopfield(patterns)
        overlaps[load] = float(np.mean([network.recall(pattern) @ pattern / units for pattern in patterns[:trials]]))
    return overlaps


def draw(damaged, steps, file):
    from fastnn import plotting

    shown = {"damaged": damaged}
    shown |= {f"after {i} changes": steps[i - 1] for i in range(3, len(steps), max(len(steps) // 4, 1))}
    shown["recalled"] = steps[-1]
    figure = plotting.new_figure(1.6 * len(shown), 2)
    for panel, (title, state) in zip(figure.subplots(1, len(shown)), shown.items(), strict=True):
        panel.imshow(state.reshape(8, 8), cmap="gray_r")
        panel.set_title(title, fontsize=9)
        panel.set_axis_off()
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns which letters came back whole, the energies of one recall, and the overlaps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", metavar="FILE", help="where to draw the recall")
    args = parser.parse_args(argv)

    letters = np.array([[1.0 if dot == "#" else -1.0 for dot in rows.replace("/", "")] for rows in LETTERS.values()])
    network, rng, figures = Hopfield(letters), np.random.default_rng(2), {"recalled": {}}
    for name, letter in zip(LETTERS, letters, strict=True):
        damaged = letter.copy()
        damaged[rng.choice(64, 16, replace=False)] *= -1
        steps = list(network.steps(damaged))
        energies = [network.energy(state) for state in (damaged, *steps)]
        wrong = int(np.sum(steps[-1] != letter))
        figures["recalled"][name], figures["energies"] = wrong == 0, energies
        print(f"{name}, 16 of 64 pixels wrong: after {len(steps)} changes {wrong} wrong")
        print(f"   energy {', '.join(f'{energy:.1f}' for energy in energies)}")
    figures["overlaps"] = capacity()
    for load, overlap in figures["overlaps"].items():
        print(f"{load:5} N random patterns: overlap {overlap:.3f}")
    if args.plot:
        try:
            draw(damaged, steps, args.plot)
        except (ImportError, OSError, ValueError) as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
    return figures


if __name__ == "__main__":
    main()
