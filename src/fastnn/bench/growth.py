"""How the time grows with the sizes: one size of a cell is doubled, the others stand still, and the work is counted.

Each doubled size has a neighbour that is 16 larger and no power of two, to show strides on which a cache's sets clash.
A cliff is a point whose time per unit of work is more than 1.3 x that of the point before it, or of the geometric mean
of the points on both its sides, and whose time as a multiple of what limits.limit allows is so too. A rise that the
limit shares is no cliff: the arrays have come to lie in a slower level of the memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fastnn.bench import limits, measure
from fastnn.bench.cases import OPS, Case
from fastnn.bench.results import geometric_mean
from fastnn.bench.rivals import ours

CLIFF = 1.3
LEAST_SIZE = 16
# A whole number of vectors, so that the neighbours have no tails that the doubled sizes have not.
BESIDE = 16
# A network has no single size to double.
OPERATIONS = [name for name, op in OPS.items() if not op.is_network]


@dataclass(frozen=True)
class Walk:
    """Cells of which one size grows.

    Attributes:
        op, dtype: of all the cells.
        letter: the size that grows, from 16 to `most`: B, I, O or C.
        other: what the other sizes are.
        threads: how many fastnn has.
    """

    op: str
    dtype: str
    letter: str
    other: int
    most: int
    threads: int

    @property
    def label(self) -> str:
        """Such as "dense f32, 1 thread: B grows, I = O = 64"."""
        others = " = ".join(letter for letter in self._letters() if letter != self.letter)
        plural = "" if self.threads == 1 else "s"
        return f"{self.op} {self.dtype}, {self.threads} thread{plural}: {self.letter} grows, {others} = {self.other}"

    def cases(self) -> list[Case]:
        """The cells, the smallest first."""
        return [
            Case(self.op, tuple(n if letter == self.letter else self.other for letter in self._letters()), self.dtype)
            for n in sizes(self.most)
        ]

    def _letters(self) -> list[str]:
        return OPS[self.op].letters.split("x")


def sizes(most: int) -> list[int]:
    """16, 32 ... up to `most`, and 16 more than each."""
    doubled = [LEAST_SIZE << k for k in range((most // LEAST_SIZE).bit_length())]
    return sorted({*doubled, *(n + BESIDE for n in doubled)})


def walks(ops: list[str], dtypes: list[str], others: list[int], most: int, threads: int) -> list[Walk]:
    """Every size of every operation in turn, beside each of the others."""
    return [
        Walk(op, dtype, letter, other, most, threads)
        for op in ops
        for dtype in dtypes
        for letter in OPS[op].letters.split("x")
        for other in others
    ]


@dataclass
class Point:
    """A cell that was timed.

    Attributes:
        case: the cell.
        seconds: the fastest sample of a call.
        limit: the least seconds that the machine allows.
        lenient: the same for a machine with caches of half the size. Arrays that fill a cache do not all stay there;
            where in between the time begins to rise is not held against the kernel.
    """

    case: Case
    seconds: float
    limit: float
    lenient: float

    @property
    def work(self) -> float:
        """FLOPs of the matrix products, elements of the softmax family."""
        return self.case.flops or float(math.prod(self.case.shape))

    @property
    def per_work(self) -> float:
        """Seconds of a unit of work."""
        return self.seconds / self.work


def point(case: Case, seconds: float, machine: limits.Machine) -> Point:
    """The point of a cell that took so many seconds on that machine."""
    halved = replace(machine, levels=[replace(level, holds=level.holds / 2) for level in machine.levels])
    return Point(case, seconds, limits.limit(case, machine)[0], limits.limit(case, halved)[0])


def off_trend(points: list[Point]) -> list[float | None]:
    """By what factor each point of a walk is off the trend; more than 1.3 is a cliff. None for the first one."""
    factors: list[float | None] = [None]
    for index in range(1, len(points)):
        step = _rise(points[index], points[index - 1 : index])
        both = points[index - 1 : index + 2 : 2]
        factors.append(max(step, _rise(points[index], both)) if len(both) == 2 else step)
    return factors


def _rise(one: Point, others: list[Point]) -> float:
    # In doubt for the point: its own limit is the lenient one, the others' is not.
    per_work = one.per_work / geometric_mean(other.per_work for other in others)
    per_limit = one.seconds / one.lenient / geometric_mean(other.seconds / other.limit for other in others)
    return min(per_work, per_limit)


def run(walk: Walk, machine: limits.Machine, rounds: int, seconds: float) -> list[Point]:
    """Times the points of a walk, interleaved, after a check of each answer.

    Raises:
        RuntimeError: an answer is wrong.
    """
    entries = {}
    for case in walk.cases():
        arrays = case.arrays()
        entry = ours.entry(case, arrays)
        problem = measure.check(case, entry, case.answer(arrays))
        if problem is not None:
            raise RuntimeError(f"{case.label} is wrong: {problem}")
        entries[case.label] = entry
    samples = measure.measure(entries, rounds, seconds)
    return [point(case, min(samples[case.label]), machine) for case in walk.cases()]


def cliffs(timed: dict[Walk, list[Point]]) -> list[tuple[float, Walk, Point]]:
    """How far off the trend, in which walk and where: every cliff, the highest first."""
    found = [
        (factor, walk, one)
        for walk, points in timed.items()
        for factor, one in zip(off_trend(points), points, strict=True)
        if factor is not None and factor > CLIFF
    ]
    return sorted(found, key=lambda cliff: -cliff[0])
