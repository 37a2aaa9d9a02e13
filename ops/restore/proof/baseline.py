"""What the source held at the marker: answers, content, sequences."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from ops.db import Budget
from ops.restore.crew import Crew
from ops.restore.proof import content, marker, questions, sequences
from ops.restore.proof.content import Content, Sum, TableShape
from ops.restore.proof.marker import Marker
from ops.restore.proof.questions import Answer
from ops.restore.proof.sequences import Reach
from ops.restore.proof.trouble import Trouble
from ops.restore.source import Source

# The whole content is read, but never in front of the application's own locks.
READ = Budget(statement_s=0, lock_s=1.0, read_only=True)


@dataclass(frozen=True, slots=True)
class Proven:
    """What is known of a table's content at the marker.

    Attributes:
        shape: how it was hashed, and must be on the copy.
        sums: what every proven stretch must hold.
        moving: stretches that changed around the marker: nothing can be said of them.
        rows, moving_rows: how many rows there are, and how many of them in moving stretches.
        trouble: why the table could not be read, if so.
    """

    shape: TableShape
    sums: Mapping[int, Sum]
    moving: frozenset[int] = frozenset()
    rows: int = 0
    moving_rows: int = 0
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a clone to the marker must hold.

    Attributes:
        marker: the moment.
        answers: to the questions that must be answered alike, by question and object.
        moving: objects whose answer changed while we read, by question.
        content: of every table.
        sequences: how far the sequences were after the marker.
    """

    marker: Marker
    answers: Mapping[str, Answer]
    moving: Mapping[str, frozenset[str]]
    content: Mapping[str, Proven]
    sequences: Mapping[str, Reach]


def take(crew: Crew, source: Source, drill: str, marked: "Future[Marker]", tries: int) -> Baseline:
    """Set the marker, tell it at once through ``marked``, and read the baseline under it."""
    try:
        with marker.hold(crew, source, drill, tries) as found:
            marked.set_result(found)
            return read(crew, source, found)
    except BaseException as error:
        if not marked.done():
            marked.set_exception(error)
        raise


def read(crew: Crew, source: Source, found: Marker) -> Baseline:
    """Return the baseline, read under the marker's snapshots."""
    with crew.connect(source.login(READ)) as connection:
        with content.under(connection, found.snapshots[0]):
            answers = questions.ask_all(connection)
            shapes = content.shapes(connection)
        reach = sequences.read(connection)
    low, high = _contents(crew, source, found, shapes)
    with crew.connect(source.login(READ)) as connection:
        again = questions.ask_all(connection)
    return Baseline(
        marker=found,
        answers=answers,
        moving={question: moving(answers[question], again[question]) for question in answers},
        content={label: prove(low[label], high[label]) for label in low},
        sequences=reach,
    )


def _contents(
    crew: Crew, source: Source, found: Marker, shapes: tuple[TableShape, ...]
) -> tuple[Mapping[str, Content], Mapping[str, Content]]:
    login = source.login(READ)
    if found.exact:
        low = content.read(crew, login, shapes, found.snapshots[0])
        return low, low
    cut = tuple(shape.in_stretches() for shape in shapes)
    low = content.read(crew, login, cut, found.snapshots[0])
    return low, content.read(crew, login, cut, found.snapshots[1])


def moving(before: Answer, after: Answer) -> frozenset[str]:
    """Return the objects whose definition is not the same in both answers."""
    return frozenset(name for name, _ in set(before.items()) ^ set(after.items()))


def prove(low: Content, high: Content) -> Proven:
    """Return what two readings around the marker prove of a table."""
    trouble = low.trouble or high.trouble
    if trouble is not None:
        return Proven(low.shape, {}, trouble=trouble)
    every = low.sums.keys() | high.sums.keys()
    same = {key: low.sums[key] for key in low.sums if high.sums.get(key) == low.sums[key]}
    unlike = frozenset(every - same.keys())
    rows = high.rows
    moving_rows = sum(high.sums[key].rows for key in unlike if key in high.sums)
    return Proven(low.shape, same, unlike, rows, moving_rows)
