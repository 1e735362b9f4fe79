"""The command `fastnn bench`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastnn import arguments
from fastnn.bench import compare, limits, plot, report, rivals, runner
from fastnn.bench.cases import DTYPES, OPS, Case, all_cases, parse_shape
from fastnn.bench.network_cases import QUICK_ROWS
from fastnn.bench.results import Board

QUICK_FLOPS = 1e9
PICTURES = (".png", ".svg", ".pdf")


def add_command(commands: Any) -> None:
    """Adds `bench` to the subcommands of `fastnn`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bench",
        help="time fastnn against the libraries that are installed and against what the machine can do",
        description="Times every cell of the scoreboard, interleaved with its rivals, answers checked first.",
    )
    names = ", ".join
    parser.add_argument("--op", type=words, help=f"operations, with commas between them: {names(OPS)}")
    parser.add_argument(
        "--shape", type=words, help="shapes such as 32x784x128 (B, I, O), 1024x10 (B, C) or 32x784x128x10 (B, layers)"
    )
    parser.add_argument("--dtype", type=words, help=f"dtypes: {names(DTYPES)}")
    parser.add_argument("--threads", type=words, help="thread counts; one and all cores if not given")
    parser.add_argument("--rivals", type=words, help=f"rivals: {names(rivals.NAMES)}, or none")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, no cell above a GFLOP, an epoch of 6000 rows"
    )
    parser.add_argument("--rounds", type=int, help="samples of every entry (11, or 5 with --quick)")
    parser.add_argument("--format", default="table", help=f"what is printed: {names(report.FORMATS)}")
    parser.add_argument("--output", metavar="FILE", help="also writes the board there, as .json, .md or .csv")
    parser.add_argument("--plot", metavar="FILE", help="draws the ratios and a roofline (png, svg or pdf)")
    parser.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"), help="compares two JSON files and runs nothing")
    parser.set_defaults(run=run)


def words(text: str) -> list[str]:
    """What stands between the commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def run(options: argparse.Namespace) -> int:
    """Runs the command. Returns the exit status: 0, 2 for a bad argument, 130 after Ctrl-C.

    Raises:
        ImportError: rich is not installed.
    """
    try:
        from rich.console import Console
    except ImportError as error:
        raise ImportError("rich is not installed: pip install 'fastnn-kernels[bench]'") from error
    try:
        if options.compare:
            print("\n".join(compare.to_lines(compare.compare(*map(Board.load, options.compare)))))
            return 0
        plan = make_plan(options)
        check_outputs(options)
    except (ValueError, OSError) as error:
        print(f"fastnn bench: {error}", file=sys.stderr)
        return 2
    board = Board()
    status = 0
    try:
        _run_with_progress(plan, board)
    except KeyboardInterrupt:
        status = 130
    if options.output:
        path = Path(options.output)
        path.write_text(report.to_text(board, path.suffix[1:]), encoding="utf-8")
    if options.format == "table":
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(report.to_table(board))
        for note in report.notes(board):
            console.print(note, markup=False, highlight=False, soft_wrap=True)
    else:
        print(report.to_text(board, options.format), end="")
    if options.plot and board.results:
        plot.draw(board, options.plot)
    return status


def make_plan(options: argparse.Namespace) -> runner.Plan:
    """What the options ask for.

    Raises:
        ValueError: an unknown operation, dtype or rival, or a bad shape or number; the sentence lists what is known.
    """
    cases = all_cases(options.op, [parse_shape(text) for text in options.shape or []], options.dtype)
    if options.quick:
        cases = [quick(case) for case in cases if options.shape or is_quick(case)]
    names = [] if options.rivals == ["none"] else options.rivals or list(rivals.DEFAULT)
    rivals.check_names(names)
    threads = [thread_count(text) for text in options.threads or sorted({"1", str(len(limits.allowed_cores()))})]
    if options.rounds is not None and options.rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {options.rounds}")
    rounds = options.rounds or (5 if options.quick else 11)
    return runner.Plan(cases, threads, names, rounds, 5e-4 if options.quick else 2e-3)


def is_quick(case: Case) -> bool:
    """Whether a cell is on the quick board: those of up to a GFLOP and 64 MiB, and the epoch, which gets fewer rows."""
    return case.op == "epoch" or (case.flops <= QUICK_FLOPS and case.reads + case.writes <= 64 << 20)


def quick(case: Case) -> Case:
    """The cell with fewer rows if it is an epoch."""
    return replace(case, rows=QUICK_ROWS) if case.op == "epoch" else case


def thread_count(text: str) -> int:
    """The number of threads that is written there.

    Raises:
        ValueError: it is no number, or this process may not run on as many cores.
    """
    cores = len(limits.allowed_cores())
    if text.isdecimal() and 1 <= int(text) <= cores:
        return int(text)
    raise ValueError(f"threads must be between 1 and {cores}, the cores this process may run on, got {text!r}")


def check_outputs(options: argparse.Namespace) -> None:
    """Finds fault with the format and the files before hours are spent measuring.

    Raises:
        ValueError: the format or a file's ending is unknown.
        OSError: the folder of a file does not exist.
    """
    if options.format not in report.FORMATS:
        raise arguments.unknown("format", options.format, report.FORMATS)
    check_file("output", options.output, (".json", ".md", ".csv"))
    check_file("plot", options.plot, PICTURES)


def check_file(option: str, name: str | None, endings: tuple[str, ...]) -> None:
    """Finds fault with the name of a file to write.

    Raises:
        ValueError: its ending is none of those.
        OSError: its folder does not exist.
    """
    if name is None:
        return
    if Path(name).suffix not in endings:
        raise ValueError(f"--{option} must be a file that ends in {', '.join(endings)}, got {name!r}")
    if not Path(name).resolve().parent.is_dir():
        raise OSError(f"--{option}: the folder of {name!r} does not exist")


def _run_with_progress(plan: runner.Plan, board: Board) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=plan.cells)

        def update(label: str, done: int) -> None:
            progress.update(task, description=label, completed=done)

        runner.run(plan, board, update)
