"""Reads an exported file to its end: is it whole, and what does it hold?"""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from ops import dumptext
from ops.backups.outline import Outline
from ops.backups.script import Allowed, Script
from ops.backups.statements import Reader
from ops.objects import Objects, Uri

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What an exported file holds.

    Attributes:
        size_bytes: as it is kept.
        md5: of that, in hexadecimal.
        damage: why it can't be read to its end; empty where it can.
        whole: whether it ends as a whole export ends; always for a readable CSV file.
        created: the tables, views and sequences that it creates.
        rows: how many rows it has for each table; a CSV file's are under an empty name.
        missing: what a dump of this outline has, and this one lacks.
        script: what its statements do; None for a CSV file.
    """

    size_bytes: int
    md5: str
    damage: str = ""
    whole: bool = True
    created: tuple[str, ...] = ()
    rows: Mapping[str, int] | None = None
    missing: tuple[str, ...] = ()
    script: Script | None = None

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


def read(objects: Objects, uri: Uri, allowed: Allowed | None = None) -> Contents:
    """Read an object to its end; ``.gz`` names are decompressed, ``.csv`` ones hold rows.

    Args:
        objects: of the buckets.
        uri: which one.
        allowed: what a SQL file may do besides making and filling its own objects.

    Raises:
        ops.objects.NoObjectError: there is none.
        ops.storageapi.BucketRefusedError: it can't be read.
    """
    with objects.open(uri) as stream:
        raw = _Counted(stream)
        buffered = io.BufferedReader(raw, _PIECE)  # type: ignore[type-var]  # reads like any raw stream
        plain: BinaryIO = gzip.GzipFile(fileobj=buffered) if uri.name.endswith(".gz") else buffered  # type: ignore[assignment]  # reads alike
        is_csv = uri.name.removesuffix(".gz").endswith(".csv")
        rows: dict[str, int] = {}
        dump = None if is_csv else _Dump(plain, allowed)
        damage = ""
        try:
            _csv(plain, rows) if dump is None else dump.read()
        except (EOFError, OSError, zlib.error, ValueError) as error:
            damage = f"it can't be read to its end: {error}"
        except dumptext.LongStatementError as error:
            damage = str(error)
        while buffered.read(_PIECE):
            pass
        contents = Contents(raw.size, raw.hash.hexdigest(), damage, rows=rows)
        return contents if dump is None else _of_dump(contents, dump)


def _of_dump(contents: Contents, dump: "_Dump") -> Contents:
    script, outline = dump.reader.script, dump.outline
    return replace(
        contents,
        whole=not contents.damage and outline.is_ended,
        created=tuple(dumptext.label(name) for name in sorted(script.relations)),
        rows={dumptext.label(name): count for name, count in script.rows.items()},
        missing=outline.missing(script),
        script=script,
    )


def _csv(stream: BinaryIO, rows: dict[str, int]) -> None:
    """Count rows as COPY does: a line break between quotes is part of a value."""
    rows[""] = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_quoted = is_begun = False
    for piece in iter(partial(stream.readline, _PIECE), b""):
        decoder.decode(piece)
        if b"\0" in piece:
            raise ValueError(f"row {rows['']} holds a NUL byte, which no text has")
        is_quoted ^= piece.count(b'"') % 2 == 1
        is_begun = is_quoted or not piece.endswith(b"\n")
        rows[""] += not is_begun
    decoder.decode(b"", final=True)
    if is_quoted:
        raise EOFError("it ends within a quoted value")
    rows[""] += is_begun


class _Dump:
    """A SQL file: its statements, its rows, and what its comments say that it holds."""

    def __init__(self, stream: BinaryIO, allowed: Allowed | None) -> None:
        self._lines = iter(partial(stream.readline, dumptext.MOST_STATEMENT_BYTES), b"")
        self._data_lines = 0  # which the statements don't count
        self._encoding = "utf-8"
        self._other_text = [0, 0]  # pieces beyond ASCII: valid as UTF-8, and not
        self.reader = Reader(allowed)
        self.outline = Outline()

    def read(self) -> None:
        """Read it to its end.

        Raises:
            EOFError: it ends within a table's rows.
            ValueError: a row or a statement is no text.
            ops.dumptext.LongStatementError: a statement can't be held in memory.
        """
        for statement in dumptext.statements(self._lines):
            self._encoding = statement.encoding or self._encoding
            line = statement.line + self._data_lines
            if b"\0" in statement.raw:  # psql goes on with the next line there
                raise ValueError(
                    f"the statement on line {line} holds a NUL byte, which no text has"
                )
            self.outline.take(statement)
            if not statement.text:
                continue
            self._look_at(statement.text)
            text = statement.text.decode(self._encoding, "backslashreplace")
            table = self.reader.take(text, line)
            if table is not None:
                self.reader.add_rows(table, self._data())
        self.reader.end()
        valid, invalid = self._other_text
        if valid and not invalid:
            words = f"SET client_encoding = {self._encoding}"
            self.reader.object_to(1, words, "its text is UTF-8, and it says another encoding")

    def _data(self) -> int:
        """Count the rows up to the end of a table's data."""
        rows, is_fresh = 0, True
        is_other = self._encoding != "utf-8"
        for piece in self._lines:
            if is_fresh and piece.rstrip(b"\r\n") == b"\\.":
                self._data_lines += rows + 1
                return rows
            is_fresh = piece.endswith(b"\n")
            rows += is_fresh
            if b"\0" in piece:  # psql cuts the line there
                raise ValueError(f"row {rows} of a table holds a NUL byte, which no text has")
            if is_other:
                self._look_at(piece)
        raise EOFError("it ends within a table's rows")

    def _look_at(self, text: bytes) -> None:
        """Note whether text of another encoding could be UTF-8."""
        if self._encoding == "utf-8" or text.isascii():
            return
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            self._other_text[1] += 1
        else:
            self._other_text[0] += 1
