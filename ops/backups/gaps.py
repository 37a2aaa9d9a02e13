"""Tells whether the log has a gap inside the recovery window: by the files of its archive.

Only a rehearsal can list them. Cloud SQL keeps the log where nobody else reads, and its API tells
the ends of the window alone, so there this is named as not looked at.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from ops.backups.archiving import Archiver
from ops.cloudsql import RecoveryWindow
from ops.results import CheckResult, State

CHECK = "recovery_gaps"
SEGMENT_BYTES = 16 * 1024 * 1024  # initdb's default, which Cloud SQL uses too
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_REMEDY = (
    "Nothing after a gap can be recovered from a backup before it: take one now with `invoke "
    "backup.create`, and see what removes files from the archive."
)


@dataclass(frozen=True, slots=True)
class Segment:
    """An archived segment of the log: its name, its size in bytes, when it was archived."""

    name: str
    size_bytes: int
    archived: datetime

    @property
    def number(self) -> int:
        """Return its place, counted from the beginning of the log."""
        return (int(self.name[8:16], 16) << 8) + int(self.name[16:], 16)


def segments(archive: Path) -> tuple[Segment, ...]:
    """Return the segments in a folder; raises OSError where it can't be read."""
    files = [path for path in archive.iterdir() if _SEGMENT.fullmatch(path.name)]
    return tuple(
        Segment(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))
        for path, facts in ((path, path.stat()) for path in files)
    )


def not_listed() -> CheckResult:
    """Return that nobody looked, as on Cloud SQL."""
    words = "not looked at: Cloud SQL lists no segments of its log; a restore drill tries one time"
    return CheckResult(CHECK, State.NOT_APPLICABLE, 0, 0, words)


def unknown(why: str) -> CheckResult:
    """Return that the archive could not be looked at."""
    return CheckResult(CHECK, State.UNKNOWN, 0, 1, f"the archive can't be compared: {why}")


def judge(
    archived: tuple[Segment, ...], server: Archiver, window: RecoveryWindow | None
) -> CheckResult:
    """Tell whether every segment of the recovery window is archived, and whole in size.

    What the segments hold is not read: that a clone recovers is for a restore drill to show.

    Args:
        archived: the archive's segments, listed after the server was asked.
        server: what it says of its archiving.
        window: what the API tells; gaps before its beginning do not count.
    """
    if window is None or window.earliest is None:
        return unknown("the API does not tell how far recovery reaches back")
    if not archived:
        return unknown("it is empty")
    by_number: dict[int, Segment] = {}
    for segment in archived:
        by_number[segment.number] = max(
            segment, by_number.get(segment.number, segment), key=lambda one: one.name
        )
    lines = (
        *_missing(by_number, server, window.earliest),
        *(
            f"{segment.name}: {segment.size_bytes} bytes, not {SEGMENT_BYTES}"
            for segment in sorted(archived, key=lambda one: one.name)
            if segment.size_bytes != SEGMENT_BYTES and segment.archived >= window.earliest
        ),
    )
    total = len(by_number)
    if lines:
        words = f"the log has {len(lines)} gap{'s' if len(lines) > 1 else ''} in its archive"
        return CheckResult(CHECK, State.FINDING, total, total, words, lines, remedy=_REMEDY)
    words = (
        f"{total} archived segments follow each other without a gap; what is in them is not read"
    )
    return CheckResult(CHECK, State.OK, total, total, words)


def _missing(
    by_number: Mapping[int, Segment], server: Archiver, earliest: datetime
) -> Iterator[str]:
    numbers = sorted(by_number)
    for before, after in pairwise(numbers):
        if after - before > 1 and by_number[after].archived >= earliest:
            yield (
                f"{after - before - 1} missing between {by_number[before].name} and "
                f"{by_number[after].name}"
            )
    missing = server.running - 1 - server.waiting - numbers[-1]
    if missing > 0:
        yield f"{missing} missing after {by_number[numbers[-1]].name}, the newest that is there"
