"""The folder of migrations, read whole: every file parsed before anything runs.

A file is ``NNNN_name.sql`` in the annotation that dbmate's users know: statements
under ``-- migrate:up`` and ``-- migrate:down``, options on those lines.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from ops import sql
from ops.migrations import parse
from ops.migrations.errors import (
    BadFileNameError,
    BadNameError,
    DuplicateNumberError,
    NoFolderError,
    NotTextError,
    NoUpError,
    StrayTextError,
    UnknownOptionError,
)
from ops.migrations.parse import Source, Statement, Token

FOLDER = sql.ROOT / "migrations"
_FILE_NAME = re.compile(r"(?P<version>\d+)_(?P<name>\w+)\.sql")
_MARK = re.compile(r"--\s*migrate:(?P<direction>up|down)(?P<options>\s.*|)")
_TIMEOUT = re.compile(r"(?P<amount>\d+)(?P<unit>ms|s|min|h)")
_UNITS_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000}
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
    """One file: its number, and its two directions."""

    version: str
    name: str
    file: str
    up: Section
    down: Section | None

    @property
    def order(self) -> int:
        """Return its number."""
        return int(self.version)

    @property
    def draft(self) -> bool:
        """Return whether nothing is written in it yet, as in a new file."""
        return not self.up.statements


def read(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of a folder, in the order of their numbers.

    Raises:
        ops.errors.BadInputError: a file can't be read, named so, or parsed; or two files
            carry the same number.
    """
    if not folder.is_dir():
        raise NoFolderError(_shown(folder))
    paths = sorted(path for path in folder.glob("*.sql") if path.is_file())
    migrations = sorted(map(_read_file, paths), key=lambda migration: migration.order)
    for first, second in pairwise(migrations):
        if first.order == second.order:
            raise DuplicateNumberError(first.file, second.file, next_version(folder))
    return tuple(migrations)


def parse_text(file: str, text: str) -> Migration:
    """Return the migration that a file's name and text make; raises BadInputError."""
    named = _FILE_NAME.fullmatch(Path(file).name)
    if named is None:
        raise BadFileNameError(file)
    sections = _sections(file, text)
    up = sections.get("up")
    if up is None:
        raise NoUpError(file)
    return Migration(named["version"], named["name"], file, up, sections.get("down"))


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
    versions = [found["version"] for found in named if found]
    digits = max((len(version) for version in versions), default=_DIGITS)
    return str(max(map(int, versions), default=0) + 1).zfill(digits)


def _read_file(path: Path) -> Migration:
    try:
        return parse_text(_shown(path), path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise NotTextError(_shown(path)) from None


def _shown(path: Path) -> str:
    """Return a path as people type it: from here where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _sections(file: str, text: str) -> dict[str, Section]:
    tokens = parse.scan(Source(file, text))
    marks = [(token, found) for token in tokens if (found := _mark(token))]
    if not marks:
        raise NoUpError(file)
    for token in tokens:
        if token.start < marks[0][0].start and not token.is_comment:
            raise StrayTextError(file, token.line, "SQL stands above the first section")
    sections: dict[str, Section] = {}
    ends = [token.start for token, _ in marks[1:]] + [len(text)]
    for (token, mark), end in zip(marks, ends, strict=True):
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
    return _MARK.fullmatch(token.text.rstrip()) if token.is_comment else None


def _options(file: str, line: int, mark: re.Match[str]) -> Section:
    """Return a section without statements, with the options of its line."""
    section = Section((), "", line)
    for option in _words(file, line, mark["options"]):
        name, _, value = option.partition(":")
        if name == "irreversible" and value.strip() and mark["direction"] == "down":
            section = replace(section, irreversible=value.strip())
        elif name == "transaction" and value in {"true", "false"}:
            section = replace(section, transaction=value == "true")
        elif name == "phase" and value in set(Phase):
            section = replace(section, phase=Phase(value))
        elif name == "timeout" and (found := _TIMEOUT.fullmatch(value)):
            section = replace(section, timeout_ms=int(found["amount"]) * _UNITS_MS[found["unit"]])
        else:
            raise UnknownOptionError(file, line, option)
    return section


def _words(file: str, line: int, options: str) -> Iterable[str]:
    try:
        return shlex.split(options)
    except ValueError:  # a quote without its other end
        raise UnknownOptionError(file, line, options.strip()) from None
