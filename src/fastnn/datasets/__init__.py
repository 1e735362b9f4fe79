"""Readers of data sets that lie on this machine: MNIST as npz, IDX or CSV.  Nothing is ever downloaded.

`mnist.load_data()` is the same as `load_mnist`, by the name that Keras's scripts use.

Pixels and labels come back as uint8, as they are stored; scale the pixels yourself: ``x / np.float32(255)``.
A file that is cut, mutated or of another kind raises ValueError, one that cannot be opened OSError; both name the
file.  Sizes promised by a header are held against what the file can contain before memory is taken.
"""

from fastnn.datasets import mnist
from fastnn.datasets.csv import read_csv
from fastnn.datasets.idx import read_idx
from fastnn.datasets.mnist import load_mnist
from fastnn.datasets.npz import read_npz

__all__ = ["load_mnist", "mnist", "read_csv", "read_idx", "read_npz"]
