"""What people see: tables, lines, JSON, progress, questions.

Only tasks print, and they print through here. With ``--format json`` standard
output is one JSON document and nothing else; everything meant for people goes to
standard error.
"""

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from functools import singledispatch
from textwrap import fill
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TextIO, runtime_checkable

from ops import arguments, logline
from ops.logline import Severity

if TYPE_CHECKING:  # rich is imported late
    from rich.console import Console as RichConsole

WIDTH = 100  # columns that a table has to fit
_COMMAND = re.compile("`[^`]*`")
_STAYS = "\N{NO-BREAK SPACE}"


class Format(StrEnum):
    """How a task answers."""

    TABLE = "table"
    JSON = "json"


def parse_format(word: str) -> Format:
    """Return the format that ``--format`` names; raises ops.arguments.BadArgumentError."""
    return arguments.member("--format", word, Format)


def wrap(line: str) -> str:
    """Return a line that fits a terminal; names, paths and commands stay whole."""
    indent = line[: len(line) - len(line.lstrip())] + "  "
    text = _COMMAND.sub(lambda command: command[0].replace(" ", _STAYS), line)
    wrapped = fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return wrapped.replace(_STAYS, " ")


@dataclass(frozen=True, slots=True)
class Table:
    """A small table for people; cells are turned into text as they are printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@runtime_checkable
class Shown(Protocol):
    """A result that a task can show: blocks for people, its fields for machines."""

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read, in order."""


@singledispatch
def document(value: object) -> object:
    """Return a value as JSON types; dataclasses become objects of their fields.

    A dataclass with a ``document`` method says itself what its JSON holds.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = getattr(value, "document", None)
        if own is not None:
            return document(own())
        return {f.name: document(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return str(value)


@document.register(str | bool | int | float | None)
def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


@document.register
def _mapping(value: Mapping) -> object:  # type: ignore[type-arg]  # singledispatch takes the bare class
    return {str(key): document(item) for key, item in value.items()}


@document.register(tuple | list | set | frozenset)
def _sequence(value: Iterable[object]) -> object:
    return [document(item) for item in value]


@document.register(datetime | date)
def _moment(value: date) -> object:
    return value.isoformat()


@document.register
def _duration(value: timedelta) -> object:
    return value.total_seconds()


def to_json(value: object) -> str:
    """Return a result as JSON text, indented, in the order of its fields."""
    return json.dumps(document(value), indent=2, ensure_ascii=False)


class Phase(Protocol):
    """One piece of long work that is under way."""

    def advance(self, amount: float = 1) -> None:
        """Say that so much more of the total is done."""

    def note(self, text: str) -> None:
        """Say what is being done now."""


class Progress(Protocol):
    """Shows long work: bars on a terminal, plain lines elsewhere."""

    def phase(self, title: str, total: float | None = None) -> AbstractContextManager[Phase]:
        """Show a piece of work from here to the end of the block."""

    def line(self, text: str) -> None:
        """Print one line for people."""


class _Quiet:
    def advance(self, amount: float = 1) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def phase(self, title: str, total: float | None = None) -> Iterator[Phase]:  # noqa: ARG002 - the protocol's arguments
        """Show nothing."""
        yield _Quiet()

    def line(self, text: str) -> None:
        """Show nothing."""


class JsonLines:
    """Progress for logs that machines read: one JSON object a line, see ops.logline."""

    def __init__(self, to: TextIO) -> None:
        self._to = to

    @contextmanager
    def phase(self, title: str, total: float | None = None) -> Iterator[Phase]:  # noqa: ARG002 - the protocol's arguments
        """Say when the block begins and when it ends, with its seconds."""
        start = monotonic()
        self._say(f"{title} ...", phase=title)
        try:
            yield _Quiet()
        except BaseException:
            seconds = round(monotonic() - start, 3)
            words = f"{title} ... stopped after {seconds:.1f} s"
            self._say(words, Severity.WARNING, phase=title, seconds=seconds)
            raise
        seconds = round(monotonic() - start, 3)
        self._say(f"{title} ... {seconds:.1f} s", phase=title, seconds=seconds)

    def line(self, text: str) -> None:
        """Write one line at once."""
        self._say(text)

    def _say(self, text: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        print(logline.line(text, severity, **fields), file=self._to, flush=True)


@dataclass(slots=True)
class Lines:
    """Progress for logs: one line when a phase ends, with its seconds."""

    to: TextIO

    @contextmanager
    def phase(self, title: str, total: float | None = None) -> Iterator[Phase]:  # noqa: ARG002 - the protocol's arguments
        """Print the title and how long the block took; failures say so."""
        start = monotonic()
        try:
            yield _Quiet()
        except BaseException:
            self.line(f"{title} ... stopped after {monotonic() - start:.1f} s")
            raise
        self.line(f"{title} ... {monotonic() - start:.1f} s")

    def line(self, text: str) -> None:
        """Print one line at once."""
        print(text, file=self.to, flush=True)


class Bars:
    """Progress for a terminal: a bar while the phase lasts, one line after it."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._lines = Lines(to)
        self._live: RichConsole | None = None

    @contextmanager
    def phase(self, title: str, total: float | None = None) -> Iterator[Phase]:
        """Show a bar (a moving one where the total is unknown) until the block ends."""
        from rich import progress as rich_progress
        from rich.console import Console as RichConsole

        console = RichConsole(file=self._to, width=min(WIDTH, RichConsole().width))
        bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(bar_width=24),
            rich_progress.TextColumn("{task.fields[doing]}"),
            rich_progress.TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with self._lines.phase(title), bars:
            self._live = console
            try:
                yield _Bar(bars, bars.add_task(title, total=total, doing=""))
            finally:
                self._live = None

    def line(self, text: str) -> None:
        """Print one line at once, above the bar if there is one."""
        if self._live is None:
            self._lines.line(text)
        else:
            self._live.print(text, markup=False, highlight=False, soft_wrap=True)


