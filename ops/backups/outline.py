"""The outline of a dump: what its comments say that it holds, compared with what it does hold."""

import re

from ops import dumptext
from ops.backups.script import Script

# pg_dump's first and last words; a session's \\unrestrict may follow
# (https://www.postgresql.org/docs/15/app-pgdump.html)
_BEGUN = b"-- PostgreSQL database dump\n"
_COMPLETE = b"-- PostgreSQL database dump complete"
# An entry: https://github.com/postgres/postgres/blob/REL_17_STABLE/src/bin/pg_dump/pg_backup_archiver.c
_ENTRY = re.compile(
    rb"^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: ", re.MULTILINE
)
# Entries that may have no statement: rows of an empty table as INSERTs, a schema that is there in
# every database, extensions (https://cloud.google.com/sql/docs/postgres/import-export/import-export-dmp
# comments them out) and what else the exporter may not write.
_BARE = frozenset({b"TABLE DATA", b"SCHEMA", b"EXTENSION", b"COMMENT", b"BLOBS", b"DATABASE"})


class Outline:
    """Collects what the comments of a dump name.

    Attributes:
        is_dump: whether it begins as a dump of pg_dump.
        is_ended: whether it ends so.
    """

    def __init__(self) -> None:
        self.is_dump = self.is_ended = False
        self._with_rows: set[tuple[str, str]] = set()
        self._is_with_data = False
        self._bare: list[str] = []
        self._open: tuple[bytes, str] = (b"", "")

    def take(self, statement: dumptext.Statement) -> None:
        """Look at the comments before a statement."""
        raw, text = statement.raw, statement.text
        if b"-- " in raw:
            self._take_comments(raw, text)
        if text:
            self._open = (b"", "")

    def _take_comments(self, raw: bytes, text: bytes) -> None:
        self.is_dump = self.is_dump or _BEGUN in raw
        self.is_ended = self.is_ended or (_COMPLETE in raw and _COMPLETE not in text)
        for match in _ENTRY.finditer(raw):
            if match[0] in text:
                continue
            self._close()
            kind = match[2]
            name, schema = (match[part].decode(errors="backslashreplace") for part in (1, 3))
            self._open = (kind, f"{kind.decode()} {schema}.{name}")
            if kind == b"TABLE DATA":
                self._with_rows.add((schema, name))
            self._is_with_data = self._is_with_data or kind in (b"TABLE DATA", b"SEQUENCE SET")

    def _close(self) -> None:
        """Note an entry that no statement followed."""
        kind, name = self._open
        if kind and kind not in _BARE:
            self._bare.append(name)
        self._open = (b"", "")

    def missing(self, script: Script) -> tuple[str, ...]:
        """Return what is missing: statements of entries, rows of tables, positions of sequences.

        A dump has a section of rows for each table, however empty it is, and sets each sequence.
        """
        self._close()
        signs = [f"{name}: its comment is there, and no statement" for name in self._bare]
        if not self.is_dump or not (self._is_with_data or script.rows):
            return tuple(signs)
        for table in sorted(script.stored - script.rows.keys()):
            if script.counted_with(table) != table:
                continue
            schema, name = (part.replace("\n", " ").replace("\r", " ") for part in table)
            if script.is_copied or (schema, name) not in self._with_rows:
                signs.append(f"{dumptext.label(table)}: no section of rows")
        unset = sorted(script.sequences - script.positions.keys())
        signs += [f"{dumptext.label(name)}: not set to its position" for name in unset]
        return tuple(signs)
