"""Tells whether the log has a gap inside the recovery window: by the files of its archive.

Only a rehearsal can list them. Cloud SQL keeps the log where nobody else reads, and its API tells
the ends of the window alone, so there this is named as not looked at.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from ops.backups.archiving import Archiver
from ops.checks.result import CheckResult, Finding, State, finding
from ops.cloudsql import RecoveryWindow

CHECK = "recovery_gaps"
SEGMENT_BYTES = 16 * 1024 * 1024  # initdb's default, which Cloud SQL uses too
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_SWITCH = re.compile(r"^(\d+)\s+([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
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
    def timeline(self) -> int:
        """Return the timeline that it belongs to."""
        return int(self.name[:8], 16)

    @property
    def number(self) -> int:
        """Return its place, counted from the beginning of the log."""
        return (int(self.name[8:16], 16) << 8) + int(self.name[16:], 16)


@dataclass(frozen=True, slots=True)
class Archive:
    """One folder of archived log.

    An instance begins another when it is restored in place, and when point-in-time recovery is
    switched on again.

    Attributes:
        segments: its segments.
        switches: from each timeline's history file: the number of the segment in which each of its
            ancestors ends, by the ancestor.
    """

    segments: tuple[Segment, ...]
    switches: Mapping[int, Mapping[int, int]] = field(default_factory=dict)

    @property
    def timeline(self) -> int:
        """Return the newest timeline that it has anything of."""
        return max([segment.timeline for segment in self.segments] + list(self.switches))

    def name(self, number: int) -> str:
        """Return the name of the segment that the newest timeline's history has in a place."""
        ends = sorted((end, timeline) for timeline, end in self._ends().items())
        timeline = next((ancestor for end, ancestor in ends if number < end), self.timeline)
        return f"{timeline:08X}{number >> 8:08X}{number & 0xFF:08X}"

    def without_history(self) -> tuple[int, ...]:
        """Return the timelines whose history is not there, of those that an older one leads to."""
        timelines = {segment.timeline for segment in self.segments} | {self.timeline}
        return tuple(sorted(timelines - {min(timelines)} - self.switches.keys()))

    def _ends(self) -> Mapping[int, int]:
        return self.switches.get(self.timeline, {})


def archives(newest: Path) -> tuple[Archive, ...]:
    """Return what there is beside the folder that an instance archives into, that one last.

    Raises:
        OSError: a folder can't be read.
    """
    folders = [path for path in newest.parent.iterdir() if path != newest and path.is_dir()]
    return tuple(_archive(path) for path in (*sorted(folders), newest))


def _archive(folder: Path) -> Archive:
    segments, switches = [], {}
    for path in folder.iterdir():
        if _SEGMENT.fullmatch(path.name):
            facts = path.stat()
            archived = datetime.fromtimestamp(facts.st_mtime, UTC)
            segments.append(Segment(path.name, facts.st_size, archived))
        elif _HISTORY.fullmatch(path.name):
            lines = _SWITCH.finditer(path.read_text())
            switches[int(path.stem, 16)] = {int(line[1]): _number(line[2]) for line in lines}
    return Archive(tuple(sorted(segments, key=lambda segment: segment.name)), switches)


def _number(lsn: str) -> int:
    high, low = lsn.split("/")
    return ((int(high, 16) << 32) + int(low, 16)) // SEGMENT_BYTES


def not_listed() -> CheckResult:
    """Return that nobody looked, as on Cloud SQL."""
    words = "not looked at: Cloud SQL lists no segments of its log; a restore drill tries one time"
    return CheckResult(CHECK, State.NOT_APPLICABLE, 0, 0, words)


def unknown(why: str) -> CheckResult:
    """Return that the archive could not be looked at."""
    return CheckResult(CHECK, State.UNKNOWN, 0, 1, f"the archive can't be compared: {why}")


def judge(
    archived: Sequence[Archive], server: Archiver, window: RecoveryWindow | None
) -> CheckResult:
    """Tell whether every segment of the recovery window is archived, and whole in size.

    What the segments hold is not read: that a clone recovers is for a restore drill to show.

    Args:
        archived: the instance's archives, listed after the server was asked, the newest last.
        server: what it says of its archiving.
        window: what the API tells; gaps before its beginning do not count.
    """
    if window is None or window.earliest is None:
        return unknown("the API does not tell how far recovery reaches back")
    if not archived or not archived[-1].segments:
        return unknown("it is empty")
    since = window.earliest
    findings = [
        fault for archive in archived if archive.segments for fault in _faults(archive, since)
    ]
    filled = [archive for archive in archived if archive.segments]
    findings += [
        fault for before, after in pairwise(filled) for fault in _between(before, after, since)
    ]
    last = max(segment.number for segment in archived[-1].segments)
    missing = server.running - 1 - server.waiting - last
    if missing > 0:
        message = f"{missing} missing after it, the newest that is there"
        findings.append(finding("segment", archived[-1].name(last), message))
    total = sum(len(archive.segments) for archive in archived)
    if findings:
        count = len(findings)
        words = f"the log has {count} gap{'s' if count > 1 else ''} in its archive"
        return CheckResult(
            CHECK, State.FINDING, total, total, words, tuple(findings), remedy=_REMEDY
        )
    words = (
        f"{total} archived segments follow each other without a gap; what is in them is not read"
    )
    return CheckResult(CHECK, State.OK, total, total, words)


def _between(before: Archive, after: Archive, since: datetime) -> Iterator[Finding]:
    """Yield what was not archived between two archives of one timeline, as while that was off."""
    first = min(after.segments, key=lambda segment: segment.number)
    last = max(segment.number for segment in before.segments)
    missing = first.number - last - 1
    if first.timeline == before.timeline and missing > 0 and first.archived >= since:
        message = f"{missing} before it never archived: point-in-time recovery was off"
        yield finding("segment", first.name, message)


def _faults(archive: Archive, since: datetime) -> Iterator[Finding]:
    """Yield what is missing in an archive, or cut short, of the time since then."""
    for timeline in archive.without_history():
        yield finding("timeline", f"{timeline:08X}.history", "missing")
    by_name = {segment.name: segment for segment in archive.segments}
    numbers = {segment.number for segment in archive.segments}
    absent: list[str] = []
    for number in range(min(numbers), max(numbers) + 1):
        segment = by_name.get(archive.name(number))
        if segment is None:
            absent.append(archive.name(number))
            continue
        if absent and segment.archived >= since:
            message = f"{len(absent)} missing before it, from {absent[0]} on"
            yield finding("segment", segment.name, message)
        absent = []
        if segment.size_bytes != SEGMENT_BYTES and segment.archived >= since:
            message = f"{segment.size_bytes} bytes, not {SEGMENT_BYTES}"
            yield finding("segment", segment.name, message)
    if absent:  # the newest there is of another timeline
        yield finding("segment", absent[0], f"{len(absent)} missing from it on")
