"""The NumPy reference against PyTorch, where that is installed: values, derivatives, nan and inf."""

import math

import numpy as np
import pytest

import fastnn.backends.reference as ref

torch = pytest.importorskip("torch")
F = torch.nn.functional

nan, inf = math.nan, math.inf
SPECIAL = np.array([nan, inf, -inf, 0.0, -0.0, 3.0, -3.0, 6.0, 1e-30, -1e-30, 40.0, -40.0, 1e30, -1e30])


class Kind:
    def __init__(self, name, parameter):
        self.name, self.parameter = name, parameter

    def __repr__(self):
        return f"{self.name}({self.parameter})"


ACTIVATIONS = {
    "identity": lambda z: z * 1,
    "sign": torch.sign,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    Kind("leaky_relu", -0.5): lambda z: F.leaky_relu(z, -0.5),
    "elu": F.elu,
    Kind("elu", 0.3): lambda z: F.elu(z, 0.3),
    Kind("elu", -0.3): lambda z: F.elu(z, -0.3),
    "selu": F.selu,
    "celu": F.celu,
    Kind("celu", 0.3): lambda z: F.celu(z, 0.3),
    "softplus": lambda z: F.softplus(z, threshold=1e6),
    Kind("softplus", 3.0): lambda z: F.softplus(z, 3.0, threshold=1e6),
    "softsign": F.softsign,
    "swish": F.silu,
    "silu": F.silu,
    Kind("swish", 1.7): lambda z: z * torch.sigmoid(1.7 * z),
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "mish": F.mish,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "exponential": torch.exp,
}


def with_gradient(f, x, dy=None):
    """f(x) and the derivative of sum(f(x) * dy), by PyTorch, as NumPy arrays."""
    x = torch.tensor(x, requires_grad=True)
    y = f(x)
    y.backward(torch.ones_like(y) if dy is None else torch.as_tensor(dy, dtype=y.dtype).expand_as(y))
    return y.detach().numpy(), x.grad.numpy()


def assert_close(actual, wanted, rtol=1e-10):
    np.testing.assert_allclose(actual, wanted, rtol=rtol, atol=1e-12)


# PyTorch keeps its constants (1/6, 1/alpha) in float32 here and there.
FLOAT32_CONSTANTS = 1e-6


def assert_gradient_close(actual, f, z, dy):
    """Close to PyTorch's derivative, to that of its vector code or to that of its scalar code: they differ at nan."""
    vector = with_gradient(f, np.tile(z, 64), np.tile(dy, 64))[1][: z.size]
    scalar = np.concatenate([with_gradient(f, z[i : i + 1], dy[i : i + 1])[1] for i in range(z.size)])
    wanted = np.where(np.isnan(z) & np.isin(actual, scalar), scalar, vector)
    assert_close(actual, wanted, FLOAT32_CONSTANTS)


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=str)
def test_activation(kind):
    z = np.linspace(-9.0, 9.0, 241)
    dy = np.cos(z)
    y, dz = with_gradient(ACTIVATIONS[kind], z, dy)
    actual = ref.activation(z, kind)
    assert_close(actual, y, FLOAT32_CONSTANTS)
    assert_close(ref.activation_backward(dy, actual, kind, z=z), dz, FLOAT32_CONSTANTS)


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=str)
def test_activation_of_special_values(kind):
    actual = ref.activation(SPECIAL, kind)
    assert_close(actual, with_gradient(ACTIVATIONS[kind], SPECIAL)[0])
    dz = ref.activation_backward(np.ones_like(SPECIAL), actual, kind, z=SPECIAL)
    assert_gradient_close(dz, ACTIVATIONS[kind], SPECIAL, np.ones_like(SPECIAL))


@pytest.mark.parametrize("kind", ["relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_swish", "sign"])
def test_infinite_dy_is_stopped_by_a_flat_piece(kind):
    dy = np.full_like(SPECIAL, inf)
    dz = ref.activation_backward(dy, ref.activation(SPECIAL, kind), kind, z=SPECIAL)
    assert_gradient_close(dz, ACTIVATIONS[kind], SPECIAL, dy)


