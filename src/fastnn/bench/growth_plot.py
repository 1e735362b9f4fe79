"""Growth as a picture: time against work on logarithmic axes, where a walk without cliffs is a smooth line."""

from __future__ import annotations

from pathlib import Path

from fastnn.bench import growth
from fastnn.bench.growth import Point, Walk


def draw(timed: dict[Walk, list[Point]], title: str, path: str | Path) -> None:
    """Draws the walks into a file, an operation a panel, cliffs circled; the ending decides its kind (png, svg, pdf).

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: matplotlib does not know the ending.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("matplotlib is not installed: pip install 'fastnn-kernels[bench]'") from error
    ops = list(dict.fromkeys(walk.op for walk in timed))
    figure = Figure(figsize=(8, 6 * len(ops)), layout="constrained")
    panels = dict(zip(ops, figure.subplots(len(ops), 1, squeeze=False)[:, 0], strict=True))
    for walk, points in timed.items():
        panel = panels[walk.op]
        panel.set(xscale="log", yscale="log", title=walk.op, ylabel="us")
        panel.set_xlabel("FLOPs" if points[0].case.flops else "elements")
        work, micro = [one.work for one in points], [one.seconds * 1e6 for one in points]
        panel.plot(work, micro, ".-", linewidth=0.7, label=walk.label.removeprefix(walk.op).strip())
    for _, walk, one in growth.cliffs(timed):
        panels[walk.op].plot([one.work], [one.seconds * 1e6], "o", color="red", fillstyle="none", markersize=9)
    for panel in panels.values():
        panel.legend(fontsize=6)
    figure.suptitle(title, fontsize=8)
    figure.savefig(path, dpi=110)
