"""The controller that threadpoolctl uses for fastnn; imported by register_threadpoolctl alone."""

from __future__ import annotations

from typing import Any

try:
    import threadpoolctl
except ImportError as error:
    raise ImportError("threadpoolctl is not installed: pip install threadpoolctl") from error

from fastnn import _fastnn


class FastnnController(threadpoolctl.LibController):  # type: ignore[misc,unused-ignore]
    """Finds the extension among the loaded libraries and calls its C functions."""

    user_api = "fastnn"
    internal_api = "fastnn"
    filename_prefixes = ("_fastnn",)
    check_symbols = ("fastnn_get_num_threads",)
    dynlib: Any

    def get_num_threads(self) -> int:
        """The current limit."""
        return int(self.dynlib.fastnn_get_num_threads())

    def set_num_threads(self, num_threads: int) -> None:
        """Sets the limit."""
        self.dynlib.fastnn_set_num_threads(num_threads)

    def get_version(self) -> str:
        """The version of fastnn."""
        return _fastnn.version


_registered = False


def register() -> None:
    """Hands the controller to threadpoolctl, once."""
    global _registered
    if not _registered:
        threadpoolctl.register(FastnnController)
        _registered = True
