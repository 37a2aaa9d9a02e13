"""The folder of migrations, read whole: every file parsed before anything runs.

A file is ``NNNN_name.sql`` in the annotation that dbmate's users know: statements
under ``-- migrate:up`` and ``-- migrate:down``, options on those lines.
"""

import codecs
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from ops import sql
from ops.errors import BadInputError
from ops.migrations import marks, parse
from ops.migrations.errors import (
    AlmostMarkError,
    BadFileNameError,
    BadNameError,
    ByteOrderMarkError,
    CantReadError,
    DuplicateNumberError,
    NoFolderError,
    NotTextError,
    NoUpError,
    StrayTextError,
    UnknownOptionError,
    WideTextError,
)
from ops.migrations.parse import Source, Statement, Token
from ops.migrations.refusals import BYTE_ORDER_MARK

FOLDER = sql.ROOT / "migrations"
_FILE_NAME = re.compile(r"(?P<version>\d+)_(?P<name>\w+)\.sql")
_TIMEOUT = re.compile(r"(?P<amount>\d{1,12})(?P<unit>ms|s|min|h)")
_UNITS_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000}
_MOST_MS = 2**31 - 1  # of statement_timeout, which PostgreSQL keeps in a 32-bit integer
_DIGITS = 4  # 0001, 0002, ...: ls shows them in order
_TEMPLATE = """\
-- migrate:up


-- migrate:down
-- If this can't be taken back, delete the down section's SQL and say why on its line:
-- -- migrate:down irreversible:"the reason"

"""


class Phase(StrEnum):
    """When a change may happen: before, beside or after the application that needs it."""

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Section:
    """One direction of a migration.

    Attributes:
        statements: in their order.
        checksum: of the parsed statements, so that comments and layout don't count.
        line: where its ``-- migrate:`` line stands.
        transaction: False where the author wants every statement by itself.
        timeout_ms: the longest statement, where the author says it.
        phase: where the author says it.
        irreversible: why this can't be taken back; only on the down line.
    """

    statements: tuple[Statement, ...]
    checksum: str
    line: int
    transaction: bool = True
    timeout_ms: int | None = None
    phase: Phase | None = None
    irreversible: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, and its two directions.

    Attributes:
        version: its number, as the file's name has it.
        name: the rest of the file's name.
        file: its path, as people type it.
        up: what applies it.
        down: what takes it back.
        problem: why it must not run; None where nothing is wrong.
        analysed: False where its text can't be read or parsed; it has no statements then.
    """

    version: str
    name: str
    file: str
    up: Section
    down: Section | None
    problem: BadInputError | None = None
    analysed: bool = True

    @property
    def order(self) -> int:
        """Return its number."""
        return int(self.version)

    @property
    def down_checksum(self) -> str:
        """Return the checksum of what takes it back, empty where nothing does."""
        return self.down.checksum if self.down and self.down.statements else ""

    @property
    def title(self) -> str:
        """Return its number and name, as messages list it."""
        return f"{self.version}_{self.name}"

    @property
    def draft(self) -> bool:
        """Return whether nothing is written in it yet, as in a new file."""
        return self.problem is None and not self.up.statements


def read(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of a folder, in the order of their numbers.

    A file that can't be read or parsed is among them, with its problem: what comes before it
    can be applied, and the others can be shown.

    Raises:
        ops.errors.BadInputError: a file can't be named so, or two carry the same number: their
            order is unknown.
    """
    if not folder.is_dir():
        raise NoFolderError(_relative(folder))
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".sql" and not p.is_dir())
    migrations = sorted(map(_read_file, paths), key=lambda migration: migration.order)
    for first, second in pairwise(migrations):
        if first.order == second.order:
            raise DuplicateNumberError(first.file, second.file, next_version(folder))
    return tuple(migrations)


def parse_text(file: str, text: str) -> Migration:
    """Return the migration that a file's name and text make; raises BadInputError."""
    version, name = _version_and_name(file)
    if text.startswith(BYTE_ORDER_MARK):
        raise ByteOrderMarkError(file, 1)
    tokens = parse.scan(Source(file, text))
    sections = _sections(file, text, tokens)
    up = sections.get("up")
    if up is None:
        if sections or not all(token.is_comment for token in tokens):
            raise NoUpError(file)
        up = Section((), parse.checksum(()), 1)  # a file that is still empty
    almost = _almost_mark(file, tokens, sections)
    return Migration(version, name, file, up, sections.get("down"), almost)