class _Bar:
    def __init__(self, bars: object, task: object) -> None:
        self._bars, self._task = bars, task

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._task, amount)  # type: ignore[attr-defined]  # rich is imported late

    def note(self, text: str) -> None:
        self._bars.update(self._task, doing=text[:40])  # type: ignore[attr-defined]  # as above


class Console:
    """Prints for one invocation of a task."""

    def __init__(
        self, output: Format, out: TextIO | None = None, aside: TextIO | None = None
    ) -> None:
        self.output = output
        self._out = out or sys.stdout
        self._aside = aside or sys.stderr

    def line(self, text: str) -> None:
        """Print a line about the result to standard error, so that the result can be piped."""
        if logline.is_wanted():
            text = logline.line(text)
        print(text, file=self._aside, flush=True)

    @property
    def progress(self) -> Progress:
        """Return bars where people look at a terminal, lines elsewhere, JSON where it is wanted."""
        if logline.is_wanted():
            return JsonLines(self._aside)
        to = self._aside if self.output is Format.JSON else self._out
        return Bars(to) if to.isatty() else Lines(to)

    def show(self, result: Shown) -> None:
        """Print a result in the chosen format."""
        if self.output is Format.JSON:
            print(to_json(result), file=self._out, flush=True)
            return
        for block in result.blocks():
            self._block(block)

    def _block(self, block: Table | str) -> None:
        if isinstance(block, str):
            print(block, file=self._out, flush=True)
            return
        from rich.box import SIMPLE_HEAD
        from rich.console import Console as RichConsole
        from rich.table import Table as RichTable

        if block.title:
            print(block.title, file=self._out)
        table = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for column in block.columns:
            table.add_column(column, overflow="fold")
        for row in block.rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
        rich = RichConsole(file=self._out, width=WIDTH, markup=False, highlight=False)
        rich.print(table)
