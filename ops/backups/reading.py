"""Reads an exported file to its end: is it whole, and what does it hold?"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ops import dumptext
from ops.objects import Objects, Uri

# pg_dump's last words; a session's \unrestrict may follow
# (https://www.postgresql.org/docs/15/app-pgdump.html)
_COMPLETE = b"-- PostgreSQL database dump complete"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What an exported file holds.

    Attributes:
        size_bytes: as it is kept.
        md5: of that, in hexadecimal.
        damage: why it can't be read to its end; empty where it can.
        whole: whether it ends as a whole export ends; always for a readable CSV file.
        created: the tables that it creates.
        rows: how many rows it has for each table; a CSV file's are under an empty name.
    """

    size_bytes: int
    md5: str
    damage: str = ""
    whole: bool = True
    created: tuple[str, ...] = ()
    rows: Mapping[str, int] | None = None

    @property
    def total_rows(self) -> int:
        """Return how many rows it has."""
        return sum((self.rows or {}).values())


class _Counted(io.RawIOBase):
    """Hands a stream's bytes on, and keeps their number and hash."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.size, self.hash = stream, 0, hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self.size += len(piece)
        self.hash.update(piece)
        return len(piece)


def read(objects: Objects, uri: Uri) -> Contents:
    """Read an object to its end; ``.gz`` names are decompressed, ``.csv`` ones hold rows.

    Raises:
        ops.objects.NoObjectError: there is none.
        ops.storageapi.BucketRefusedError: it can't be read.
    """
    with objects.open(uri) as stream:
        raw = _Counted(stream)
        kept = io.BufferedReader(raw, _PIECE)  # type: ignore[type-var]  # reads like any raw stream
        plain: BinaryIO = gzip.GzipFile(fileobj=kept) if uri.name.endswith(".gz") else kept  # type: ignore[assignment]  # reads alike
        is_csv = uri.name.removesuffix(".gz").endswith(".csv")
        rows: dict[str, int] = {}
        created: list[str] = []
        whole, damage = False, ""
        try:
            whole = _csv(plain, rows) if is_csv else _sql(plain, rows, created)
        except (EOFError, OSError, zlib.error, csv.Error, UnicodeDecodeError) as error:
            damage = f"it can't be read to its end: {error}"
        while kept.read(_PIECE):
            pass
        return Contents(raw.size, raw.hash.hexdigest(), damage, whole, tuple(created), rows)


def _csv(stream: BinaryIO, rows: dict[str, int]) -> bool:
    rows[""] = 0
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        for _ in csv.reader(text):
            rows[""] += 1
    finally:
        text.detach()  # whoever opened the stream closes it
    return True


def _sql(stream: BinaryIO, rows: dict[str, int], created: list[str]) -> bool:
    """Count the rows of every table; return whether pg_dump's last words are there."""
    lines, encoding, complete = iter(stream), "utf-8", False

    def name(text: bytes) -> str:
        return dumptext.label(dumptext.table(text.decode(encoding, "backslashreplace")))

    for statement in dumptext.statements(lines):
        encoding = statement.encoding or encoding
        complete = complete or (_COMPLETE in statement.raw and _COMPLETE not in statement.text)
        if statement.copied:
            table = name(statement.copied)
            rows[table] = rows.get(table, 0) + _data(lines)
        elif statement.created:
            created.append(name(statement.created))
    return complete


def _data(lines: Iterator[bytes]) -> int:
    """Count the rows up to the end of a table's data, where there is one."""
    for number, line in enumerate(lines):
        if line == b"\\.\n":
            return number
    raise EOFError("it ends within a table's rows")
