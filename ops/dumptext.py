"""SQL text as pg_dump writes it, read statement by statement, and names of tables in it.

A line of a dump may be part of a name, a string, a function's body or a table's data: only
what stands between them is a statement.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ops.errors import BadInputError

TableName = tuple[str, str]  # schema and name, as the catalogs have them

_NAME_CHARACTER = rb"A-Za-z0-9_\x80-\xff$"
_SPECIAL = re.compile(
    rb"[\"';]|--|/\*"
    rb"|(?<![" + _NAME_CHARACTER + rb"])[eE]'"
    rb"|(?<![" + _NAME_CHARACTER + rb"])\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$"
)
_ESCAPED_STRING = re.compile(rb"(?:[^'\\]|\\.|'')*+'", re.DOTALL)
# A statement is held in memory as a whole. PostgreSQL itself takes up to 1 GiB.
MOST_STATEMENT_BYTES = 1 << 26
_CREATE_ROUTINE = re.compile(
    rb"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s", re.IGNORECASE
)
_NESTING = re.compile(
    rb"[()]|(?<![" + _NAME_CHARACTER + rb"])(?:BEGIN|CASE|END)(?![" + _NAME_CHARACTER + rb"])",
    re.IGNORECASE,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_ANY_CASE = re.IGNORECASE
_PART = rb'(?:"(?:[^"]|"")+"|[^\s"().;,]+)'
_NAME = _PART + rb"(?:\." + _PART + rb")?"
_COPY = re.compile(rb"COPY\s+(" + _NAME + rb")(?:\s|\().*\bFROM\s+stdin\b.*", re.DOTALL | _ANY_CASE)
_CREATE = re.compile(
    rb"CREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + _NAME + rb")(?=[\s(])",
    _ANY_CASE,
)
_ENCODING = re.compile(rb"SET\s+client_encoding\s*(?:=|TO)\s*'?([A-Za-z0-9_-]+)'?", _ANY_CASE)
_IDENTIFIER = re.compile(r'"((?:[^"]|"")+)"|([^".\s][^".]*)')
_SPACE = " \t\n\r\f\v"
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")


class LongStatementError(BadInputError):
    """A statement is too long to be held in memory."""

    def __init__(self, line: int) -> None:
        super().__init__(
            f"The statement on line {line} is longer than {MOST_STATEMENT_BYTES >> 20} MiB. Export "
            "with fewer rows in each statement."
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a dump.

    Attributes:
        raw: all bytes since the statement before: comments, blank lines, the semicolon.
        text: the statement without these; a command of psql begins with a backslash.
        line: where it begins, from 1, without lines of data that somebody else took.
    """

    raw: bytes
    text: bytes
    line: int = 0

    @property
    def copied(self) -> bytes:
        """Return the table whose data follow on the next lines; empty where none do."""
        match = _COPY.fullmatch(self.text)
        return match[1] if match else b""

    @property
    def created(self) -> bytes:
        """Return the table that it creates; empty where it creates none."""
        match = _CREATE.match(self.text)
        return match[1] if match else b""

    @property
    def encoding(self) -> str:
        """Return the encoding that it sets, as Python calls it; empty where it sets none."""
        match = _ENCODING.fullmatch(self.text)
        if match is None:
            return ""
        name = match[1].decode().upper().replace("WIN", "CP")
        try:
            return codecs.lookup(name).name
        except LookupError:  # SQL_ASCII and what Python does not know
            return "utf-8"


class _Nesting:
    """Counts what a CREATE statement has open, as psql does: a semicolon in there ends nothing.

    These are parentheses (of a rule's commands) and BEGIN ATOMIC (of a routine's body); see
    paren_depth and begin_depth in src/fe_utils/psqlscan.l.
    """

    def __init__(self) -> None:
        self._parentheses = self._blocks = 0

    @property
    def is_open(self) -> bool:
        return self._parentheses > 0 or self._blocks > 0

    def count(self, code: bytes, *, is_routine: bool) -> None:
        """Count in a part of the statement that is neither quoted nor a comment."""
        for match in _NESTING.finditer(code):
            word = match[0].upper()
            if word == b"(":
                self._parentheses += 1
            elif word == b")":
                self._parentheses = max(0, self._parentheses - 1)
            elif is_routine and not self._parentheses:
                if word == b"END":
                    self._blocks = max(0, self._blocks - 1)
                elif word == b"BEGIN" or self._blocks:
                    self._blocks += 1


