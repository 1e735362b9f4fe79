"""The command line: `fastnn COMMAND`, or `python -m fastnn COMMAND`."""

from __future__ import annotations

import argparse
import sys

import fastnn
from fastnn.bench import cli as bench
from fastnn.bench import growth_cli as growth


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="fastnn", description="fastnn: dense networks on a CPU.")
    parser.add_argument("--version", action="version", version=f"fastnn {fastnn.__version__}")
    commands = parser.add_subparsers(title="commands", required=True)
    bench.add_command(commands)
    growth.add_command(commands)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ImportError, RuntimeError) as error:
        print(f"fastnn: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
