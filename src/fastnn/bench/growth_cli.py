"""The command `fastnn growth`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import fastnn
from fastnn import arguments
from fastnn.bench import cli, growth, growth_plot, limits, runner
from fastnn.bench.cases import DTYPES, all_cases
from fastnn.bench.growth import Point, Walk

SAMPLE_SECONDS = 2e-3
MOST_SIZE = 1 << 16


def add_command(commands: Any) -> None:
    """Adds `growth` to the subcommands of `fastnn`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "growth",
        help="time fastnn while one size is doubled, and list the cliffs",
        description="Doubles each size in turn and shows the time against the work. A step of the time per work that "
        f"is more than {growth.CLIFF} x off the trend, and that the machine does not explain, is listed as a cliff.",
    )
    names = ", ".join
    parser.add_argument(
        "--op", type=cli.words, help=f"operations, with commas between them: {names(growth.OPERATIONS)}"
    )
    parser.add_argument("--dtype", type=cli.words, help=f"dtypes: {names(DTYPES)}")
    parser.add_argument("--threads", type=cli.words, default=["1"], help="thread counts (1)")
    parser.add_argument("--others", type=cli.words, default=["64", "512"], help="what the other sizes are (64,512)")
    parser.add_argument("--most", default="4096", help="the largest power of two that a size grows to (4096)")
    parser.add_argument("--rounds", default="5", help="samples of every point, of which the fastest counts (5)")
    parser.add_argument("--plot", metavar="FILE", help="draws time against work (png, svg or pdf)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Runs the command. Returns the exit status: 0 whatever the cliffs, 2 for a bad argument, 130 after Ctrl-C.

    Raises:
        RuntimeError: an answer is wrong.
        ImportError: matplotlib is needed and not installed.
    """
    try:
        plan = make_plan(options)
        rounds = _whole("rounds", options.rounds, 1, 1000)
        cli.check_file("plot", options.plot, cli.PICTURES)
    except (ValueError, OSError) as error:
        print(f"fastnn growth: {error}", file=sys.stderr)
        return 2
    machine = runner.describe()
    config = fastnn.show_config()
    title = f"{machine['cpu']}, {config['isa']}, {config['compiler']}, {machine['date']}, commit {machine['commit']}"
    print(title)
    timed: dict[Walk, list[Point]] = {}
    status = 0
    try:
        _run(plan, rounds, timed)
    except KeyboardInterrupt:
        print("interrupted: these are the walks until then")
        status = 130
    print("\n".join(summary(timed)))
    if options.plot and timed:
        growth_plot.draw(timed, title, options.plot)
    return status


def make_plan(options: argparse.Namespace) -> list[Walk]:
    """The walks that the options ask for.

    Raises:
        ValueError: an unknown operation or dtype, or a bad number; the sentence lists what is known.
    """
    for op in options.op or []:
        if op not in growth.OPERATIONS:
            raise arguments.unknown("op", op, growth.OPERATIONS)
    all_cases(None, None, options.dtype)  # checks the names
    most = _whole("most", options.most, growth.LEAST_SIZE, MOST_SIZE)
    others = [_whole("others", text, 1, MOST_SIZE) for text in options.others]
    threads = [cli.thread_count(text) for text in options.threads]
    ops, dtypes = options.op or growth.OPERATIONS, options.dtype or list(DTYPES)
    return [walk for count in threads for walk in growth.walks(ops, dtypes, others, most, count)]


def _whole(name: str, text: str, least: int, most: int) -> int:
    if text.isdecimal() and least <= int(text) <= most:
        return int(text)
    raise ValueError(f"{name} must be between {least} and {most}, got {text!r}")


def _run(plan: list[Walk], rounds: int, timed: dict[Walk, list[Point]]) -> None:
    before = fastnn.get_num_threads()
    machines: dict[int, limits.Machine] = {}
    try:
        for walk in plan:
            fastnn.set_num_threads(walk.threads)
            if walk.threads not in machines:
                machines[walk.threads] = limits.probe(list(DTYPES))
            timed[walk] = growth.run(walk, machines[walk.threads], rounds, SAMPLE_SECONDS)
            print("\n".join(to_lines(walk, timed[walk])), flush=True)
    finally:
        fastnn.set_num_threads(before)


def to_lines(walk: Walk, points: list[Point]) -> list[str]:
    """A walk as a table; `off` is the factor by which a step is off the trend."""
    unit, scale = ("MFLOP", 1e6) if points[0].case.flops else ("k elem", 1e3)
    each = "ps/FLOP" if points[0].case.flops else "ps/elem"
    lines = ["", walk.label, f"{walk.letter:>6} {'us':>10} {unit:>10} {each:>9} {'of limit':>9} {'off':>6}"]
    for n, one, factor in zip(growth.sizes(walk.most), points, growth.off_trend(points), strict=True):
        off = "-" if factor is None else f"{factor:.2f}"
        mark = "  cliff" if factor is not None and factor > growth.CLIFF else ""
        lines.append(
            f"{n:6} {one.seconds * 1e6:10.4g} {one.work / scale:10.4g} {one.per_work * 1e12:9.4g} "
            f"{one.limit / one.seconds:9.0%} {off:>6}{mark}"
        )
    return lines


def summary(timed: dict[Walk, list[Point]]) -> list[str]:
    """The cliffs, the highest first; nothing of nothing."""
    if not timed:
        return []
    found = growth.cliffs(timed)
    if not found:
        return ["", f"no cliffs: no step is more than {growth.CLIFF} x off the trend"]
    lines = ["", f"cliffs, {len(found)} of {sum(map(len, timed.values()))} points:"]
    return lines + [f"{factor:5.2f} x at {one.case.label} ({walk.label})" for factor, walk, one in found]
