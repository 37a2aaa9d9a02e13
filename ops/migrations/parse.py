"""SQL text to statements, all of it or none.

The parser is postgast (libpg_query: PostgreSQL's own grammar); beside this module, ops/sqltrees.py,
enums.py, facts.py and locks.py know it. Offsets inside are bytes, as libpg_query counts (but for
its errors); what leaves this module is text and line numbers.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import postgast
from postgast import pg_query_pb2 as pb

from ops import sqltrees as trees
from ops.errors import BadInputError
from ops.migrations import refusals
from ops.migrations.errors import LostTextError, NestedTooDeeplyError, NulByteError
from ops.migrations.facts import Facts, IndexBuild, learn

_COMMENTS = frozenset({pb.SQL_COMMENT, pb.C_COMMENT})
_SEMICOLON = pb.ASCII_59
_DOT = pb.ASCII_46


class MigrationSyntaxError(BadInputError):
    """A migration holds text that PostgreSQL's grammar refuses."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        self.file = file
        self.line = line
        super().__init__(f"{file}:{line}: {reason}")


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
    node: pb.Node = field(repr=False, compare=False)  # both are recursive, and trees may be deep

    @property
    def summary(self) -> str:
        """Return its beginning on one line, for tables and messages."""
        return shortened(self.text, limit=80)


def shortened(text: str, limit: int) -> str:
    """Return text on one line of at most so many characters."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 3] + "..."


def scan(source: Source) -> tuple[Token, ...]:
    """Return the words of the text, comments among them.

    Raises:
        ops.errors.BadInputError: the text can't be read to its end.
    """
    data = source.text.encode()
    lines, extra = _Lines(data, source.first_line), _Extra(data)
    return tuple(
        Token(
            text=data[token.start : token.end].decode(),
            start=token.start - extra.at(token.start),
            line=lines.at(token.start),
            is_comment=token.token in _COMMENTS,
        )
        for token in _scan(source, data)
    )


def parse(source: Source) -> tuple[Statement, ...]:
    """Return the statements of the text.

    Raises:
        ops.errors.BadInputError: the text can't be parsed to its end.
    """
    data = source.text.encode()
    tokens = [token for token in _scan(source, data) if token.token not in _COMMENTS]
    try:
        raw = trees.parse_statements(source.text, tokens)
    except postgast.PgQueryError as error:
        raise _refusal(source, error) from error
    except trees.TooDeepError as error:
        raise NestedTooDeeplyError(source.file, _longest(source, data, tokens)) from error
    groups = [_words(statement, tokens) for statement in raw]
    _refuse_lost(source, data, tokens, groups)
    lines = _Lines(data, source.first_line)
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

    Its own text is kept from the name of the table on: a tree can be too deep to be written
    as text again.

    Args:
        statement: a CREATE INDEX.
        table: the temporary table's name.
        index: the new index's name.
    """
    node = statement.node.index_stmt
    data = statement.text.encode()
    tokens = [t for t in postgast.scan(statement.text).tokens if t.token not in _COMMENTS]
    on = next(place for place, token in enumerate(tokens) if token.token == pb.ON)
    end = on + 1
    if tokens[end].token == pb.ONLY:
        end += 1
    parenthesis = tokens[end].token == pb.ASCII_40
    end += parenthesis
    while tokens[end + 1].token == _DOT:
        end += 2
    end += parenthesis
    if tokens[end + 1].token == pb.ASCII_42:  # the * that stands for the tables that inherit
        end += 1
    unique = "UNIQUE " if node.unique else ""
    rest = data[tokens[end].end :].decode()
    return f"CREATE {unique}INDEX {index} ON pg_temp.{table}{rest}"


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


def _scan(source: Source, data: bytes) -> Sequence[pb.ScanToken]:
    """Return the words as the scanner gives them; raises BadInputError unless it saw all."""
    if "\0" in source.text:
        before = source.text.partition("\0")[0]
        raise NulByteError(source.file, source.first_line + before.count("\n"))
    try:
        tokens = tuple(postgast.scan(source.text).tokens)
    except postgast.PgQueryError as error:
        raise _refusal(source, error) from error
    end = tokens[-1].end if tokens else 0
    if data[end:].strip():
        raise LostTextError(source.file, source.first_line + data.count(b"\n", 0, end))
    return tokens


def _refusal(source: Source, error: postgast.PgQueryError) -> BadInputError:
    # postgast calls it a byte; it counts characters, as PostgreSQL's client would be told.
    place = max(error.cursorpos - 1, 0)
    line = source.first_line + source.text.count("\n", 0, place)
    known = refusals.cause(source.file, source.text, place, source.first_line)
    reason = refusals.reason(error.message, source.text[place : place + 1])
    return known or MigrationSyntaxError(source.file, line, reason)


def _refuse_lost(
    source: Source,
    data: bytes,
    tokens: Sequence[pb.ScanToken],
    groups: Sequence[Sequence[pb.ScanToken]],
) -> None:
    """Refuse text of which a part belongs to no statement."""
    words = sum(1 for token in tokens if token.token != _SEMICOLON)
    inside = sum(1 for group in groups for token in group if token.token != _SEMICOLON)
    if words != inside or not all(groups):
        first = tokens[0].start if tokens else 0
        raise LostTextError(source.file, source.first_line + data.count(b"\n", 0, first))


def _longest(source: Source, data: bytes, tokens: Sequence[pb.ScanToken]) -> int:
    """Return the line of the statement that is nested most, judged by its words."""
    first = deepest = start = 0
    for place in [i for i, token in enumerate(tokens) if token.token == _SEMICOLON]:
        levels = trees.nesting(tokens[first:place])
        if levels > deepest:
            deepest, start = levels, tokens[first].start
        first = place + 1
    if first < len(tokens) and trees.nesting(tokens[first:]) > deepest:
        start = tokens[first].start
    return source.first_line + data.count(b"\n", 0, start)


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
