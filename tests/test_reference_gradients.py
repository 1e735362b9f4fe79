"""The derivatives of the NumPy reference against central differences of its own functions, in float64."""

import numpy as np
import pytest

import fastnn.backends.reference as ref

KINDS = [
    "identity",
    "step",
    "sign",
    "sigmoid",
    "tanh",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "softplus",
    "softsign",
    "swish",
    "silu",
    "gelu",
    "gelu_tanh",
    "mish",
    "hard_sigmoid",
    "hard_swish",
    "exponential",
]


class Kind:
    def __init__(self, name, parameter):
        self.name, self.parameter = name, parameter

    def __repr__(self):
        return f"{self.name}({self.parameter})"


WITH_PARAMETER = [
    Kind("leaky_relu", 0.3),
    Kind("leaky_relu", 0.0),
    Kind("leaky_relu", -0.5),
    Kind("elu", 0.0),
    Kind("elu", 2.5),
    Kind("elu", -1.5),
    Kind("celu", 0.5),
    Kind("celu", -2.0),
    Kind("softplus", 3.0),
    Kind("swish", 1.7),
    Kind("swish", -0.5),
]

# Away from the kinks at -3, 0, 3 and 6.
POINTS = np.array([-7.1, -4.2, -3.3, -2.6, -1.1, -0.4, -0.01, 0.02, 0.3, 1.2, 2.7, 3.4, 5.5, 6.3, 8.1])


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def differences(f, x, dy, h=1e-5):
    """The derivative of sum(f(x) * dy) by each element of x."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        gradient[i] = np.sum((f(above) - f(below)) * dy) / (above[i] - below[i])
    return gradient


def assert_gradient(actual, f, x, dy=1.0):
    np.testing.assert_allclose(actual, differences(f, x, dy), rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("kind", KINDS + WITH_PARAMETER, ids=str)
def test_activation(rng, kind):
    dy = rng.standard_normal(POINTS.shape)
    y = ref.activation(POINTS, kind)
    assert_gradient(ref.activation_backward(dy, y, kind, z=POINTS), lambda z: ref.activation(z, kind), POINTS, dy)


@pytest.mark.parametrize("kind", ["sigmoid", "relu", "elu", Kind("celu", 0.5)], ids=str)
def test_derivative_comes_from_y_even_if_z_is_given(kind):
    y = ref.activation(POINTS, kind)
    dy = np.ones_like(y)
    wrong_z = np.full_like(y, np.nan)
    assert np.array_equal(ref.activation_backward(dy, y, kind, z=wrong_z), ref.activation_backward(dy, y, kind))


@pytest.mark.parametrize("slopes", [1, 5])
def test_prelu(rng, slopes):
    x, dy = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 3, 5))
    slope = rng.uniform(-0.5, 0.5, slopes)
    dx, dslope = ref.prelu_backward(dy, x, slope)
    assert_gradient(dx, lambda x: ref.prelu(x, slope), x, dy)
    assert_gradient(dslope, lambda slope: ref.prelu(x, slope), slope, dy)


@pytest.mark.parametrize("training", [False, True])
def test_rrelu(rng, training):
    x, dy = rng.standard_normal((4, 7)), rng.standard_normal((4, 7))
    options = {"training": training, "seed": 5, "counter": 9}
    assert_gradient(ref.rrelu_backward(dy, x, 0.1, 0.9, **options), lambda x: ref.rrelu(x, 0.1, 0.9, **options), x, dy)


def test_dropout(rng):
    x, dy = rng.standard_normal((4, 7)), rng.standard_normal((4, 7))
    options = {"seed": 5, "counter": 9}
    assert_gradient(ref.dropout_backward(dy, 0.3, **options), lambda x: ref.dropout(x, 0.3, **options), x, dy)


@pytest.mark.parametrize("kind", ["identity", "tanh", "gelu"])
@pytest.mark.parametrize("leading", [(), (3,), (2, 3)])
def test_dense(rng, leading, kind):
    x, w, b = rng.standard_normal((*leading, 4)), rng.standard_normal((4, 5)), rng.standard_normal(5)
    dy, z = rng.standard_normal((*leading, 5)), np.empty((*leading, 5))
    y = ref.dense(x, w, b, kind, z_out=z)
    dx, dw, db = ref.dense_backward(dy, x, w, y, kind, z=z)
    assert_gradient(dx, lambda x: ref.dense(x, w, b, kind), x, dy)
    assert_gradient(dw, lambda w: ref.dense(x, w, b, kind), w, dy)
    assert_gradient(db, lambda b: ref.dense(x, w, b, kind), b, dy)


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_family(rng, name, axis):
    forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
    x, dy = rng.standard_normal((3, 6)), rng.standard_normal((3, 6))
    assert_gradient(backward(dy, forward(x, axis), axis), lambda x: forward(x, axis), x, dy)


REDUCTIONS = ["mean", "sum", "none"]
ELEMENTWISE = [
    "mse",
    "mae",
    "huber",
    "sum_squared_error",
    "poisson",
    "hinge",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
]


def dloss_for(rng, reduction, shape):
    return rng.standard_normal(shape) if reduction == "none" else 0.7


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 2)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_loss(rng, name, shape, reduction, weighted):
    y, targets = rng.uniform(0.1, 0.9, shape), rng.uniform(0.1, 0.9, shape)
    if name == "huber":
        y, targets = 4.0 * y, 4.0 * targets
    if name == "hinge":
        targets = np.sign(targets - 0.5)
    options = {"reduction": reduction, "sample_weight": rng.uniform(0.5, 2.0, shape[:1]) if weighted else None}
    dloss = dloss_for(rng, reduction, shape[:-1] if name == "sum_squared_error" and len(shape) > 1 else shape)
    loss, dy = getattr(ref, name + "_with_grad")(y, targets, **options, dloss=dloss)
    assert np.array_equal(loss, getattr(ref, name)(y, targets, **options))
    assert_gradient(dy, lambda y: getattr(ref, name)(y, targets, **options), y, dloss)


def test_huber_delta(rng):
    y, targets = rng.standard_normal((6, 3)), rng.standard_normal((6, 3))
    dy = ref.huber_with_grad(y, targets, delta=0.3)[1]
    assert_gradient(dy, lambda y: ref.huber(y, targets, delta=0.3), y)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("targets", ["indices", "probabilities"])
@pytest.mark.parametrize("rows", [(), (6,), (2, 3)])
@pytest.mark.parametrize("name", ["cross_entropy", "categorical_cross_entropy"])
def test_class_loss(rng, name, rows, targets, reduction, smoothing, weighted):
    classes = 4
    logits = rng.standard_normal((*rows, classes))
    # Probabilities not near 0, where central differences of the logarithm are coarse.
    y = 0.5 * ref.softmax(logits) + 0.5 / classes if name == "categorical_cross_entropy" else logits
    options = {
        "reduction": reduction,
        "label_smoothing": smoothing,
        "weight": rng.uniform(0.5, 2.0, classes) if weighted else None,
    }
    if targets == "probabilities":
        target = rng.dirichlet(np.ones(classes), rows)
    else:
        target = np.asarray(rng.integers(0, classes, rows))
        if name == "cross_entropy":
            options["ignore_index"] = 2
    dloss = dloss_for(rng, reduction, rows)
    loss, dy = getattr(ref, name + "_with_grad")(y, target, **options, dloss=dloss)
    np.testing.assert_array_equal(loss, getattr(ref, name)(y, target, **options))
    if np.isnan(loss).any():
        assert (target == 2).all()
        assert not dy.any()
    else:
        assert_gradient(dy, lambda y: getattr(ref, name)(y, target, **options), y, dloss)


def test_clipped_probabilities_have_no_derivative():
    p = np.array([[1e-9, 0.5, 1.0], [0.3, 0.3, 0.4]])
    dp = ref.categorical_cross_entropy_with_grad(p, np.full_like(p, 1 / 3))[1]
    assert dp[0, 0] == dp[0, 2] == 0.0
    assert (dp[0, 1] < 0) & (dp[1] < 0).all()
