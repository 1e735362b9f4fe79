"""The golden cases: fixed inputs, and a hash of all result bytes of every operation, the same on every machine.

golden.txt has a line `name hash` for each case, and the name says all there is to know about it: operation, dtype,
sizes and options. tests/cpp/golden_*.cpp runs the same names over the C++ core: the extension, every instruction set
and every compiler are held to one file. Nothing here may come from libm or from a library's random numbers.

    python tests/golden.py             checks every case, with FASTNN_ISA and FASTNN_NUM_THREADS as they are set
    python tests/golden.py softmax/    only the names that begin so
    python tests/golden.py --write     writes golden.txt; only after a deliberate change of the bits
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import golden_cases
import golden_network
import numpy as np
from golden_inputs import digest

FILE = Path(__file__).with_name("golden.txt")
DTYPES = ("float32", "float64")

KINDS = (
    *("identity", "step", "sign", "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "softplus"),
    *("softsign", "swish", "gelu", "gelu_tanh", "mish", "hard_sigmoid", "hard_swish", "exponential"),
    *("leaky_relu=0.25", "leaky_relu=-0.1", "elu=0.7", "elu=-0.7", "celu=2.5", "celu=-2.5", "softplus=3", "swish=1.7"),
)
# (B, I, O): one row, tails of tiles and panels, narrow outputs, K beyond one chunk (1024; narrow: 16384), packing,
# several threads, and nothing at all.
DENSE = (
    *("1/1/1", "2/3/7", "1/64/64", "1/784/1", "7/784/10", "40/33/8", "33/300/41", "5/1030/70", "5/2100/3", "3/17000/2"),
    *("130/70/300", "1030/20/9", "1030/20/3", "4100/3/2", "20/9/1030", "20/3/4100", "300/1100/72"),
    *("4/0/9", "4/0/3", "0/5/4", "0/5/40"),
)
BACKWARD_ONLY = ("17000/3/2", "20/3/17000")
COLUMNS = ("37/1", "37/2", "37/10", "37/16", "37/17", "11/1000", "5/4096", "3000/10", "0/7")
SOFTMAX = ("softmax", "softmax_backward", "log_softmax", "log_softmax_backward", "logsumexp")
CLASSES = (
    *("37/2/ordinary/index/mean", "37/10/ordinary/index/mean", "37/16/ordinary/index/mean", "37/17/ordinary/index/sum"),
    *("11/1000/ordinary/index/mean", "3000/10/ordinary/index/mean", "37/1/ordinary/index/mean"),
    *("37/10/ordinary/index/none", "37/10/ordinary/index/mean/weight", "37/10/ordinary/index/mean/smooth"),
    *("37/10/ordinary/index/sum/weight/smooth", "37/17/ordinary/probability/mean", "37/10/ordinary/probability/none"),
    *("37/10/ordinary/probability/mean/weight/smooth", "5/4096/ordinary/probability/sum/smooth"),
)
LOSSES = (
    *("mse", "mae", "huber", "sum_squared_error", "poisson", "hinge", "binary_cross_entropy"),
    "binary_cross_entropy_with_logits",
)
LOSS_OPTIONS = (
    *("37/19/none", "37/19/mean", "37/19/sum", "3000/5/mean", "2/9000/mean"),
    *("37/19/none/weight", "37/19/sum/weight", "3000/5/mean/weight"),
)
STEPS = {
    "sgd_step": ("plain", "momentum", "nesterov", "decay"),
    "adam_step": ("plain", "decay", "decoupled"),
    "rmsprop_step": ("plain", "momentum", "decay"),
    "adagrad_step": ("plain", "decay"),
}


def bare_names() -> Iterator[str]:
    """The names without their dtype."""
    for kind in KINDS:
        yield from (f"dense/9/20/13/{kind}", f"dense/9/20/13/{kind}/z", f"dense_backward/9/20/13/{kind}")
        for scale in (8, 400):
            yield from (f"activation/1003/{scale}/{kind}", f"activation_backward/1003/{scale}/{kind}")
    for kind in ("gelu", "tanh"):
        yield from (f"dense/9/20/3/{kind}/z", f"dense_backward/9/20/3/{kind}", f"activation/60000/8/{kind}")
    for shape in DENSE:
        yield from (f"dense/{shape}/relu", f"dense_backward/{shape}/relu")
    for shape in BACKWARD_ONLY:
        yield f"dense_backward/{shape}/relu"
    for shape in ("9/20/13", "9/20/3", "5/2100/70", "5/17000/3"):
        yield from (f"dense/{shape}/tanh/nobias", f"dense/{shape}/tanh/packed")
    for operation, shape in itertools.product(("prelu", "prelu_backward"), ("37/1", "37/19", "3000/70")):
        yield from (f"{operation}/{shape}/one", f"{operation}/{shape}/each")
    for operation, mode in itertools.product(("rrelu", "rrelu_backward"), ("training", "evaluation")):
        yield from (f"{operation}/1003/{mode}", f"{operation}/60000/{mode}")
    for operation, p in itertools.product(("dropout", "dropout_backward"), ("0", "0.3", "1")):
        yield from (f"{operation}/1003/{p}", f"{operation}/60000/{p}")
    for operation, shape, style in itertools.product(SOFTMAX, COLUMNS, ("ordinary", "mixed")):
        yield f"{operation}/{shape}/{style}"
    for case in CLASSES:
        yield from (f"cross_entropy/{case}", f"categorical_cross_entropy/{case}")
    for shape in ("37/2", "37/10", "37/16", "37/17", "11/1000"):
        yield f"cross_entropy/{shape}/mixed/index/none"
    for options in ("none/ignore", "mean/ignore", "mean/weight/smooth/ignore"):
        yield f"cross_entropy/37/10/ordinary/index/{options}"
    for loss, options in itertools.product(LOSSES, LOSS_OPTIONS):
        yield f"{loss}/{options}"
    for operation, variants in STEPS.items():
        for variant in variants:
            yield from (f"{operation}/1003/{variant}", f"{operation}/60000/{variant}")
    yield from ("global_norm/1003/5", "global_norm/0/40000", "train/33/30/19/7/20")
    yield from (f"network/{variant}" for variant in golden_network.VARIANTS)


def names() -> list[str]:
    """The names of all cases: operation/dtype/..."""
    listed = (name.partition("/") for name in bare_names())
    return sorted(f"{operation}/{dtype}/{rest}" for operation, _, rest in listed for dtype in DTYPES)


def results(name: str) -> Sequence[Any]:
    """The arrays that the case computes."""
    operation, dtype, *words = name.split("/")
    case: Callable[..., Sequence[Any]] = golden_cases.CASES[operation]
    return case(operation, np.dtype(dtype), words)


def digest_of(name: str) -> str:
    """The hash of a case. A nan has no promised bits, so no case may have one."""
    arrays = results(name)
    if any(np.isnan(array).any() for array in arrays):
        raise ValueError(f"{name} gives nan, whose bits are not promised")
    return digest(arrays)


def recorded() -> dict[str, str]:
    """name -> hash, from golden.txt."""
    return dict(line.split() for line in FILE.read_text().splitlines())


def differences(prefix: str = "") -> list[str]:
    """The names whose results have other bits than golden.txt says, or that it does not have."""
    expected = recorded()
    stale = {name for name in expected.keys() - set(names()) if name.startswith(prefix)}
    return sorted(stale | {n for n in names() if n.startswith(prefix) and digest_of(n) != expected.get(n)})


def main(arguments: list[str]) -> int:
    """The command of the module's docstring; 1 if a case differs."""
    if arguments == ["--write"]:
        FILE.write_text("".join(f"{name} {digest_of(name)}\n" for name in names()))
        return 0
    wrong = differences(*arguments)
    for name in wrong:
        print(name)
    print(f"{len(wrong)} cases differ from {FILE.name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
