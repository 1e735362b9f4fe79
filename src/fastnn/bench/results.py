"""What a run measured: a result per cell and thread count, the whole board, and its JSON form."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastnn.bench.cases import Case

OURS = "fastnn"
# A cell within a tenth of what the machine can do is won, whatever a rival reaches.
NEAR_LIMIT = 0.9


@dataclass
class Result:
    """One cell at one thread count.

    Attributes:
        case: the cell.
        threads: how many threads each entry had.
        samples: name -> seconds of the cell, one for each round; fastnn's own under "fastnn".
        wrong: name -> what was wrong with its answer; such an entry is not timed.
        limit: the least seconds the machine allows, and `bound`, what sets them.
    """

    case: Case
    threads: int
    samples: dict[str, list[float]]
    wrong: dict[str, str]
    limit: float
    bound: str

    @property
    def ours(self) -> float:
        """Seconds of fastnn's fastest sample, inf if its answer was wrong."""
        return min(self.samples.get(OURS, []), default=math.inf)

    @property
    def median(self) -> float:
        """Seconds of fastnn's median sample."""
        return statistics.median(self.samples.get(OURS) or [math.inf])

    @property
    def best_rival(self) -> str | None:
        """The name of the fastest rival, None if there is none for this cell."""
        rivals = [name for name in self.samples if name != OURS]
        return min(rivals, key=lambda name: min(self.samples[name]), default=None)

    @property
    def rival(self) -> float | None:
        """Seconds of the best rival's fastest sample."""
        return min(self.samples[self.best_rival]) if self.best_rival else None

    @property
    def ratio(self) -> float | None:
        """How many times faster than the best rival fastnn is."""
        return self.rival / self.ours if self.rival is not None else None

    @property
    def share(self) -> float:
        """The share of the machine's limit that fastnn reaches."""
        return self.limit / self.ours

    @property
    def is_won(self) -> bool:
        """At least as fast as every rival, or within a tenth of the limit."""
        return self.share >= NEAR_LIMIT or (self.ratio is not None and self.ratio >= 1.0)

    def to_json(self) -> dict[str, Any]:
        """As plain dicts and lists."""
        return {**asdict(self), "case": {**asdict(self.case), "shape": list(self.case.shape)}}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The inverse of to_json."""
        return cls(
            Case.from_json(data["case"]), data["threads"], data["samples"], data["wrong"], data["limit"], data["bound"]
        )


@dataclass
class Board:
    """A whole run: where it ran, what was there, what the machine can do, and the results so far."""

    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    probes: list[dict[str, Any]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    complete: bool = False

    def save(self, path: str | Path) -> None:
        """Writes the board with every sample as JSON."""
        Path(path).write_text(self.to_text(), encoding="utf-8")

    def to_text(self) -> str:
        """The JSON text."""
        data = {**vars(self), "results": [result.to_json() for result in self.results]}
        return json.dumps(data, indent=1) + "\n"

    @classmethod
    def load(cls, path: str | Path) -> Board:
        """Reads what save wrote.

        Raises:
            ValueError: the file is not a board.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            results = [Result.from_json(result) for result in data.pop("results")]
            return cls(**data, results=results)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a file that `fastnn bench --format json` wrote: {error}") from error


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers, nan of none."""
    logs = [math.log(value) for value in values]
    return math.exp(statistics.fmean(logs)) if logs else math.nan


def summary(results: list[Result]) -> list[str]:
    """Sentences: cells won and lost per dtype and thread count, the geometric mean, and the five worst cells."""
    lines = []
    for threads, dtype in sorted({(result.threads, result.case.dtype) for result in results}):
        group = [r for r in results if r.threads == threads and r.case.dtype == dtype]
        won = sum(result.is_won for result in group)
        mean = geometric_mean(r.ratio for r in group if r.ratio is not None)
        plural = "" if threads == 1 else "s"
        lines.append(
            f"{dtype}, {threads} thread{plural}: {won} won, {len(group) - won} lost, geometric mean {mean:.2f}"
        )
    raced = [result for result in results if result.ratio is not None and not result.is_won]
    for result in sorted(raced, key=lambda r: r.ratio or 0)[:5]:
        lines.append(
            f"worst: {result.case.label}, {result.threads} thread{'' if result.threads == 1 else 's'}: "
            f"{result.ratio:.2f} of {result.best_rival}, {result.share:.0%} of the limit ({result.bound})"
        )
    return lines