def create(name: str, folder: Path = FOLDER) -> Path:
    """Write a new file with the next free number, and return its path.

    Raises:
        BadNameError: the name can't be part of a file's name.
    """
    slug = re.sub(r"[\s-]+", "_", name.strip().lower())
    if not re.fullmatch(r"[a-z0-9_]+", slug):
        raise BadNameError(name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{next_version(folder)}_{slug}.sql"
    with path.open("x", encoding="utf-8") as file:
        file.write(_TEMPLATE)
    return path


def next_version(folder: Path) -> str:
    """Return the number after the highest one in the folder."""
    named = (_FILE_NAME.fullmatch(path.name) for path in folder.glob("*.sql"))
    versions = [match["version"] for match in named if match]
    digits = max((len(version) for version in versions), default=_DIGITS)
    return str(max(map(int, versions), default=0) + 1).zfill(digits)


def _read_file(path: Path) -> Migration:
    file = _relative(path)
    version, name = _version_and_name(file)
    try:
        return parse_text(file, _text(path, file))
    except BadInputError as problem:
        return Migration(version, name, file, Section((), "", 1), None, problem, analysed=False)


def _text(path: Path, file: str) -> str:
    """Return a file's text, its line ends as one character; raises BadInputError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CantReadError(file, error.strerror or str(error)) from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise WideTextError(file)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotTextError(file, 1 + data.count(b"\n", 0, error.start)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _version_and_name(file: str) -> tuple[str, str]:
    named = _FILE_NAME.fullmatch(Path(file).name)
    if named is None:
        raise BadFileNameError(file)
    return named["version"], named["name"]


def _relative(path: Path) -> str:
    """Return a path as people type it: from here where it lies below."""
    current = Path.cwd()
    return str(path.relative_to(current) if path.is_relative_to(current) else path)


def _sections(file: str, text: str, tokens: Sequence[Token]) -> dict[str, Section]:
    places = [(token, mark) for token in tokens if (mark := _mark(token))]
    if not places:
        return {}
    for token in tokens:
        if token.start < places[0][0].start and not token.is_comment:
            raise StrayTextError(file, token.line, "SQL stands above the first section")
    sections: dict[str, Section] = {}
    ends = [token.start for token, _ in places[1:]] + [len(text)]
    for (token, mark), end in zip(places, ends, strict=True):
        if mark["direction"] in sections or (mark["direction"] == "up" and sections):
            raise StrayTextError(file, token.line, f"migrate:{mark['direction']} is out of place")
        section = _options(file, token.line, mark)
        body = text[token.start + len(token.text) : end]
        statements = parse.parse(Source(file, body, token.line))
        sections[mark["direction"]] = replace(
            section, statements=statements, checksum=parse.checksum(statements)
        )
    return sections


def _mark(token: Token) -> re.Match[str] | None:
    return marks.mark(token.text) if token.is_comment else None


def _almost_mark(
    file: str, tokens: Sequence[Token], sections: Mapping[str, Section]
) -> AlmostMarkError | None:
    """Return the first comment that is almost a mark."""
    down = sections.get("down")
    before: Token | None = None
    for token in tokens:
        if not token.is_comment:
            before = token
            continue
        begins_line = before is None or before.line < token.line
        between = begins_line and (before is None or before.text == ";")
        in_down = down is not None and token.line > down.line
        disabled = in_down and marks.is_disabled_down(token.text)
        if not _mark(token) and not disabled and marks.is_almost(token.text, between=between):
            return AlmostMarkError(file, token.line, parse.shortened(token.text, limit=60))
    return None


def _options(file: str, line: int, mark: re.Match[str]) -> Section:
    """Return a section without statements, with the options of its line."""
    section = Section((), "", line)
    names = []
    for option in _words(file, line, mark["options"]):
        name, _, value = option.partition(":")
        timeout_ms = _timeout_ms(value)
        if name in names:
            raise UnknownOptionError(file, line, f"{option} (the second {name})")
        if name == "irreversible" and value.strip() and mark["direction"] == "down":
            section = replace(section, irreversible=value.strip())
        elif name == "transaction" and value in {"true", "false"}:
            section = replace(section, transaction=value == "true")
        elif name == "phase" and value in set(Phase):
            section = replace(section, phase=Phase(value))
        elif name == "timeout" and 0 < timeout_ms <= _MOST_MS:
            section = replace(section, timeout_ms=timeout_ms)
        else:
            raise UnknownOptionError(file, line, option)
        names.append(name)
    return section


def _timeout_ms(value: str) -> int:
    """Return a timeout such as ``30s`` in milliseconds, 0 where it isn't one."""
    parts = _TIMEOUT.fullmatch(value)
    return int(parts["amount"]) * _UNITS_MS[parts["unit"]] if parts else 0


def _words(file: str, line: int, options: str) -> Iterable[str]:
    try:
        return shlex.split(options)
    except ValueError:  # a quote without its other end
        raise UnknownOptionError(file, line, options.strip()) from None
