"""The hidden first line of a comment: whose it is, and of which commit and run."""

import re
from dataclasses import dataclass

from ops.errors import BadInputError

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+]|-(?!-)){0,99}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1, SHA-256
_RUN = re.compile(r"(\d{1,9})\.(\d{1,9})")
_LINE = re.compile(
    r"<!-- preview of (?P<project>[^\s]+) key=(?P<key>[^\s]+)"
    r" commit=(?P<commit>[0-9a-f]+) run=(?P<run>\d{1,9})\.(?P<attempt>\d{1,9}) -->"
)


class BadStampError(BadInputError):
    """An option can't be part of the hidden line."""

    def __init__(self, option: str, value: str, remedy: str) -> None:
        super().__init__(f"{option} can't be {value[:80]!r}. {remedy}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one comment is about; there is one comment of each.

    Attributes:
        project: The Pulumi project.
        key: Which of its previews, as ``all`` or ``prod``.
    """

    project: str
    key: str

    def __post_init__(self) -> None:
        """Refuse names that would end the hidden line; raises BadStampError."""
        remedy = "Use letters, digits, dots and single dashes."
        if not _NAME.fullmatch(self.project):
            raise BadStampError("The project's name", self.project, remedy)
        if not _NAME.fullmatch(self.key):
            raise BadStampError("--key", self.key, remedy)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which run wrote a comment.

    Attributes:
        commit: That was previewed.
        run: The workflow run's number, which grows with every run; 0 by hand.
        attempt: Of the run.
    """

    commit: str
    run: int = 0
    attempt: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no commit; raises BadStampError."""
        if not _COMMIT.fullmatch(self.commit):
            remedy = "Give the whole id of the commit, as `git rev-parse HEAD` prints it."
            raise BadStampError("--commit", self.commit, remedy)

    @property
    def order(self) -> tuple[int, int]:
        """Return what sorts runs: a later one is greater."""
        return self.run, self.attempt


def parse_run(text: str) -> tuple[int, int]:
    """Return a run's number and attempt, (0, 0) for none; raises BadStampError."""
    if not text:
        return 0, 0
    match = _RUN.fullmatch(text)
    if match is None:
        raise BadStampError("--run", text, "Write NUMBER.ATTEMPT, as 57.1.")
    return int(match[1]), int(match[2])


def marker(subject: Subject, stamp: Stamp) -> str:
    """Return the hidden line."""
    run = f"{stamp.run}.{stamp.attempt}"
    name = f"preview of {subject.project} key={subject.key}"
    return f"<!-- {name} commit={stamp.commit} run={run} -->"


def stamp_of(body: str, subject: Subject) -> Stamp | None:
    """Return the stamp of a comment; None where it is not about the subject."""
    first = body.splitlines()[0] if body else ""
    match = _LINE.fullmatch(first)
    if match is None or (match["project"], match["key"]) != (subject.project, subject.key):
        return None
    try:
        return Stamp(match["commit"], int(match["run"]), int(match["attempt"]))
    except BadStampError:
        return None
