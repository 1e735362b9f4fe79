"""The compiled functions, to be called from your own @njit code. See docs/numba.md.

They check nothing: arrays are C-contiguous and of one dtype, float32 or float64. Most work on the units from `begin` to
`end`, so that your own prange can share them out; the drivers of this package do just that.
"""

from .activation import activation_forward, activation_gradient, activation_span, prelu_forward, prelu_gradient
from .cross_entropy import cross_entropy_rows, probability_rows
from .dense import column_sums, dense_forward, dense_gradient
from .gemm import pack_panels, product
from .loss import loss_chunks, squared_rows
from .optimizer import adagrad, adam, rmsprop, sgd, square_sums
from .random import dropout_chunks, philox4x32, rrelu_chunks
from .softmax import log_softmax_gradient, log_softmax_rows, logsumexp_rows, softmax_gradient, softmax_rows

__all__ = [
    "activation_forward",
    "activation_gradient",
    "activation_span",
    "adagrad",
    "adam",
    "column_sums",
    "cross_entropy_rows",
    "dense_forward",
    "dense_gradient",
    "dropout_chunks",
    "log_softmax_gradient",
    "log_softmax_rows",
    "logsumexp_rows",
    "loss_chunks",
    "pack_panels",
    "philox4x32",
    "prelu_forward",
    "prelu_gradient",
    "probability_rows",
    "product",
    "rmsprop",
    "rrelu_chunks",
    "sgd",
    "softmax_gradient",
    "softmax_rows",
    "square_sums",
    "squared_rows",
]
