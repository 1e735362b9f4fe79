"""Counts the instructions of small Python calls with callgrind, which no noise of the machine disturbs.

    python tools/instructions/count.py            prints the counts
    python tools/instructions/count.py --check    compares them with counts.txt; 1 if one rose by more than 2 %
    python tools/instructions/count.py --write    writes counts.txt

Counted is one turn of the scoreboard's loop: the interpreter, the checks and the AVX2 kernels (valgrind 3.19 knows no
AVX-512), on one thread. The interpreter's share depends on its version and on how it was built, so counts.txt says what
it was made with, and counts of anything else are not compared with it. CI has Debian 12's Python: write it with that.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RECORD = FOLDER / "counts.txt"
HEADING = """\
# Instructions of one Python call, float32, AVX2 kernels, one thread, counted by callgrind. Made by
#     python tools/instructions/count.py --write
"""
# The same build repeats to 0.3 %: where an array lies decides 7 instructions of some calls.
MARGIN = 0.02
SETTINGS = {"FASTNN_ISA": "avx2", "FASTNN_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
VALGRIND = ("valgrind", "--quiet", "--tool=callgrind", "--dump-before=getppid")


@dataclass
class Counts:
    """What was counted: the versions it depends on, and label of a cell -> instructions of a call."""

    versions: dict[str, str]
    cells: dict[str, int]

    def to_text(self) -> str:
        """The text of counts.txt."""
        width = max(map(len, self.cells), default=0)
        versions = [f"# {name}: {version}\n" for name, version in self.versions.items()]
        return HEADING + "".join(versions) + "".join(f"{cell:{width}} {n:7}\n" for cell, n in self.cells.items())

    @classmethod
    def from_text(cls, text: str) -> Counts:
        """The inverse of to_text.

        Raises:
            ValueError: a line is neither a comment nor a label and a number.
        """
        counts = cls({}, {})
        for line in text.splitlines():
            if match := re.fullmatch(r"# (\w+): (.+)", line):
                counts.versions[match[1]] = match[2]
            elif match := re.fullmatch(r"(\S.*?) +(\d+)", line):
                counts.cells[match[1]] = int(match[2])
            elif line and not line.startswith("#"):
                raise ValueError(f"neither a comment nor a cell and its count: {line!r}")
        return counts


def differences(recorded: Counts, counted: Counts) -> list[str]:
    """A sentence for each version that differs; the counts can be compared if there is none."""
    return [
        f"{name} is {counted.versions.get(name)}, in {RECORD.name} {recorded.versions.get(name)}"
        for name in {**recorded.versions, **counted.versions}
        if counted.versions.get(name) != recorded.versions.get(name)
    ]


def compare(recorded: Counts, counted: Counts) -> tuple[list[str], list[str]]:
    """What is wrong and what is only worth saying, a sentence for each cell."""
    wrong, news = [], []
    for cell, n in counted.cells.items():
        before = recorded.cells.get(cell)
        if before is None:
            wrong.append(f"{cell}: {n} instructions, not in {RECORD.name}")
        elif abs(n - before) > MARGIN * before:
            (wrong if n > before else news).append(f"{cell}: {before} -> {n} instructions ({n / before - 1:+.1%})")
    wrong += [f"{cell}: in {RECORD.name}, not counted" for cell in recorded.cells if cell not in counted.cells]
    return wrong, news


def instructions_per_call(profiles: list[str], calls: int) -> int:
    """From the profiles that callgrind wrote before N calls, after them and after 2 N more.

    The difference leaves out what surrounds the calls.

    Raises:
        ValueError: there are not three profiles, or one has no sum.
    """
    sums = [re.search(r"^summary: (\d+)$", text, re.MULTILINE) for text in profiles]
    if len(sums) != 3 or not all(sums):
        raise ValueError(f"expected three profiles of callgrind with a sum each, got {len(sums)}")
    _, once, twice = (int(found[1]) for found in sums if found)
    return round((twice - once) / calls)


def count() -> Counts:
    """Runs calls.py with this Python under callgrind; takes half a minute.

    Raises:
        RuntimeError: valgrind is missing, or the calls failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [*VALGRIND, f"--callgrind-out-file={folder}/%p", sys.executable, str(FOLDER / "calls.py")]
        try:
            done = subprocess.run(command, env={**os.environ, **SETTINGS}, capture_output=True, text=True, check=True)
        except FileNotFoundError:
            raise RuntimeError("valgrind is not installed: apt install valgrind") from None
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"the calls failed under valgrind:\n{error.stderr}") from None
        hello, *cells = map(json.loads, done.stdout.splitlines())
        counts = Counts(hello["versions"], {})
        for cell in cells:
            profiles = [path.read_text() for path in sorted(Path(folder).glob(f"{cell['process']}.*"))]
            counts.cells[cell["cell"]] = instructions_per_call(profiles, hello["calls"])
        return counts


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 1 if a count rose or could not be had, or the cells are not those of the record."""
    parser = argparse.ArgumentParser(description="Counts the instructions of small calls with callgrind.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help=f"compare with {RECORD.name}")
    mode.add_argument("--write", action="store_true", help=f"write {RECORD.name}")
    options = parser.parse_args(arguments)
    try:
        counted = count()
    except RuntimeError as error:
        print(f"count.py: {error}", file=sys.stderr)
        return 1
    print(counted.to_text(), end="")
    if options.write:
        RECORD.write_text(counted.to_text(), encoding="utf-8")
    if not options.check:
        return 0
    recorded = Counts.from_text(RECORD.read_text(encoding="utf-8"))
    if apart := differences(recorded, counted):
        print("not comparable:", *apart, sep="\n  ")
        return 0
    wrong, news = compare(recorded, counted)
    if news:
        print(f"fewer instructions than in {RECORD.name}; --write records it:", *news, sep="\n  ")
    if wrong:
        print(f"not as in {RECORD.name}; --write records it, if it must be:", *wrong, sep="\n  ")
    else:
        print(f"no count is more than {MARGIN:.0%} above {RECORD.name}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
