"""What the source held at the marker: answers, content, sequences."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

import psycopg

from ops.checks import trouble
from ops.checks.crew import Crew
from ops.checks.reading import READ, released, under
from ops.checks.trouble import Trouble
from ops.db import Connection
from ops.restore.proof import marker
from ops.restore.proof.marker import Marker
from ops.restore.source import Source
from ops.schema import catalogs, content, definitions, sequences, tablecontent
from ops.schema.catalogs import Catalogs
from ops.schema.content import Content
from ops.schema.definitions import Answer
from ops.schema.proven import Expected, Proven, prove
from ops.schema.sequences import Reach
from ops.schema.tablecontent import TableShape


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a clone to the marker must hold.

    Attributes:
        marker: the moment.
        answers: to the questions that must be answered alike, by question and object.
        moving: objects whose answer changed while we read, by question.
        content: of every table.
        sequences: how far the sequences were after the marker.
        catalogs: the system catalogs before the marker and after it.
        left_out: tables whose content is not compared on purpose, by the reason.
    """

    marker: Marker
    answers: Mapping[str, Answer | Trouble]
    moving: Mapping[str, frozenset[str]]
    content: Mapping[str, Proven]
    sequences: Mapping[str, Reach]
    catalogs: tuple[Catalogs | Trouble, Catalogs | Trouble]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def tables(self) -> Expected:
        """Return what the tables must hold."""
        return Expected(self.content, exact=self.marker.exact, left_out=self.left_out)


def take(crew: Crew, source: Source, drill: str, marked: "Future[Marker]", tries: int) -> Baseline:
    """Set the marker, tell it at once through ``marked``, and read the baseline under it."""
    try:
        before = _ask_now(crew, source)
        with marker.hold(crew, source, drill, tries) as marker_held:
            marked.set_result(marker_held)
            return read(crew, source, marker_held, before)
    except BaseException as error:
        if not marked.done():
            marked.set_exception(error)
        raise


def read(
    crew: Crew, source: Source, marker_held: Marker, before: Mapping[str, Answer | Trouble]
) -> Baseline:
    """Return the baseline, read under the marker's snapshots.

    PostgreSQL's functions that print definitions print those of now, whatever the snapshot,
    so the questions are asked before the marker, under its snapshots and after all else:
    what was not the same every time is moving. Answers that a snapshot holds still but for the
    names of roles are taken from the snapshots alone, where no role was changed.
    """
    with crew.connect(source.login(READ)) as connection:
        with under(connection, marker_held.snapshots[0]):
            answers = definitions.ask_all(connection)
            low = _catalogs(connection)
            shapes = tablecontent.shapes(connection)
            left_out = content.left_out(connection)
        reach = sequences.read(connection)
        readings, high = [before, answers], low
        for snapshot in marker_held.snapshots[1:]:
            with under(connection, snapshot):
                readings.append(definitions.ask_all(connection))
                high = _catalogs(connection)
    contents, held_after = _contents(crew, source, marker_held, shapes)
    held_still = readings[1:]
    readings.append(_ask_now(crew, source))
    if _moving(readings, "roles"):
        held_still = readings
    unanswered = {q: _trouble([each[q] for each in readings]) for q in answers}
    return Baseline(
        marker=marker_held,
        answers={q: unanswered[q] or answers[q] for q in answers},
        moving={
            q: _moving(held_still if q in definitions.OF_SNAPSHOT else readings, q) for q in answers
        },
        content={label: prove(contents[label], held_after[label]) for label in contents},
        sequences=reach,
        catalogs=(low, high),
        left_out=left_out,
    )


def _ask_now(crew: Crew, source: Source) -> Mapping[str, Answer | Trouble]:
    with crew.connect(source.login(READ)) as connection, under(connection):
        return definitions.ask_all(connection)


def _catalogs(connection: Connection) -> Catalogs | Trouble:
    try:
        with released(connection):
            return catalogs.read(connection)
    except psycopg.Error as error:
        if connection.broken:
            raise
        return trouble.of(error).on_source()


def _trouble(answers: Iterable[Answer | Trouble]) -> Trouble | None:
    return next((answer.on_source() for answer in answers if isinstance(answer, Trouble)), None)


def _contents(
    crew: Crew, source: Source, marker_held: Marker, shapes: tuple[TableShape, ...]
) -> tuple[Mapping[str, Content], Mapping[str, Content]]:
    login = source.login(READ)
    if marker_held.exact:
        low = content.read(crew, login, shapes, marker_held.snapshots[0])
        return low, low
    cut = tuple(shape.in_stretches() for shape in shapes)
    low = content.read(crew, login, cut, marker_held.snapshots[0])
    return low, content.read(crew, login, cut, marker_held.snapshots[1])


def _moving(answers: Iterable[Mapping[str, Answer | Trouble]], question: str) -> frozenset[str]:
    return definitions.moving(*(answer[question] for answer in answers))
