"""Where the C and C++ side of an installed fastnn lies: headers, CMake files, the shared library."""

from __future__ import annotations

import sys
from pathlib import Path

from fastnn import _fastnn

# Beside the extension, which in an editable install is elsewhere than the Python files.
_HOME = Path(_fastnn.__file__).parent


def include_directory() -> Path:
    """The directory of the headers, for `-I`: it holds `fastnn/fastnn.h`."""
    return _existing(_HOME / "include")


def cmake_directory() -> Path:
    """The directory of `fastnn-config.cmake`, for `fastnn_DIR`."""
    return _existing(_HOME / "lib" / "cmake" / "fastnn")


def library() -> Path:
    """The shared library libfastnn, the one that the extension itself is linked to."""
    return _existing(_HOME / "lib" / ("libfastnn.dylib" if sys.platform == "darwin" else "libfastnn.so"))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise RuntimeError(f"this build of fastnn has no {path}: install a wheel, or build one with FASTNN_SHARED=ON")
    return path
