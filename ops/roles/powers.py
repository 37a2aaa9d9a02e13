"""What each role may do in the end, and what it is to be able to: from the catalogs, once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ops.cloudsqlroles import MARKS, SYSTEM
from ops.roles.declared import Declared
from ops.roles.facts import PUBLIC, Cast, Everyone, Fact, Found, Kind, Name

Item = tuple[Kind, Name, str]


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Something that a role may do and nobody declared.

    Attributes:
        role: Whose it is; PUBLIC for everybody.
        may: What, for people.
        through: By which way.
    """

    role: str
    may: str
    through: str


@dataclass(frozen=True)
class Powers:
    """Who may do what, and by whose rights.

    Attributes:
        cast: Who there is to be.
        wanted: What they are to be able to.
        found: What is there.
    """

    cast: Cast
    wanted: Declared
    found: Found

    @property
    def everyone(self) -> Everyone:
        """All roles, and what they may do."""
        return self.found.everyone

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Of what each role is a member; marks of how it logs in left out."""
        several: dict[str, list[str]] = {}
        for group, member, _ in self.everyone.members:
            if group not in MARKS:
                several.setdefault(member, []).append(group)
        return {member: tuple(names) for member, names in several.items()}

    @cached_property
    def of_others(self) -> frozenset[tuple[Kind, Name]]:
        """Objects that are not the owner's: grants on them are in no other list."""
        owner = self.cast.owner
        return frozenset((o.kind, o.name) for o in self.found.objects if o.owner != owner)

    @cached_property
    def reported(self) -> frozenset[Fact]:
        """Grants that the comparison with the declaration shows already."""
        return frozenset(f for f in self.found.facts if (f.kind, f.on) not in self.of_others)

    @cached_property
    def public(self) -> frozenset[Item]:
        """What everybody may do."""
        return self.items(PUBLIC)

    def items(self, role: str) -> frozenset[Item]:
        """Return what a role may do without SET ROLE."""
        facts = self.everyone.effective.get(role, ())
        return frozenset((fact.kind, fact.on, fact.word) for fact in facts)

    def allowed(self, role: str) -> frozenset[str]:
        """Return the roles whose rights a declared role has by declaration."""
        edges: dict[str, set[str]] = {}
        for fact in self.wanted.wanted:
            if fact.kind is Kind.MEMBERSHIP:
                edges.setdefault(fact.role, set()).add(fact.on[0])
        reached, left = {role}, [role]
        while left:
            name = left.pop()
            more = edges.get(name, set()) | (SYSTEM[name].groups if name in SYSTEM else set())
            left += more - reached
            reached |= more
        return frozenset(reached)

    def expected(self, roles: Iterable[str]) -> frozenset[Item]:
        """Return what is declared of roles, everybody's rights among it."""
        names = {*roles, PUBLIC}
        return frozenset((f.kind, f.on, f.word) for f in self.wanted.wanted if f.role in names)

    def paths(self, role: str) -> dict[str, tuple[str, ...]]:
        """Return every role that one can become, and over which; what is big is not gone through.

        Big are declared users and Cloud SQL's and PostgreSQL's own roles.
        """
        reached: dict[str, tuple[str, ...]] = {role: ()}
        left = [role]
        while left:
            name = left.pop(0)
            if name != role and (name in SYSTEM or name in self.cast.names):
                continue
            for group in self.groups.get(name, ()):
                if group not in reached:
                    reached[group] = (*reached[name], group)
                    left.append(group)
        return reached

    def rights(self, role: str) -> frozenset[Item]:
        """Return all that a role may do here, SET ROLE included."""
        if role not in self._wholes:
            several = [self.items(name) for name in (*self.everything(role), PUBLIC)]
            self._wholes[role] = frozenset().union(*several)
        return self._wholes[role]

    @cached_property
    def _wholes(self) -> dict[str, frozenset[Item]]:
        return {}

    def everything(self, role: str) -> frozenset[str]:
        """Return all roles that one can become."""
        reached, left = {role}, [role]
        while left:
            more = set(self.groups.get(left.pop(), ())) - reached
            reached |= more
            left += more
        return frozenset(reached)

    @cached_property
    def relations(self) -> tuple[Name, ...]:
        """All tables and views: schema and name."""
        names = {o.name for o in self.found.objects if o.kind is Kind.TABLE}
        for facts in self.everyone.effective.values():
            names |= {fact.on for fact in facts if fact.kind is Kind.TABLE}
        return tuple(sorted(names))

    def watched(self) -> Iterator[str]:
        """Yield the declared roles that do not have the owner's rights, and everybody."""
        yield PUBLIC
        yield from (n for n in self.cast.names if self.cast.owner not in self.allowed(n))


def usable(rights: frozenset[Item], kind: Kind, name: Name, word: str) -> bool:
    """Tell whether a right and its schema's USAGE are among what a role may do."""
    return (kind, name, word) in rights and (Kind.SCHEMA, name[:1], "USAGE") in rights
