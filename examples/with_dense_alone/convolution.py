"""A convolutional network reads digits: a convolution is a dense layer that sees one patch of an image after the other.

    python examples/with_dense_alone/convolution.py
    python examples/with_dense_alone/convolution.py --plot filters.png  what it looks for and finds (needs matplotlib)

The patches are cut out and become the rows of `dense` (im2col).  On the way back the gradient of each patch is added to
the image where the patch was cut out.
"""

import numpy as np
from learning import Adam, command_line, gradient_error, layer

import fastnn

LEARNING_RATE = 6e-3  # at the start; it falls to 0 in a straight line
BATCH = 32
CONVOLUTIONS = ((1, 32, 1), (32, 64, 2), (64, 64, 1))  # channels, units, stride


class Convolution:
    """Images (N, H, W, C) -> (N, H / stride, W / stride, units): ReLU units that see 3 x 3 pixels."""

    def __init__(self, rng, channels, units, stride, dtype):
        self.parameters, self.stride = layer(rng, 9 * channels, units, dtype), stride

    def forward(self, x):
        self.padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        patches = np.lib.stride_tricks.sliding_window_view(self.padded, (3, 3), axis=(1, 2))
        patches = patches[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        self.patches = patches.reshape(*patches.shape[:3], -1)  # (N, H / stride, W / stride, 9 C)
        self.y = fastnn.dense(self.patches, *self.parameters, "relu")
        return self.y

    def backward(self, dy):
        dpatches, *gradients = fastnn.dense_backward(dy, self.patches, self.parameters[0], self.y, "relu")
        _, rows, columns, _ = dy.shape
        dpatches, dx = dpatches.reshape(*dy.shape[:3], 3, 3, -1), np.zeros_like(self.padded)
        for i, j in np.ndindex(3, 3):
            seen = dx[:, i :: self.stride, j :: self.stride]
            seen[:, :rows, :columns] += dpatches[:, :, :, i, j]
        return dx[:, 1:-1, 1:-1], gradients


class Network:
    """8 x 8 pixels -> three convolutions, of which the second halves the sides -> 10 classes."""

    def __init__(self, rng, dtype=np.float32):
        self.convolutions = [Convolution(rng, *sizes, dtype) for sizes in CONVOLUTIONS]
        self.output = layer(rng, 4 * 4 * 64, 10, dtype)
        self.parameters = [*(p for part in self.convolutions for p in part.parameters), *self.output]

    def forward(self, x):
        for convolution in self.convolutions:
            x = convolution.forward(x)
        self.flat = x.reshape(len(x), -1)
        return fastnn.dense(self.flat, *self.output)

    def loss_and_gradients(self, x, labels):
        logits = self.forward(x)
        log_p = fastnn.log_softmax(logits)
        dlog_p = -np.eye(10, dtype=x.dtype)[labels] / len(x)
        dlogits = fastnn.log_softmax_backward(dlog_p, log_p)
        dflat, *gradients = fastnn.dense_backward(dlogits, self.flat, self.output[0], logits)
        dx = dflat.reshape(self.convolutions[-1].y.shape)
        for convolution in reversed(self.convolutions):
            dx, more = convolution.backward(dx)
            gradients = more + gradients
        return float(np.sum(dlog_p * log_p)), gradients


def load_data():
    """x_train, x_test, y_train, y_test: images (N, 8, 8, 1) from 0 to 1."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = (digits.images[..., None] / 16).astype(np.float32)
    return train_test_split(images, digits.target, test_size=0.2, random_state=42)


def run(epochs):
    x_train, x_test, y_train, y_test = load_data()
    rng = np.random.default_rng(0)
    # Noise, not digits: where a patch is black, all of ReLU's inputs lie at its corner, where it has no derivative.
    exact, few = Network(rng, np.float64), (rng.standard_normal((3, 8, 8, 1)), y_train[:3])
    figures = {"gradient_error": gradient_error(exact.parameters, lambda: exact.loss_and_gradients(*few))}
    figures["accuracy"], network = [], Network(rng)
    adam, steps = Adam(network.parameters), len(y_train) // BATCH
    for epoch in range(epochs):
        for batch in np.array_split(rng.permutation(len(y_train)), steps):
            loss, gradients = network.loss_and_gradients(x_train[batch], y_train[batch])
            adam.step(gradients, LEARNING_RATE * (1 - adam.steps / (epochs * steps)))
        figures["accuracy"].append(float(np.mean(network.forward(x_test).argmax(axis=1) == y_test)))
        print(f"epoch {epoch + 1:2}   loss {loss:.4f}   held-out accuracy {figures['accuracy'][-1]:.2%}")
    return figures, (network, x_test[:1])


def draw(network, image, file):
    from fastnn import plotting

    network.forward(image)
    first, units = network.convolutions[0], 12
    figure = plotting.new_figure(9, 2)
    found, weights = first.y[0].transpose(2, 0, 1), first.parameters[0].T.reshape(-1, 3, 3)
    for unit, (above, below) in enumerate(figure.subplots(2, units).T):
        above.imshow(weights[unit], cmap="RdBu_r", vmin=-0.5, vmax=0.5)
        below.imshow(found[unit], cmap="gray_r")
        above.set_axis_off()
        below.set_axis_off()
    figure.suptitle("what twelve units look for, and where they find it in a digit", fontsize=10)
    figure.savefig(file, dpi=80)


def main(argv=None):
    """Runs the example; returns {"gradient_error": ..., "accuracy": [on the digits held out, of each epoch]}."""
    return command_line(argv, __doc__, run, draw, epochs=15)


if __name__ == "__main__":
    main()
