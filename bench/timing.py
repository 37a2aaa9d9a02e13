"""Paired timings: the subject and its floor or peer in turn, in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of the subject and of its floor, run by run."""

    subject_s: tuple[float, ...]
    floor_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Return the median of the ratios, pair by pair: the machine's drift cancels out."""
        pairs = zip(self.subject_s, self.floor_s, strict=True)
        return statistics.median(subject / floor for subject, floor in pairs)


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action took, in seconds of wall time."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def pair(
    subject: Callable[[], object], floor: Callable[[], object], runs: int, warm_up: int = 1
) -> Pair:
    """Run the two in turn and return the counted runs."""
    for _ in range(warm_up):
        subject()
        floor()
    timed = [(seconds(subject), seconds(floor)) for _ in range(runs)]
    return Pair(tuple(s for s, _ in timed), tuple(f for _, f in timed))


def report(subject: str, floor: str, timed: Pair, goal: float) -> None:
    """Print both medians with their spread, and the ratio beside its goal."""
    for name, figures in ((subject, timed.subject_s), (floor, timed.floor_s)):
        spread = f"{min(figures):.2f}-{max(figures):.2f}"
        print(f"{name:<46} median {statistics.median(figures):7.2f} s   ({spread})")
    print(f"ratio {timed.ratio:.2f}x, goal {goal}x, runs {len(timed.subject_s)}")
