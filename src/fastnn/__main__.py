"""The command line: `fastnn COMMAND`, or `python -m fastnn COMMAND`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import fastnn
from fastnn import embedding
from fastnn.bench import cli as bench, growth_cli as growth


class _Answer(argparse.Action):
    """Prints what the function `const` returns, and ends the program."""

    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(self.const())
        parser.exit()


def _includes() -> str:
    return f"-I{embedding.include_directory()}"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="fastnn", description="fastnn: dense networks on a CPU.")
    parser.add_argument("--version", action="version", version=f"fastnn {fastnn.__version__}")
    parser.add_argument(
        "--includes", action=_Answer, const=_includes, help="print the compiler's flag for the C headers"
    )
    parser.add_argument(
        "--cmakedir", action=_Answer, const=embedding.cmake_directory, help="print the directory of fastnn-config.cmake"
    )
    commands = parser.add_subparsers(title="commands", required=True)
    bench.add_command(commands)
    growth.add_command(commands)
    try:
        options = parser.parse_args(arguments)
        status: int = options.run(options)
    except (ImportError, RuntimeError) as error:
        print(f"fastnn: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
