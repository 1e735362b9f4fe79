"""Ctrl-C that waits: an interrupt must not stop a step of training half-way."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class HeldInterrupts:
    """While this context is open, an interrupt is only noted; it is raised when the context is left.

    Does nothing outside the main thread, which alone gets interrupts, and where Ctrl-C is not handled in Python.
    """

    def __init__(self) -> None:
        self.pending = False
        self._before: Any = None
        self._frame: FrameType | None = None

    def __enter__(self) -> HeldInterrupts:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is None:
            return
        signal.signal(signal.SIGINT, self._before)
        if self.pending and error is None:
            self._before(signal.SIGINT, self._frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.pending, self._frame = True, frame
