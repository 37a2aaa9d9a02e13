"""What would have to change: a pure comparison of what is declared and what is there."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ops.roles.declared import Declared
from ops.roles.facts import PUBLIC, Cast, Fact, Found, Kind, Owned
from ops.roles.reach import Reach, judge

_OURS_TO_CHANGE = {"CREATEROLE", "CREATEDB"}  # the other attributes are a superuser's
# Where the last part of a fact's name is what differs: such facts are one change together.
_LISTED = {Kind.TABLE, Kind.SEQUENCE, Kind.ROUTINE}


class Action(StrEnum):
    """What a change does."""

    GIVE = "give"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class Change:
    """What is given to a role or taken from it.

    Attributes:
        action: Which of the two.
        role: From or to whom; PUBLIC for everybody.
        kind: What sort of thing.
        objects: Names, unquoted, as in ``Fact.on``; those with the same words together.
        words: Privileges, attributes, or the setting's value.
    """

    action: Action
    role: str
    kind: Kind
    objects: tuple[tuple[str, ...], ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """How what is there differs from what is declared.

    Attributes:
        changes: What makes it so.
        extra: What is there and nobody declared, as the changes that would take it away.
        foreign: Objects that are not the owner's: it can't grant anything on them.
        barred: Those of both that this login may not make.
        reach: What roles may do beyond the declaration by other ways than these.
    """

    changes: tuple[Change, ...]
    extra: tuple[Change, ...]
    foreign: tuple[Owned, ...]
    barred: tuple[Change, ...]
    reach: Reach = field(default_factory=Reach)

    def doable(self, *, prune: bool) -> tuple[Change, ...]:
        """Return the changes that this login may make, what is extra taken away if asked."""
        changes = (*self.changes, *(self.extra if prune else ()))
        return tuple(change for change in changes if change not in self.barred)

    @property
    def empty(self) -> bool:
        """Whether everything that could be read is as declared, and nothing besides."""
        return not (self.changes or self.extra or self.foreign or self.reach.rights)


def compare(cast: Cast, declared: Declared, catalogue: Found) -> Difference:
    """Return how what is there differs from what is declared."""
    foreign = tuple(item for item in catalogue.objects if item.owner != cast.owner)
    foreign_names = {(item.kind, item.name) for item in foreign}
    # what is declared for whoever owns an object, it has as its owner
    missing = (declared.wanted - catalogue.facts - catalogue.own) | catalogue.lost
    wrong = (declared.unwanted & catalogue.facts) | overriding(cast, declared, catalogue)
    # another value of a setting is replaced, not taken away
    replaced = {(f.role, f.kind, f.on) for f in missing if f.kind is Kind.SETTING}
    extra = {
        fact
        for fact in catalogue.facts - declared.wanted - declared.unwanted - wrong
        if (fact.role, fact.kind, fact.on) not in replaced
        and (fact.kind, fact.on) not in foreign_names
        and not _own(fact, cast)
    }
    changes = (*grouped(Action.TAKE, wrong), *grouped(Action.GIVE, missing))
    more = grouped(Action.TAKE, extra)
    return Difference(
        changes=changes,
        extra=more,
        foreign=foreign,
        barred=tuple(change for change in (*changes, *more) if not _may(change, catalogue)),
        reach=judge(cast, declared, catalogue),
    )


def _own(fact: Fact, cast: Cast) -> bool:
    """Tell what an owner may have undeclared: CREATEDB."""
    return (fact.role, fact.kind, fact.word) == (cast.owner, Kind.ATTRIBUTE, "CREATEDB")


def overriding(cast: Cast, declared: Declared, catalogue: Found) -> frozenset[Fact]:
    """Return settings of a role in this database that win over what is declared for the role."""
    declared_values = {(f.role, f.on[0]): f.word for f in declared.wanted if f.kind is Kind.SETTING}
    return frozenset(
        fact
        for fact in catalogue.facts
        if fact.kind is Kind.SETTING
        and fact.on[1:] == (cast.database,)
        and declared_values.get((fact.role, fact.on[0]), fact.word) != fact.word
    )


def grouped(action: Action, facts: Iterable[Fact]) -> tuple[Change, ...]:
    """Return facts as changes: the words of one object together, then objects with the same."""
    words: dict[tuple[str, Kind, tuple[str, ...]], list[str]] = defaultdict(list)
    for fact in sorted(facts):
        words[fact.role, fact.kind, fact.on].append(fact.word)
    alike: dict[tuple[str, Kind, tuple[str, ...], tuple[str, ...]], list[tuple[str, ...]]]
    alike = defaultdict(list)
    for (role, kind, on), several in words.items():
        together = on[:1] if kind in _LISTED else on
        alike[role, kind, together, tuple(several)].append(on)
    return tuple(
        Change(action, role, kind, tuple(objects), several)
        for (role, kind, _, several), objects in alike.items()
    )


def _may(change: Change, catalogue: Found) -> bool:
    """Tell whether this login may make a change of roles; privileges are the owner's to give."""
    if change.kind is Kind.MEMBERSHIP:
        return all(group in catalogue.changeable for (group,) in change.objects)
    if change.kind is Kind.ATTRIBUTE and not set(change.words) <= _OURS_TO_CHANGE:
        return False
    if change.kind is Kind.SETTING and change.action is Action.TAKE:
        facts = {Fact(change.role, change.kind, on, change.words[0]) for on in change.objects}
        return not facts & catalogue.fixed and change.role in {*catalogue.changeable, PUBLIC}
    if change.kind in {Kind.ATTRIBUTE, Kind.SETTING}:
        return change.role in catalogue.changeable
    return True
