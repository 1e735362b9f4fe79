"""The progress display: silent, lines, and the bar on what claims to be a terminal."""

from __future__ import annotations

import importlib.util
import io
import re
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fastnn.network import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that goes on by a second whenever it is looked at."""
    now = [0.0]

    def tick() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=tick))
    return now


def run(file: io.StringIO, verbose: Any = 1, epochs: int | None = 2, logs: dict[str, float] | None = None) -> str:
    logs = {"loss": 0.5, "accuracy": 0.75} if logs is None else logs
    with progress.make(verbose, epochs, 3, file) as display:
        for epoch in range(epochs or 1):
            display.epoch(epoch)
            for step in range(1, 4):
                display.update(step, 32 * step, logs)
            display.finish(logs)
    return file.getvalue()


def plain(text: str) -> str:
    """Without the control sequences of a terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_silent() -> None:
    for verbose in (0, False):
        assert run(Terminal(), verbose) == ""


@pytest.mark.parametrize("verbose", ["auto", 1, 2, True])
def test_a_line_for_every_epoch_where_there_is_no_terminal(verbose: Any) -> None:
    lines = run(io.StringIO(), verbose).splitlines()
    # The clock is looked at once in epoch(), in every update() and in finish().
    assert lines == [
        "Epoch 1/2 - 4.00s - 32 samples/s - loss: 0.5000 - accuracy: 0.7500",
        "Epoch 2/2 - 4.00s - 32 samples/s - loss: 0.5000 - accuracy: 0.7500",
    ]


def test_lines_on_a_terminal_if_asked_for() -> None:
    assert "\x1b" not in run(Terminal(), 2)


def test_an_evaluation_has_no_epochs() -> None:
    assert run(io.StringIO(), epochs=None) == "3/3 - 4.00s - 32 samples/s - loss: 0.5000 - accuracy: 0.7500\n"


def test_an_epoch_without_samples_or_logs() -> None:
    file = io.StringIO()
    display = progress.make(1, 1, 3, file)
    display.epoch(0)
    display.finish({})
    assert file.getvalue() == "Epoch 1/1 - 1.00s\n"


def test_standard_output_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.make("auto", 1, 1) as display:
        display.epoch(0)
        display.finish({"loss": 1.0})
    assert capsys.readouterr().out == "Epoch 1/1 - 1.00s - loss: 1.0000\n"


def test_the_bar() -> None:
    pytest.importorskip("rich")
    threads = threading.active_count()
    text = plain(run(Terminal()))
    assert threading.active_count() == threads
    assert re.search(r"Epoch 1/2 .*2/3.* samples/s loss: 0\.5000 - accuracy: 0\.7500", text)
    assert re.search(r"Epoch 2/2 - .*s - 32 samples/s - loss: 0\.5000 - accuracy: 0\.7500\n", text)
    assert text.endswith("\n")


def test_the_bar_of_an_evaluation_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "80")
    text = plain(run(Terminal(), epochs=None))
    assert re.search(r"2/3.* samples/s loss: 0\.5000 - accuracy: 0\.7500", text)
    assert text.splitlines()[-1].endswith("32 samples/s - loss: 0.5000 - accuracy: 0.7500")


def test_the_bar_is_not_drawn_more_often_than_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    now = [0.0]

    def tick() -> float:
        now[0] += 0.001
        return now[0]

    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=tick))
    file = Terminal()
    with progress.make(1, 1, 1000, file) as display:
        display.epoch(0)
        for step in range(1, 1001):
            display.update(step, step, {"loss": 1.0})
        display.finish({"loss": 1.0})
    assert 8 <= len(re.findall(r" (\d+)/1000", plain(file.getvalue()))) <= 13


def test_the_terminal_is_left_in_order_after_an_error() -> None:
    pytest.importorskip("rich")
    file = Terminal()

    def fail() -> None:
        with progress.make(1, 2, 3, file) as display:
            display.epoch(0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert file.getvalue().rindex("\x1b[?25h") > file.getvalue().rindex("\x1b[?25l")
    # The next training shows its bars again.
    assert "Epoch 1/2" in plain(run(Terminal()))


def test_lines_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in run(Terminal())


def test_lines_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert len(run(Terminal()).splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.0000"),
        (0.12345, "0.1235"),
        (-2.5, "-2.5000"),
        (1e-5, "1.0000e-05"),
        (np.float32(0.5), "0.5000"),
        (3, "3.0000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (12345.678, "12345.6780"),
        ("text", "text"),
    ],
)
def test_numbers(value: Any, shown: str) -> None:
    assert progress.numbers({"x": value}) == f"x: {shown}"


def test_speed() -> None:
    assert progress.speed(1234567, 1.0) == "1,234,567"
    assert progress.speed(5, 0.0) == "-"


@pytest.mark.parametrize("verbose", [3, -1, "on", None, 0.5])
def test_bad_verbose(verbose: Any) -> None:
    with pytest.raises(ValueError, match='verbose must be "auto", 0, 1 or 2, got'):
        progress.make(verbose, 1, 1)
