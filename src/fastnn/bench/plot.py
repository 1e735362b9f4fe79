"""The board as a picture: the ratio of every cell, and a roofline with every cell on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastnn.bench.limits import Machine
from fastnn.bench.results import Board, Result


def draw(board: Board, path: str | Path) -> None:
    """Draws the board into a file; the ending decides its kind (png, svg, pdf).

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the board has no cells, or matplotlib does not know the ending.
    """
    if not board.results:
        raise ValueError("there is nothing to draw: the board has no cells")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("matplotlib is not installed: pip install 'fastnn-kernels[bench]'") from error
    threads = sorted({result.threads for result in board.results})
    most = max(sum(result.threads == n for result in board.results) for n in threads)
    figure = Figure(figsize=(7 * len(threads) + 1, 5 + 0.16 * most), layout="constrained")
    axes = figure.subplots(2, len(threads), squeeze=False, height_ratios=[0.16 * most + 0.5, 4.5])
    for column, n in enumerate(threads):
        results = [result for result in board.results if result.threads == n]
        _ratios(axes[0][column], results, n)
        probe = next(probe for probe in board.probes if probe["threads"] == n)
        _roofline(axes[1][column], results, Machine.from_json(probe))
    figure.suptitle(f"{board.machine.get('cpu')}, {board.machine.get('isa')}, {board.machine.get('date')}")
    figure.savefig(path, dpi=110)


def _ratios(axis: Any, results: list[Result], threads: int) -> None:
    raced = [result for result in results if result.ratio is not None]
    places = range(len(raced))
    colours = ["tab:green" if result.is_won else "tab:red" for result in raced]
    axis.barh(places, [(result.ratio or 1) - 1 for result in raced], left=1, color=colours, height=0.7)
    axis.set_xscale("log")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_yticks(places, [f"{result.case.label} ({result.best_rival})" for result in raced], fontsize=6)
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.set_xlabel("times faster than the best rival")
    axis.set_title(f"{threads} thread{'' if threads == 1 else 's'}")


def _roofline(axis: Any, results: list[Result], machine: Machine) -> None:
    products = [result for result in results if result.case.flops > 0]
    intensity = [result.case.flops / (result.case.reads + result.case.writes) for result in products]
    lowest, highest = min(intensity, default=0.1) / 2, max(intensity, default=100.0) * 2
    for dtype, marker, colour in (("f32", "o", "tab:blue"), ("f64", "s", "tab:orange")):
        axis.plot(
            [x for x, result in zip(intensity, products, strict=True) if result.case.dtype == dtype],
            [r.case.flops / r.ours / 1e9 for r in products if r.case.dtype == dtype],
            marker,
            color=colour,
            markersize=3,
            label=dtype,
        )
        if dtype in machine.fma:
            axis.axhline(machine.fma[dtype] / 1e9, color=colour, linewidth=0.8)
    for level in machine.levels:
        ends = [lowest, highest]
        axis.plot(ends, [level.read * x / 1e9 for x in ends], color="grey", linewidth=0.6)
        axis.annotate(level.name, (lowest, level.read * lowest / 1e9), fontsize=7)
    axis.set(xscale="log", yscale="log", xlim=(lowest, highest))
    axis.set_ylim(0.05, max(machine.fma.values()) / 1e9 * 2)
    axis.set_xlabel("FLOPs per byte of the arrays")
    axis.set_ylabel("GFLOP/s")
    axis.legend(fontsize=7, loc="lower right")
