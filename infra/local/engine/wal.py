"""Names and places in the write-ahead log."""

import re
from dataclasses import dataclass
from pathlib import Path

SEGMENT_BYTES = 16 * 1024 * 1024  # initdb's default, which Cloud SQL uses too
_SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
_HISTORY_LINE = re.compile(r"^(\d+)\s+([0-9A-F]+/[0-9A-F]+)", re.MULTILINE)
_START_OF_BACKUP = re.compile(r"START WAL LOCATION: .*\(file ([0-9A-F]{24})\)")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One WAL file.

    Attributes:
        number: Counted from the beginning of the log.
        timeline: The timeline it belongs to.
    """

    number: int
    timeline: int

    @property
    def name(self) -> str:
        """The file's name, 24 hexadecimal digits."""
        return f"{self.timeline:08X}{self.number >> 8:08X}{self.number & 0xFF:08X}"


def segment(name: str) -> Segment | None:
    """Return the segment that a file's name means, or None for another file."""
    if not _SEGMENT_NAME.fullmatch(name):
        return None
    return Segment((int(name[8:16], 16) << 8) + int(name[16:], 16), int(name[:8], 16))


def segments(archive: Path) -> tuple[Segment, ...]:
    """Return the archived segments, oldest first."""
    numbers = (segment(path.name) for path in archive.iterdir())
    return tuple(sorted(number for number in numbers if number is not None))


def segment_number(lsn: str) -> int:
    """Return the number of the segment that holds a place in the log, as ``0/3000148``."""
    high, low = lsn.split("/")
    return ((int(high, 16) << 32) + int(low, 16)) // SEGMENT_BYTES


def switches(history: str) -> dict[int, int]:
    """Return, from a timeline's history file, the last segment of each earlier timeline."""
    return {int(line[1]): segment_number(line[2]) for line in _HISTORY_LINE.finditer(history)}


def start_of_backup(label: str) -> Segment:
    """Return the first segment that a base backup needs, from its backup_label."""
    match = _START_OF_BACKUP.search(label)
    start = segment(match[1]) if match else None
    if start is None:
        raise ValueError(label)
    return start
