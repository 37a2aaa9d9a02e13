"""What the tasks show: the logins, what differs, what was changed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ops.checks.result import State, worst
from ops.console import Table
from ops.roles.facts import Kind, Login
from ops.roles.plan import Change, Difference
from ops.sessions import Sessions

_COLUMNS = ("do", "role", "on", "what")
_NAMED = 2  # objects that are named; more of them are counted
_BARRED = (
    "The owner may not do that: up to PostgreSQL 15 it needs CREATEROLE (as postgres: ALTER ROLE"
    " ... CREATEROLE); from 16 on ADMIN OPTION on each role. A setting that only a superuser sets,"
    " only a superuser resets. See docs/access.md."
)


def _row(change: Change) -> tuple[str, ...]:
    what = ", ".join(change.words)
    if change.kind is Kind.MEMBERSHIP:
        what = "membership"
    return (change.action, change.role, _on(change), what)


def _on(change: Change) -> str:
    first = change.objects[0]
    if change.kind is Kind.ATTRIBUTE:
        return "the role"
    if change.kind is Kind.SETTING:
        where = f" in database {first[1]}" if first[1:] else ""
        return f"setting {first[0]}{where}"
    if change.kind is Kind.MEMBERSHIP:
        return f"role {first[0]}"
    if change.kind is Kind.DEFAULT:
        schema, sort = first
        return f"new {sort} in {schema}" if schema else f"new {sort}"
    if len(change.objects) > _NAMED:
        return f"{len(change.objects)} {change.kind}s in {first[0]}"
    return f"{change.kind} {', '.join(_name(change.kind, one) for one in change.objects)}"


def _name(kind: Kind, name: tuple[str, ...]) -> str:
    if kind is Kind.ROUTINE:
        return f"{'.'.join(name[:-1])}({name[-1]})"
    return ".".join(name)


def object_name(kind: Kind) -> Callable[[tuple[str, ...]], str]:
    """Return how objects of a kind are named for people."""
    return partial(_name, kind)


def _table(title: str, changes: Iterable[Change]) -> Table:
    return Table(title, _COLUMNS, tuple(map(_row, changes)))


def _reach(difference: Difference) -> Iterator[Table | str]:
    """Yield what roles may do beyond the declaration, and what can't be told."""
    reach = difference.reach
    if reach.rights:
        rows = tuple((right.role, right.may, right.through) for right in reach.rights)
        yield Table("NOT DECLARED, yet possible", ("role", "may", "through"), rows)
        yield (
            "Declare it (a user in the stack file, a right in sql/roles), or take it away:"
            " `invoke roles.apply` leaves these. A role that nobody needs: DROP ROLE."
        )
    for text in reach.unknown:
        yield f"COULD NOT TELL: {text}"
    if reach.harmless:
        yield (
            "Not declared, and may do no more than everybody: " + ", ".join(reach.harmless) + "."
        )


def _rest(difference: Difference) -> Iterator[Table | str]:
    """Yield what stays different whatever is applied."""
    if difference.barred:
        yield _table("OUT OF REACH", difference.barred)
        yield _BARRED
    if difference.foreign:
        rows = tuple((one.kind, _name(one.kind, one.name), one.owner) for one in difference.foreign)
        yield Table("NOT THE OWNER'S, so nothing is granted on it", ("", "object", "owner"), rows)
        yield "As its owner: ALTER ... OWNER TO the schema's owner; then `invoke roles.apply`."


def _extra(changes: Sequence[Change]) -> Iterator[Table | str]:
    if changes:
        yield _table("NOT DECLARED, yet there", changes)
        yield (
            "Declare it in sql/roles, or take it away: `invoke roles.apply --prune` does what"
            " stands there."
        )


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
    def state(self) -> State:
        """Return whether everything is as declared, and nothing besides; unknown is not ok."""
        if not self.difference.empty:
            return State.FINDING
        told = State.UNKNOWN if self.difference.reach.unknown else State.OK
        return worst((told, self.sessions.state))

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Table | str]:
        yield Table(
            "",
            ("login", "role", "by"),
            tuple((one.name, one.role, "IAM" if one.iam else "password") for one in self.logins),
        )
        difference = self.difference
        if self.state is State.OK:
            yield (
                f"Roles, grants and settings of {self.database} are what sql/roles declares, and"
                " every user with a password logged in."
            )
        if difference.changes:
            yield _table("DECLARED, yet not so", difference.changes)
            yield "`invoke roles.apply` makes it so."
        yield from _extra(difference.extra)
        yield from _reach(difference)
        yield from _rest(difference)
        yield from _sessions(self.sessions)


def _sessions(sessions: Sessions) -> Iterator[Table | str]:
    if sessions.excess:
        rows = tuple(
            (e.user, e.database, e.name, e.value, e.where, e.declared) for e in sessions.excess
        )
        columns = ("user", "in database", "setting", "gets", "set for", "declared")
        yield Table("SESSIONS BEGIN with what nobody declared", columns, rows)
    words = {State.FINDING: "can't log in and work", State.UNKNOWN: "can't be told"}
    hindered = [log_in for log_in in sessions.log_ins if log_in.state in words]
    if hindered:
        lines = tuple((h.user, words[h.state], h.detail, h.remedy) for h in hindered)
        yield Table("LOG-IN", ("user", "", "why", "to do"), lines)


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
        if not self.prune:
            yield from _extra(self.difference.extra)
        yield from _reach(self.difference)
        yield from _rest(self.difference)


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
        yield from _extra(self.left.extra)
        yield from _reach(self.left)
        yield from _rest(self.left)
