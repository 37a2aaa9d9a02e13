"""SQL text to statements: with facts.py and locks.py, the only code that knows the parser.

The parser is postgast (libpg_query: PostgreSQL's own grammar). Offsets inside are
bytes, as libpg_query counts (but for its errors); what leaves this module is text and line numbers.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import postgast
from postgast import pg_query_pb2 as pb

from ops.errors import BadInputError
from ops.migrations.facts import Facts, IndexBuild, learn

_COMMENTS = frozenset({pb.SQL_COMMENT, pb.C_COMMENT})


class MigrationSyntaxError(BadInputError):
    """A migration holds text that PostgreSQL's grammar refuses."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        self.file = file
        self.line = line
        super().__init__(
            f"{file}:{line}: {reason}. Nothing was applied: mend that line, then run the same "
            "command again."
        )


@dataclass(frozen=True, slots=True)
class Token:
    """One word of SQL: its text, its place, and whether it is a comment."""

    text: str
    start: int
    line: int
    is_comment: bool


@dataclass(frozen=True, slots=True)
class Source:
    """SQL text, and where it stands: its file's name and its first line there."""

    file: str
    text: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed statement.

    Attributes:
        text: the statement alone: no semicolon, no comment before or after it.
        line: its first line in the file, from 1.
        checksum: of its words; comments, layout and the case of keywords don't count.
        facts: what is known of it without a database.
        node: its parse tree (libpg_query's).
    """

    text: str
    line: int
    checksum: str
    facts: Facts
    node: pb.Node

    @property
    def summary(self) -> str:
        """Return its beginning on one line, for tables and messages."""
        return shortened(self.text, limit=80)


def shortened(text: str, limit: int) -> str:
    """Return text on one line of at most so many characters."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 3] + "..."


def scan(source: Source) -> tuple[Token, ...]:
    """Return the words of the text, comments among them; raises MigrationSyntaxError."""
    data = source.text.encode()
    try:
        found = postgast.scan(source.text).tokens
    except postgast.PgQueryError as error:
        raise _refusal(source, error) from error
    lines, extra = _Lines(data, source.first_line), _Extra(data)
    return tuple(
        Token(
            text=data[token.start : token.end].decode(),
            start=token.start - extra.at(token.start),
            line=lines.at(token.start),
            is_comment=token.token in _COMMENTS,
        )
        for token in found
    )


def parse(source: Source) -> tuple[Statement, ...]:
    """Return the statements of the text; raises MigrationSyntaxError."""
    data = source.text.encode()
    try:
        raw = postgast.parse(source.text).stmts
        tokens = [t for t in postgast.scan(source.text).tokens if t.token not in _COMMENTS]
    except postgast.PgQueryError as error:
        raise _refusal(source, error) from error
    lines = _Lines(data, source.first_line)
    groups = [_words(statement, tokens) for statement in raw]
    return tuple(
        Statement(
            text=data[group[0].start : group[-1].end].decode(),
            line=lines.at(group[0].start),
            checksum=_checksum(data, group),
            facts=learn(statement.stmt),
            node=statement.stmt,
        )
        for statement, group in zip(raw, groups, strict=True)
    )


def checksum(statements: Sequence[Statement]) -> str:
    """Return one checksum for several statements in their order."""
    return _digest("\n".join(statement.checksum for statement in statements).encode())


def probe(statement: Statement, table: str, index: str) -> str:
    """Return a CREATE INDEX statement moved to a temporary table, built at once.

    Args:
        statement: a CREATE INDEX.
        table: the temporary table's name.
        index: the new index's name.
    """
    tree = pb.ParseResult()
    raw = tree.stmts.add()
    raw.stmt.CopyFrom(statement.node)
    node = raw.stmt.index_stmt
    node.concurrent = node.if_not_exists = False
    node.idxname = index
    node.relation.schemaname = "pg_temp"
    node.relation.relname = table
    return postgast.deparse(tree)


def index_unless_exists(statement: Statement) -> IndexBuild | None:
    """Return the index that CREATE INDEX IF NOT EXISTS makes; None for every other statement."""
    if statement.node.WhichOneof("node") != "index_stmt":
        return None
    index = statement.node.index_stmt
    if not index.if_not_exists:
        return None
    return IndexBuild(index.idxname, index.relation.schemaname, index.relation.relname)


def is_only(statement: Statement) -> bool:
    """Tell whether CREATE INDEX says ON ONLY: on a partitioned table that is not valid at once."""
    return not statement.node.index_stmt.relation.inh


class _Lines:
    """Byte offset to line number, for offsets that only grow."""

    def __init__(self, data: bytes, first: int) -> None:
        self._data, self._line, self._seen = data, first, 0

    def at(self, offset: int) -> int:
        self._line += self._data.count(b"\n", self._seen, offset)
        self._seen = offset
        return self._line


class _Extra:
    """How many bytes more than characters stand before an offset, for offsets that only grow."""

    def __init__(self, data: bytes) -> None:
        self._data, self._extra, self._seen = data, 0, 0

    def at(self, offset: int) -> int:
        part = self._data[self._seen : offset]
        self._extra += len(part) - len(part.decode())
        self._seen = offset
        return self._extra


def _refusal(source: Source, error: postgast.PgQueryError) -> MigrationSyntaxError:
    # postgast calls it a byte; it counts characters, as PostgreSQL's client would be told.
    before = source.text[: max(error.cursorpos - 1, 0)]
    reason = " ".join(error.message.split())
    return MigrationSyntaxError(source.file, source.first_line + before.count("\n"), reason)


def _words(raw: pb.RawStmt, tokens: Sequence[pb.ScanToken]) -> Sequence[pb.ScanToken]:
    """Return the words of one statement; the last one of a text has no length."""
    first = bisect_left(tokens, raw.stmt_location, key=_start)
    if not raw.stmt_len:
        return tokens[first:]
    return tokens[first : bisect_left(tokens, raw.stmt_location + raw.stmt_len, key=_start)]


def _start(token: pb.ScanToken) -> int:
    start: int = token.start
    return start


def _checksum(data: bytes, tokens: Sequence[pb.ScanToken]) -> str:
    words = (data[token.start : token.end] for token in tokens)
    return _digest(b" ".join(_fold(word) for word in words))


def _fold(word: bytes) -> bytes:
    """Return a word as PostgreSQL reads it: case counts inside quotes only."""
    quoted = any(mark in word for mark in (b"'", b'"', b"$"))
    return word if quoted else word.lower()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
