"""A board as text: a table for the terminal, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from fastnn.bench.results import Board, Result, summary

if TYPE_CHECKING:
    from rich.table import Table

FORMATS = ("table", "md", "csv", "json")
HEADINGS = ("cell", "threads", "fastnn us", "median", "best rival", "rival us", "ratio", "limit", "of limit", "")


def rows(board: Board) -> list[list[str]]:
    """A row of strings per result, under HEADINGS. Times are in microseconds."""
    return [_row(result) for result in board.results]


def _row(result: Result) -> list[str]:
    ratio, rival = result.ratio, result.rival
    return [
        result.case.label,
        str(result.threads),
        _micro(result.ours),
        _micro(result.median),
        result.best_rival or "-",
        "-" if rival is None else _micro(rival),
        "-" if ratio is None else f"{ratio:.2f}",
        result.bound,
        f"{result.share:.0%}",
        "won" if result.is_won else "LOST",
    ]


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:.4g}"


def notes(board: Board) -> list[str]:
    """What stands under the table: where it ran, the versions, who was absent or wrong, and the sums."""
    machine = board.machine
    lines = [
        f"{machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('isa')}, {machine.get('compiler')}, "
        f"{machine.get('date')}, commit {machine.get('commit')}",
        "versions: " + ", ".join(f"{name} {version}" for name, version in board.versions.items()),
        f"BLAS of NumPy: {machine.get('blas')}",
    ]
    for probe in board.probes:
        rates = ", ".join(f"{dtype} {rate / 1e9:.1f} GFLOP/s" for dtype, rate in probe["fma"].items())
        exps = ", ".join(f"{dtype} {1e9 / rate:.3f} ns" for dtype, rate in probe["exp"].items())
        levels = ", ".join(
            f"{level['name']} {level['read'] / 1e9:.0f} read {level['copy'] / 1e9:.0f} copy"
            for level in probe["levels"]
        )
        lines.append(
            f"machine, {probe['threads']} thread{'' if probe['threads'] == 1 else 's'}: fma {rates}; exp {exps}; "
            f"GB/s: {levels}; an empty call {probe['empty_call'] * 1e6:.2f} us"
        )
    lines += [f"absent: {name} ({reason})" for name, reason in board.absent.items()]
    for result in board.results:
        lines += [f"wrong answer: {name}, {result.case.label}: {why}" for name, why in result.wrong.items()]
    if not board.complete:
        lines.append("interrupted: these are the cells measured until then")
    return lines + summary(board.results)


def to_table(board: Board) -> Table:
    """A table for rich."""
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for heading in HEADINGS:
        left = heading in ("cell", "best rival", "limit", "")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for row in rows(board):
        table.add_row(*row, style="" if row[-1] == "won" else "bold red")
    return table


def to_markdown(board: Board) -> str:
    """A Markdown table and a list of notes."""
    lines = [_markdown_row(HEADINGS), _markdown_row(["---"] * len(HEADINGS))]
    lines += [_markdown_row(row) for row in rows(board)]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes(board))]) + "\n"


def _markdown_row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def to_csv(board: Board) -> str:
    """A line per entry and result: seconds, minimum and median."""
    import statistics

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["op", "shape", "dtype", "threads", "entry", "min_s", "median_s", "limit_s", "bound"])
    for result in board.results:
        case = result.case
        for name, samples in result.samples.items():
            times = [f"{value:.6g}" for value in (min(samples), statistics.median(samples), result.limit)]
            writer.writerow([case.op, case.size, case.dtype, result.threads, name, *times, result.bound])
    return out.getvalue()


def to_text(board: Board, form: str) -> str:
    """The board in one of the text formats "md", "csv" and "json"."""
    if form == "md":
        return to_markdown(board)
    return to_csv(board) if form == "csv" else board.to_text()
