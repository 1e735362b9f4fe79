"""Two boards side by side: which cells got faster or slower, beyond their noise."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from fastnn.bench.results import OURS, Board, Result, geometric_mean

# Changes below this are never called changes: clocks and neighbours move that much between runs.
LEAST = 0.05


@dataclass
class Change:
    """One cell in both boards. `speedup` is old time / new time; `noise` the larger spread of the two."""

    label: str
    threads: int
    old: float
    new: float
    noise: float

    @property
    def speedup(self) -> float:
        """Above 1 where the new board is faster."""
        return self.old / self.new

    @property
    def verdict(self) -> str:
        """ "faster", "slower" or "same"."""
        allowed = 1 + max(LEAST, self.noise)
        return "faster" if self.speedup > allowed else "slower" if self.speedup < 1 / allowed else "same"


def compare(old: Board, new: Board) -> list[Change]:
    """The cells that are in both boards, the largest slow-down first."""
    before = {(result.case, result.threads): result for result in old.results if OURS in result.samples}
    changes = [
        Change(r.case.label, r.threads, earlier.ours, r.ours, max(_spread(earlier), _spread(r)))
        for r in new.results
        if OURS in r.samples and (earlier := before.get((r.case, r.threads))) is not None
    ]
    return sorted(changes, key=lambda change: change.speedup)


def _spread(result: Result) -> float:
    samples = result.samples[OURS]
    return statistics.median(samples) / min(samples) - 1


def to_lines(changes: list[Change]) -> list[str]:
    """Every cell that changed, and how many did not."""
    lines = [
        f"{change.verdict:6}  {change.speedup:5.2f}x  {change.old * 1e6:.4g} -> {change.new * 1e6:.4g} us  "
        f"{change.label}, {change.threads} thread{'' if change.threads == 1 else 's'}  (noise {change.noise:.0%})"
        for change in changes
        if change.verdict != "same"
    ]
    same = sum(change.verdict == "same" for change in changes)
    mean = geometric_mean(change.speedup for change in changes)
    return [*lines, f"{same} of {len(changes)} cells are the same within their noise; geometric mean {mean:.3f}x"]
