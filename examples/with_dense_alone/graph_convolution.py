"""A graph convolution says whom each member of a karate club will follow, from who is friends with whom.

    python examples/with_dense_alone/graph_convolution.py
    python examples/with_dense_alone/graph_convolution.py --plot club.png  friends and answers (needs matplotlib)

Zachary watched a club of 34 until a quarrel of its instructor (0) and its president (33) split it.  The network is told
the friendships and on whose side these two are.  A graph convolution (Kipf and Welling 2017) mixes the features of
friends and sends them through a dense layer; the mixing is a dense product too, whose weights are the features.
"""

import numpy as np
from learning import Adam, command_line, gradient_error, layer

import fastnn

# The friends with higher numbers, counted from 0: W. W. Zachary, "An Information Flow Model for Conflict and Fission in
# Small Groups", Journal of Anthropological Research 33 (1977) 452-473.
FRIENDS = {
    0: [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31],
    1: [2, 3, 7, 13, 17, 19, 21, 30],
    2: [3, 7, 8, 9, 13, 27, 28, 32],
    3: [7, 12, 13],
    4: [6, 10],
    5: [6, 10, 16],
    6: [16],
    8: [30, 32, 33],
    23: [25, 27, 29, 32, 33],
    24: [25, 27, 31],
    25: [31],
    26: [29, 33],
    28: [31, 33],
    **{member: [32, 33] for member in (14, 15, 18, 20, 22, 29, 30, 31)},
    **{member: [33] for member in (9, 13, 19, 27, 32)},
}
MEMBERS, LEADERS = 34, [0, 33]
WITH_THE_INSTRUCTOR = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21]
UNITS, LEARNING_RATE = 16, 0.01


def mixing():
    """1 for friends and oneself, over the root of the number of these that either has: D^-1/2 (A + I) D^-1/2."""
    adjacency = np.eye(MEMBERS)
    for member, friends in FRIENDS.items():
        adjacency[member, friends] = adjacency[friends, member] = 1
    root = np.sqrt(adjacency.sum(axis=1))
    return adjacency / np.outer(root, root)


class Network:
    """M (H W2) + b2 for H = tanh(M I W1 + b1): at first all that is known of a member is who it is, I."""

    def __init__(self, rng, dtype=np.float32):
        self.mixing = mixing().astype(dtype)
        self.parameters = [*layer(rng, MEMBERS, UNITS, dtype), *layer(rng, UNITS, 2, dtype)]

    def forward(self):
        w1, b1, w2, b2 = self.parameters
        self.hidden = fastnn.dense(self.mixing, w1, b1, "tanh")
        self.scores = fastnn.dense(self.hidden, w2)
        return fastnn.dense(self.mixing, self.scores, b2)

    def loss_and_gradients(self):
        """Of the two leaders alone."""
        w1, _, w2, _ = self.parameters
        logits = self.forward()
        log_p = fastnn.log_softmax(logits)
        dlog_p = np.zeros_like(log_p)
        dlog_p[LEADERS, [0, 1]] = -0.5
        dlogits = fastnn.log_softmax_backward(dlog_p, log_p)
        _, dscores, db2 = fastnn.dense_backward(dlogits, self.mixing, self.scores, logits, need_dx=False)
        dhidden, dw2, _ = fastnn.dense_backward(dscores, self.hidden, w2, self.scores)
        _, dw1, db1 = fastnn.dense_backward(dhidden, self.mixing, w1, self.hidden, "tanh", need_dx=False)
        return float(np.sum(dlog_p * log_p)), [dw1, db1, dw2, db2]


def run(steps):
    truth = np.isin(np.arange(MEMBERS), WITH_THE_INSTRUCTOR, invert=True).astype(int)
    exact = Network(np.random.default_rng(0), np.float64)
    figures = {"gradient_error": gradient_error(exact.parameters, exact.loss_and_gradients)}
    network = Network(np.random.default_rng(0))
    adam = Adam(network.parameters)
    for _ in range(steps):
        loss, gradients = network.loss_and_gradients()
        adam.step(gradients, LEARNING_RATE)
    answers = fastnn.softmax(network.forward())
    figures["wrong"] = np.flatnonzero(answers.argmax(axis=1) != truth).tolist()
    right = MEMBERS - len(LEADERS) - len(figures["wrong"])
    print(f"step {steps}   loss {loss:.4f}   {right} of 32 right, wrong about {figures['wrong']}")
    return figures, (answers[:, 1], figures["wrong"])


def draw(answers, wrong, file):
    from fastnn import plotting

    pull, places = mixing()[..., None], np.random.default_rng(0).standard_normal((MEMBERS, 2))
    for _ in range(500):  # Friends pull each other together, and all push each other apart.
        gaps = places - places[:, None]
        places += 0.1 * np.sum((pull - 0.02 / (np.sum(gaps**2, axis=-1, keepdims=True) + 0.01)) * gaps, axis=1)
    figure = plotting.new_figure(6, 4.5)
    axes = figure.subplots()
    axes.set_axis_off()
    for member, friends in FRIENDS.items():
        for friend in friends:
            axes.plot(*places[[member, friend]].T, color="lightgrey", linewidth=0.8, zorder=1)
    edges = ["black" if member in wrong else "none" for member in range(MEMBERS)]
    image = axes.scatter(*places.T, s=190, c=answers, cmap="coolwarm", vmin=0, vmax=1, edgecolors=edges, linewidths=2)
    for member, place in enumerate(places):
        axes.text(*place, member, ha="center", va="center", fontsize=8)
    figure.colorbar(image, label="follows the president (framed: wrong)")
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "wrong": [members whose side it gets wrong]}."""
    return command_line(argv, __doc__, run, draw, steps=100)


if __name__ == "__main__":
    main()