def test_prelu():
    x = np.append(np.random.default_rng(1).standard_normal(9), [0.0, -0.0, inf, -inf]).reshape(-1, 1)
    slope = np.array([0.2])
    y, dx = with_gradient(lambda x: F.prelu(x, torch.tensor(slope)), x)
    assert_close(ref.prelu(x, slope), y)
    assert_close(ref.prelu_backward(np.ones_like(x), x, slope)[0], dx)
    finite = x[:-2]
    wanted = with_gradient(lambda slope: F.prelu(torch.tensor(finite), slope), slope)[1]
    assert_close(ref.prelu_backward(np.ones_like(finite), finite, slope)[1], wanted)


def test_dense_with_leading_axes_and_nan():
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5)), rng.standard_normal(5)
    x[0, 0, 0], x[1, 1, 1] = nan, inf
    y, dx = with_gradient(lambda x: torch.relu(x @ torch.tensor(w) + torch.tensor(b)), x)
    actual = ref.dense(x, w, b, "relu")
    assert_close(actual, y)
    assert_close(ref.dense_backward(np.ones_like(y), x, w, actual, "relu")[0], dx)


ROWS = np.array(
    [
        [1.0, -2.0, 3.0, 0.5],
        [nan, 1.0, 2.0, 3.0],
        [inf, 1.0, 2.0, 3.0],
        [inf, inf, 2.0, -inf],
        [-inf, 1.0, 2.0, -inf],
        [-inf, -inf, -inf, -inf],
        [-inf, nan, inf, 0.0],
        [1e300, -1e300, 0.0, 1.0],
        [700.0, -700.0, -745.0, 699.0],
    ]
)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_family(name, axis):
    x = ROWS if axis != 0 else np.ascontiguousarray(ROWS.T)
    dy = np.random.default_rng(4).standard_normal(x.shape)
    y, dx = with_gradient(lambda x: getattr(F, name)(x, axis), x, dy)
    assert_close(getattr(ref, name)(x, axis), y)
    assert_close(getattr(ref, name + "_backward")(dy, y, axis), dx)


@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(keepdims):
    assert_close(ref.logsumexp(ROWS, keepdims=keepdims), torch.logsumexp(torch.tensor(ROWS), -1, keepdims).numpy())


CLASS_WEIGHT = np.array([0.5, 2.0, 0.0, 1.3])