class _Scanner:
    """Finds where statements end; what is quoted or commented may go over many lines."""

    def __init__(self) -> None:
        self._raw, self._text = bytearray(), bytearray()
        self._code: list[bytes] = []  # parts of a CREATE statement whose nesting is not counted
        self._nesting = _Nesting()
        self._closing = b""  # what ends the quoted part that we are in
        self._depth = 0  # of comments
        self._line = self._first = 0  # lines taken; where the statement began

    @property
    def is_between(self) -> bool:
        """Return whether no statement has begun."""
        return not self._first and not self._closing and not self._depth

    def take(self, line: bytes) -> Iterator[Statement]:
        """Yield the statements that end in a line.

        Raises:
            LongStatementError: a statement has not ended for too long.
        """
        self._line += 1
        if len(self._raw) + len(line) > MOST_STATEMENT_BYTES:
            raise LongStatementError(self._first or self._line)
        if self.is_between and line.startswith(b"\\"):  # a command of psql
            self._add(line)
            yield self._end(line)
            return
        begin = place = self._after_comment(line, 0)
        while place < len(line):
            if self._closing:
                place = self._after_quote(line, place)
                continue
            match = _SPECIAL.search(line, place)
            if match is None:
                self._keep_code(line[place:])
                break
            token, start = match[0], match.start()
            self._keep_code(line[place:start])
            place = match.end()
            if token == b";":
                if self._is_nested(line[begin:start]):
                    continue
                self._add(line[begin:start])
                place = place if line[place:].strip() else len(line)
                yield self._end(line[:place])
                line, begin, place = line[place:], 0, 0
            elif token == b"--":
                self._add(line[begin:start] + b"\n")
                begin = place = self._after_line_comment(line, place)
            elif token == b"/*":
                self._add(line[begin:start] + b" ")
                self._depth = 1
                begin = place = self._after_comment(line, place)
            else:
                self._closing = token.upper() if token[:1] in b"eE" else token
        self._add(line[begin:])
        self._raw += line

    def _add(self, text: bytes) -> None:
        self._text += text if self._text else text.lstrip()
        if not self._first and text.strip():
            self._first = self._line

    def _keep_code(self, code: bytes) -> None:
        if self._code or code.lstrip()[:6].upper() == b"CREATE":
            self._code.append(code)

    def _is_nested(self, text: bytes) -> bool:
        """Return whether a semicolon after this text stands inside the statement."""
        if not self._code:
            return False
        is_routine = _CREATE_ROUTINE.match(bytes(self._text[:100]) + text[:100]) is not None
        self._nesting.count(b" ".join(self._code), is_routine=is_routine)
        self._code = [b" "]
        return self._nesting.is_open

    def _after_comment(self, line: bytes, place: int) -> int:
        """Return where the comment ends that we are in, which may hold others."""
        while self._depth:
            edge = _COMMENT_EDGE.search(line, place)
            if edge is None:
                return len(line)
            self._depth += 1 if edge[0] == b"/*" else -1
            place = edge.end()
        return place

    def _after_line_comment(self, line: bytes, place: int) -> int:
        """Return where it ends: at a carriage return too, as psql and the server read it."""
        end = line.find(b"\r", place)
        return len(line) if end < 0 else end

    def _after_quote(self, line: bytes, place: int) -> int:
        """Return where the name, string or body ends that we are in."""
        if self._closing == b"E'":
            match = _ESCAPED_STRING.match(line, place)
            end = -1 if match is None else match.end()
        else:
            position = line.find(self._closing, place)
            end = -1 if position < 0 else position + len(self._closing)
        if end < 0:
            return len(line)
        self._closing = b""
        return end

    def _end(self, piece: bytes) -> Statement:
        line = self._first or self._line
        statement = Statement(bytes(self._raw + piece), bytes(self._text.strip()), line)
        self._raw.clear()
        self._text.clear()
        self._code, self._nesting, self._first = [], _Nesting(), 0
        return statement

    def rest(self) -> Statement:
        """Return what comes after the last semicolon; psql runs that too."""
        return self._end(b"")


def statements(lines: Iterator[bytes]) -> Iterator[Statement]:
    """Yield the statements of a dump, and last what comes after them.

    Whoever gets a statement whose data follow takes them from ``lines`` before the next one.
    """
    scanner = _Scanner()
    for line in lines:
        yield from scanner.take(line)
    yield scanner.rest()


def table(name: str) -> tuple[str, ...]:
    """Return the parts of a name as SQL reads it: folded to lower case unless it is quoted."""
    parts, place = [], 0
    while match := _IDENTIFIER.match(name, place):
        quoted, plain = match[1], match[2]
        parts.append(quoted.replace('""', '"') if quoted else _fold(plain.strip(_SPACE)))
        place = match.end() + 1
        if match.end() == len(name):
            return tuple(parts)
        if name[match.end()] != ".":
            break
    return ()


def _fold(name: str) -> str:
    """Return a name in lower case: PostgreSQL folds the letters of ASCII alone."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def label(parts: Iterable[str]) -> str:
    """Return a name as SQL and pg_dump read it, and as people see it."""
    return ".".join(
        part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts
    )


def resolve(name: str, tables: Iterable[TableName]) -> TableName | None:
    """Return the table that a person means: as SQL reads the name, else letter by letter."""
    known = sorted(tables, key=lambda it: (it[0] != "public", it))
    parts = table(name)
    for candidate in known:
        if parts in (candidate, candidate[1:]):
            return candidate
    for candidate in known:
        if name in (".".join(candidate), candidate[1]):
            return candidate
    return None


def split(text: str) -> tuple[str, ...]:
    """Return the names in a list with commas between them; a quoted name may hold commas."""
    names = re.findall(r'(?:"(?:[^"]|"")*"|[^,"])+', text)
    return tuple(name.strip(" \t") for name in names if name.strip())
