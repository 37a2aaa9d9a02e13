"""What happens to files: bits that flip, pages of zeros, ends that are missing."""

from collections.abc import Callable
from pathlib import Path

PAGE_BYTES = 8192
# After the header of a page: of a table 24 bytes, of WAL 24, of a segment's first page 40.
_AFTER_HEADER = 60
_SEGMENT_HEADER_BYTES = 40

Change = Callable[[Path], None]


def garble(path: Path) -> None:
    """Flip the bits of one byte in every page, behind its header."""
    with path.open("r+b") as file:
        for start in range(0, path.stat().st_size, PAGE_BYTES):
            file.seek(start + _AFTER_HEADER)
            byte = file.read(1)
            file.seek(start + _AFTER_HEADER)
            file.write(bytes(255 - value for value in byte))


def zero_page(number: int) -> Change:
    """Return what fills one page with zeros; checksums take such a page for a new one."""

    def change(path: Path) -> None:
        with path.open("r+b") as file:
            file.seek(number * PAGE_BYTES)
            file.write(bytes(PAGE_BYTES))

    return change


def zero_segment(path: Path) -> None:
    """Fill a segment of WAL with zeros behind its header, as one that was never written."""
    with path.open("r+b") as file:
        file.seek(_SEGMENT_HEADER_BYTES)
        file.write(bytes(path.stat().st_size - _SEGMENT_HEADER_BYTES))


def halve(path: Path) -> None:
    """Cut a file's second half off, at the end of a page."""
    pages = path.stat().st_size // PAGE_BYTES
    _cut(path, pages // 2 * PAGE_BYTES)


def empty(path: Path) -> None:
    """Cut everything of a file off."""
    _cut(path, 0)


def _cut(path: Path, size: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size)


def become(other: Path) -> Change:
    """Return what fills a file with another one's content."""

    def change(path: Path) -> None:
        path.write_bytes(other.read_bytes())

    return change