@pytest.mark.parametrize("weight", [None, CLASS_WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("targets", ["indices", "ignored", "all ignored", "weightless", "probabilities"])
@pytest.mark.parametrize("rows", [ROWS, np.random.default_rng(5).standard_normal((9, 4))], ids=["special", "normal"])
def test_cross_entropy(rows, targets, reduction, smoothing, weight):
    index = {
        "indices": [0, 1, 2, 3, 0, 1, 2, 3, 0],
        "ignored": [0, -7, 2, -7, 0, -7, 2, 3, -7],
        "all ignored": [-7] * 9,
        "weightless": [2] * 9,
    }
    if targets == "probabilities":
        target = np.random.default_rng(6).dirichlet(np.ones(4), 9)
    else:
        target = np.array(index[targets])
    options = {"ignore_index": -7, "reduction": reduction, "label_smoothing": smoothing}
    torch_weight = None if weight is None else torch.tensor(weight)
    loss, dlogits = with_gradient(
        lambda x: F.cross_entropy(x, torch.tensor(target), weight=torch_weight, **options), rows, 0.7
    )
    actual = ref.cross_entropy_with_grad(rows, target, weight=weight, **options, dloss=0.7)
    assert_close(actual[0], loss)
    assert_close(actual[1], dlogits)


def test_cross_entropy_with_the_classes_on_another_axis():
    rng = np.random.default_rng(7)
    logits, target = rng.standard_normal((3, 4, 5)), rng.integers(0, 4, (3, 5))
    loss, dlogits = with_gradient(lambda x: F.cross_entropy(x, torch.tensor(target)), logits)
    actual = ref.cross_entropy_with_grad(logits, target, axis=1)
    assert_close(actual[0], loss)
    assert_close(actual[1], dlogits)


def test_cross_entropy_of_no_rows():
    loss = F.cross_entropy(torch.empty(0, 3), torch.empty(0, dtype=torch.long)).item()
    assert math.isnan(loss)
    assert math.isnan(ref.cross_entropy(np.empty((0, 3)), np.empty(0, np.int64)))


LOSSES = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": lambda y, t, reduction: F.huber_loss(y, t, reduction=reduction, delta=0.4),
    "poisson": lambda y, t, reduction: F.poisson_nll_loss(y, t, log_input=False, eps=1e-7, reduction=reduction),
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
}


@pytest.mark.parametrize("values", ["normal", "special"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_elementwise_loss(name, reduction, values):
    rng = np.random.default_rng(8)
    y, target = rng.uniform(0.0, 1.0, (5, 3)), rng.uniform(0.0, 1.0, (5, 3))
    if values == "special":
        # PyTorch's binary_cross_entropy takes y from 0 to 1 only.
        y[0], target[:4] = ([0.0, 1.0, 0.5] if name == "binary_cross_entropy" else [nan, inf, -inf]), [0.0, 1.0, 0.5]
        y[1] = target[1]
    options = {"delta": 0.4} if name == "huber" else {}
    loss, dy = with_gradient(lambda y: LOSSES[name](y, torch.tensor(target), reduction=reduction), y, 0.7)
    actual = getattr(ref, name + "_with_grad")(y, target, reduction=reduction, dloss=0.7, **options)
    assert_close(actual[0], loss)
    assert_close(actual[1], dy)


SETTINGS = {
    "sgd": (torch.optim.SGD, {"lr": 0.1}),
    "sgd, weight decay": (torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    "momentum": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    "nesterov": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": (torch.optim.Adam, {"lr": 0.01}),
    "adam, weight decay": (torch.optim.Adam, {"lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.95), "eps": 1e-6}),
    "adamw": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01, "weight_decay": 0.1}),
    "rmsprop, momentum": (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.9, "alpha": 0.9, "eps": 1e-6}),
    "adagrad": (torch.optim.Adagrad, {"lr": 0.1, "weight_decay": 0.1}),
}


def our_step(optimizer, options, p, g, states, step):
    options = dict(options)
    if optimizer is torch.optim.SGD:
        ref.sgd_step(p, g, states[0] if "momentum" in options else None, **options)
    elif optimizer is torch.optim.RMSprop:
        ref.rmsprop_step(p, g, states[0], states[1] if "momentum" in options else None, **options)
    elif optimizer is torch.optim.Adagrad:
        ref.adagrad_step(p, g, states[0], **options)
    else:
        options["beta1"], options["beta2"] = options.pop("betas", (0.9, 0.999))
        ref.adam_step(p, g, *states, step=step, decoupled=optimizer is torch.optim.AdamW, **options)


@pytest.mark.parametrize("setting", SETTINGS)
def test_optimizer_over_50_steps(setting):
    optimizer, options = SETTINGS[setting]
    rng = np.random.default_rng(9)
    p = rng.standard_normal((4, 3))
    states = [np.zeros_like(p), np.zeros_like(p)]
    theirs = torch.tensor(p, requires_grad=True)
    their_optimizer = optimizer([theirs], **options)
    for step in range(1, 51):
        g = rng.standard_normal(p.shape)
        theirs.grad = torch.tensor(g)
        their_optimizer.step()
        our_step(optimizer, options, p, g, states, step)
    np.testing.assert_allclose(p, theirs.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_global_norm():
    arrays = [np.arange(6.0).reshape(2, 3), np.array([-7.0])]
    tensors = [torch.zeros(a.shape, dtype=torch.float64, requires_grad=True) for a in arrays]
    for tensor, a in zip(tensors, arrays, strict=True):
        tensor.grad = torch.tensor(a)
    assert ref.global_norm(arrays) == pytest.approx(torch.nn.utils.clip_grad_norm_(tensors, 1.0).item(), rel=1e-14)
