"""Two networks against each other (Goodfellow and others 2014): one makes points of a ring, one finds them out.

    python examples/with_dense_alone/gan.py
    python examples/with_dense_alone/gan.py --plot ring.png  real points and made ones (needs matplotlib)

The critic learns to answer above 0 for real points and below 0 for made ones.  The maker gets noise and never a real
point: all it learns from is the gradient of the critic's answer with respect to the point it has made.
"""

import numpy as np
from learning import Adam, command_line, gradient_error, layer

import fastnn

NOISE, UNITS, BATCH = 2, 32, 128
LEARNING_RATE = 2e-3  # at the start; it falls to 0 in a straight line


class Network:
    """Two hidden layers of ReLU units and a linear one."""

    def __init__(self, rng, inputs, outputs, dtype=np.float32):
        sizes = ((inputs, UNITS, "relu"), (UNITS, UNITS, "relu"), (UNITS, outputs, "identity"))
        self.layers = [(*layer(rng, i, o, dtype), activation) for i, o, activation in sizes]
        self.parameters = [p for w, b, _ in self.layers for p in (w, b)]

    def forward(self, x):
        self.values = [x]
        for parameters in self.layers:
            self.values.append(fastnn.dense(self.values[-1], *parameters))
        return self.values[-1]

    def backward(self, dy):
        """The gradients of the input and of the parameters."""
        gradients = []
        for number in (2, 1, 0):
            w, _, activation = self.layers[number]
            dy, *both = fastnn.dense_backward(dy, self.values[number], w, self.values[number + 1], activation)
            gradients = both + gradients
        return dy, gradients


def softplus_mean(z):
    """The mean of log(1 + exp(z)), which is the cross-entropy of sigmoid(-z) being 1, and its gradient."""
    y = fastnn.softplus(z)
    return float(np.mean(y)), fastnn.activation_backward(np.full_like(y, 1 / y.size), y, "softplus", z=z)


def critic_step(critic, real, made):
    """The critic's loss and gradients: real points should get more than 0, made ones less."""
    signs = np.repeat([[-1], [1]], [len(real), len(made)], axis=0).astype(real.dtype)
    loss, dz = softplus_mean(signs * critic.forward(np.concatenate([real, made])))
    return loss, critic.backward(signs * dz)[1]


def maker_step(maker, critic, noise):
    """The maker's loss and gradients: what it makes should get more than 0."""
    loss, dz = softplus_mean(-critic.forward(maker.forward(noise)))
    dpoints, _ = critic.backward(-dz)
    return loss, maker.backward(dpoints)[1]


def ring(rng, count, dtype=np.float32):
    """Points (count, 2) about 1 from the middle."""
    angle, radius = rng.uniform(0, 2 * np.pi, count), rng.normal(1, 0.05, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(dtype)


def check(rng):
    """The larger error of the two networks' gradients."""
    maker, critic = Network(rng, NOISE, 2, np.float64), Network(rng, 2, 1, np.float64)
    noise, real = rng.standard_normal((5, NOISE)), ring(rng, 5, np.float64)
    made = maker.forward(noise)
    critic_error = gradient_error(critic.parameters, lambda: critic_step(critic, real, made))
    return max(critic_error, gradient_error(maker.parameters, lambda: maker_step(maker, critic, noise)))


def run(steps):
    rng = np.random.default_rng(0)
    figures, maker, critic = {"gradient_error": check(rng)}, Network(rng, NOISE, 2), Network(rng, 2, 1)
    # With the usual 0.9 each would run after where the other was ten steps ago.
    optimizers = {network: Adam(network.parameters, beta1=0.5) for network in (maker, critic)}
    for step in range(steps):
        noise, rate = rng.standard_normal((2, BATCH, NOISE), np.float32), LEARNING_RATE * (1 - step / steps)
        critic_loss, gradients = critic_step(critic, ring(rng, BATCH), maker.forward(noise[0]))
        optimizers[critic].step(gradients, rate)
        maker_loss, gradients = maker_step(maker, critic, noise[1])
        optimizers[maker].step(gradients, rate)
        if (step + 1) % max(steps // 10, 1) == 0:
            print(f"step {step + 1:4}   loss of the critic {critic_loss:.3f}, of the maker {maker_loss:.3f}")
    points = maker.forward(rng.standard_normal((2000, NOISE), np.float32))
    radius, angle = np.hypot(*points.T), np.arctan2(*points.T)
    shares = np.histogram(angle, 12, (-np.pi, np.pi))[0] / len(points)
    figures |= {"radius": float(radius.mean()), "spread": float(radius.std()), "emptiest": float(shares.min() * 12)}
    print(f"radius {figures['radius']:.3f}, spread {figures['spread']:.3f} (the ring's: 1 and 0.05)")
    print(f"the emptiest twelfth of the ring has {figures['emptiest']:.0%} of its share")
    return figures, (ring(rng, 1000), points[:1000])


def draw(real, made, file):
    from fastnn import plotting

    figure = plotting.new_figure(6.5, 3.4)
    for panel, points, title in zip(figure.subplots(1, 2), (real, made), ("real", "made"), strict=True):
        panel.scatter(*points.T, s=3)
        panel.set(title=title, xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal")
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "radius": mean, "spread": its deviation, "emptiest": ...}."""
    return command_line(argv, __doc__, run, draw, steps=3000)


if __name__ == "__main__":
    main()
