"""The display of fit's and evaluate's progress: a bar with rich on a terminal, else a line for every epoch."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

import numpy as np

# Seconds between two drawings of the bar: more often is not seen, and costs time of the training.
_PAUSE = 0.1


class Display:
    """Shows nothing, and is the base of the displays that do.

    For every epoch come epoch(n), any number of update(...) and finish(logs). As a context manager it leaves the
    terminal in order whatever happens.
    """

    def epoch(self, n: int) -> None:
        """Begins epoch n, counted from 0."""

    def update(self, steps_done: int, samples: int, logs: Mapping[str, float]) -> None:
        """Tells how many steps and samples of the epoch are done, and its loss and metrics so far. Cheap to call."""

    def finish(self, logs: Mapping[str, float]) -> None:
        """Ends the epoch, with the results of the validation too if there was one."""

    def close(self) -> None:
        """Gives up what is shown; needed only when an epoch was not finished."""

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Lines(Display):
    """One plain line for every epoch."""

    def __init__(self, epochs: int | None, steps: int, file: TextIO) -> None:
        self._epochs = epochs
        self._steps = steps
        self._file = file
        self._begun = self._updated = time.perf_counter()
        self._label = f"{steps}/{steps}"
        self._samples = 0

    def epoch(self, n: int) -> None:
        """Begins epoch n, counted from 0."""
        if self._epochs is not None:
            self._label = f"Epoch {n + 1}/{self._epochs}"
        self._begun = self._updated = time.perf_counter()
        self._samples = 0

    def update(self, steps_done: int, samples: int, logs: Mapping[str, float]) -> None:
        """Notes how far it is."""
        self._samples = samples
        self._updated = time.perf_counter()

    def finish(self, logs: Mapping[str, float]) -> None:
        """Writes the line."""
        parts = [self._label, f"{time.perf_counter() - self._begun:.2f}s"]
        if self._samples:
            # Without the time of the validation.
            parts.append(f"{speed(self._samples, self._updated - self._begun)} samples/s")
        if logs:
            parts.append(numbers(logs))
        print(" - ".join(parts), file=self._file, flush=True)


class Bar(Lines):
    """A bar while an epoch runs, drawn by rich; then its line."""

    def __init__(self, epochs: int | None, steps: int, console: Any) -> None:
        super().__init__(epochs, steps, console.file)
        self._console = console
        self._progress: Any = None
        self._task: Any = None
        self._drawn = 0.0

    def epoch(self, n: int) -> None:
        """Begins epoch n, counted from 0."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.close()
        super().epoch(n)
        columns = [
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speed]} samples/s"),
            TextColumn("{task.fields[numbers]}"),
        ]
        if self._console.width >= 100:
            columns.insert(1, BarColumn(bar_width=20))
        # Drawn by the training itself, for a thread would take a core from it.
        self._progress = Progress(*columns, console=self._console, auto_refresh=False, transient=True)
        label = "" if self._epochs is None else self._label
        self._task = self._progress.add_task(label, total=self._steps, speed="-", numbers="")
        self._drawn = self._begun
        self._progress.start()

    def update(self, steps_done: int, samples: int, logs: Mapping[str, float]) -> None:
        """Draws the bar, unless it was drawn a moment ago."""
        super().update(steps_done, samples, logs)
        if self._progress is not None and self._updated - self._drawn >= _PAUSE:
            self._drawn = self._updated
            shown = {"speed": speed(samples, self._updated - self._begun), "numbers": numbers(logs)}
            self._progress.update(self._task, completed=steps_done, refresh=True, **shown)

    def finish(self, logs: Mapping[str, float]) -> None:
        """Puts the line in the place of the bar."""
        self.close()
        super().finish(logs)

    def close(self) -> None:
        """Takes the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def make(verbose: str | int, epochs: int | None, steps: int, file: TextIO | None = None) -> Display:
    """The display for one call of fit or evaluate.

    Args:
        verbose: 0 for nothing; 1 or "auto" for a bar where there is a terminal and rich is installed, else a line for
            every epoch; 2 for lines. False and True are 0 and 1.
        epochs: how many epochs there will be in all, or None for an evaluation.
        steps: the steps of an epoch.
        file: where to write; by default standard output.

    Raises:
        ValueError: verbose is none of these.
    """
    if not isinstance(verbose, (str, int, np.integer, np.bool_)) or verbose not in ("auto", 0, 1, 2):
        raise ValueError(f'verbose must be "auto", 0, 1 or 2, got {verbose!r}')
    if verbose == 0:
        return Display()
    output = sys.stdout if file is None else file
    if verbose != 2 and output.isatty() and importlib.util.find_spec("rich") is not None:
        from rich.console import Console

        console = Console(file=output, highlight=False, markup=False)
        if not console.is_dumb_terminal:
            return Bar(epochs, steps, console)
    return Lines(epochs, steps, output)


def numbers(logs: Mapping[str, float]) -> str:
    """The logs in one line: "loss: 0.1234 - accuracy: 0.9876"."""
    return " - ".join(f"{name}: {number(value)}" for name, value in logs.items())


def number(value: Any) -> str:
    """A number with 4 digits after the point, or with 4 after the first where that would show too little of it."""
    if isinstance(value, (int, float, np.integer, np.floating)):
        small = 0.0 < abs(float(value)) < 1e-3
        return f"{value:.4e}" if small else f"{value:.4f}"
    return str(value)


def speed(samples: int, seconds: float) -> str:
    """Samples per second, without decimals: "1,234"."""
    return f"{samples / seconds:,.0f}" if seconds > 0 else "-"
