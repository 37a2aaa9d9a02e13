"""What the tasks show: the logins, what differs, what was changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ops.checks import report
from ops.checks.result import CheckResult, State, worst
from ops.console import Table
from ops.roles.checks import name_objects, of_difference, of_sessions
from ops.roles.facts import Kind, Login
from ops.roles.plan import Change, Difference
from ops.sessions import Sessions

_COLUMNS = ("do", "role", "on", "what")


def _table(title: str, changes: Iterable[Change]) -> Table:
    rows = tuple(
        (
            change.action,
            change.role,
            name_objects(change),
            "membership" if change.kind is Kind.MEMBERSHIP else ", ".join(change.words),
        )
        for change in changes
    )
    return Table(title, _COLUMNS, rows)


def _beyond(difference: Difference) -> Iterator[Table | str]:
    """Yield what stays as it is whatever is applied."""
    barred = tuple(change for change in difference.changes if change in difference.barred)
    checks = of_difference(replace(difference, changes=barred))
    left = [check for check in checks if check.state is not State.OK or check.findings]
    if left:
        yield from report.blocks("Left as it is", left)


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A privilege that somebody granted who does not own the object.

    Attributes:
        kind: What sort of object.
        name: The object's name, for people.
        grantor: Who granted it.
        grantee: To whom; PUBLIC for everybody.
        word: The privilege.
    """

    kind: str
    name: str
    grantor: str
    grantee: str
    word: str


@dataclass(frozen=True, slots=True)
class Status:
    """How the roles stand.

    Attributes:
        stack: the stack.
        database: the application's.
        logins: who may log in, as declared.
        difference: what is not as declared.
        sessions: whether the users can log in, and what their sessions begin with.
    """

    stack: str
    database: str
    logins: tuple[Login, ...]
    difference: Difference
    sessions: Sessions = field(default_factory=Sessions)

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Return what came out, check by check."""
        return (*of_difference(self.difference), *of_sessions(self.sessions))

    @property
    def state(self) -> State:
        """Return whether everything is as declared, and nothing besides; unknown is not ok."""
        return worst(check.state for check in self.checks)

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "stack": self.stack,
            "state": self.state,
            "database": self.database,
            "logins": self.logins,
            "checks": self.checks,
            "difference": self.difference,
            "sessions": self.sessions,
        }

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        yield Table(
            "",
            ("login", "role", "by"),
            tuple(
                (log_in.name, log_in.role, "IAM" if log_in.iam else "password")
                for log_in in self.logins
            ),
        )
        yield from report.blocks(f"Roles, grants and settings of {self.database}", self.checks)
        if self.state is State.OK:
            yield (
                f"Roles, grants and settings of {self.database} are what sql/roles declares, and"
                " every user with a password logged in."
            )


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be changed.

    Attributes:
        stack: the stack.
        difference: what is not as declared.
        prune: whether what is not declared would be taken away.
        passed_on: what would go with it, since those who lose it granted it to others.
    """

    stack: str
    difference: Difference
    prune: bool
    passed_on: tuple[PassedOn, ...] = ()

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        changes = self.difference.doable(prune=self.prune)
        if changes:
            yield _table("Would change, in one transaction", changes)
        else:
            yield "Nothing to change."
        if self.passed_on:
            rows = tuple(
                (p.grantee, f"{p.kind} {p.name}", p.word, p.grantor) for p in self.passed_on
            )
            yield Table("GOES WITH IT, since it was passed on", ("role", "on", "what", "by"), rows)
        left = replace(self.difference, extra=()) if self.prune else self.difference
        yield from _beyond(left)


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed.

    Attributes:
        stack: the stack.
        changes: what was done.
        left: what is not as declared afterwards.
        stuck: what was to change and did not.
        passed_on: who granted what, besides the owners of the objects.
    """

    stack: str
    changes: tuple[Change, ...]
    left: Difference
    stuck: tuple[Change, ...] = ()
    passed_on: tuple[PassedOn, ...] = ()

    @property
    def state(self) -> State:
        """Return whether everything that is declared is so; what is more than that may stay."""
        done = not (self.left.changes or self.left.foreign or self.stuck)
        return State.OK if done else State.FINDING

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        if self.changes:
            yield _table("Changed", self.changes)
        elif not self.left.changes:
            yield "Nothing to change: what sql/roles declares is so."
        if self.stuck:
            yield _table("DID NOT CHANGE, although it was sent", self.stuck)
            for p in self.passed_on:
                yield (
                    f"{p.grantor} granted {p.word} on {p.kind} {p.name} to {p.grantee}, and only it"
                    f" or a superuser revokes that: as {p.grantor}, REVOKE it."
                )
        yield from _beyond(self.left)
