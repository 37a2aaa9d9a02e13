"""What roles may do beyond what is declared, by whatever way: a pure judgement.

What counts is what a role can do in the end: with what it inherits, with every role that it can
become (SET ROLE), through views, rules and routines that run with others' rights.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ops.cloudsqlroles import ATTRIBUTES, CLOUD_SQL, MARKS, MEANING, SYSTEM, TRANSFER
from ops.cloudsqlroles import more_than_listed as beyond_the_list
from ops.roles.declared import Declared
from ops.roles.facts import PUBLIC, Cast, Definer, Everyone, Fact, Found, Kind, Name

Item = tuple[Kind, Name, str]
_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_IN_SCHEMAS = frozenset({Kind.TABLE, Kind.COLUMN, Kind.ROUTINE})
_CONTENTS = _IN_SCHEMAS | {Kind.SEQUENCE}
# Of these roles the words that has_..._privilege shows for each object are one and the same right.
_EVERYWHERE: Mapping[str, frozenset[str]] = {
    "pg_read_all_data": frozenset({"SELECT", "USAGE"}),
    "pg_write_all_data": frozenset({"INSERT", "UPDATE", "DELETE", "USAGE"}),
    "pg_maintain": frozenset({"MAINTAIN"}),
}


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


@dataclass(frozen=True, slots=True)
class Reach:
    """What there is beyond the declaration.

    Attributes:
        rights: What roles may do besides.
        harmless: Roles that nobody declared and that may do nothing but what everybody may.
        unknown: What could not be told, with what would let it be told.
    """

    rights: tuple[Right, ...] = ()
    harmless: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def judge(cast: Cast, wanted: Declared, found: Found) -> Reach:
    """Return what roles may do beyond what is declared."""
    court = _Court(cast, wanted, found, found.everyone)
    strangers = {
        name: tuple(court.of_stranger(name))
        for name in sorted(found.everyone.roles)
        if name not in SYSTEM and name not in cast.names
    }
    rights = {
        *court.of_system(),
        *court.of_everybody(),
        *court.of_ways(),
        *(right for name in cast.names for right in court.of_declared(name)),
        *(right for several in strangers.values() for right in several),
    }
    definers = tuple(court.of_definers())
    rights |= {right for right in definers if isinstance(right, Right)}
    unknown = [text for text in definers if isinstance(text, str)]
    unknown += [
        f"{question} could not be read: {words}. Let the owner read PostgreSQL's catalogs (as"
        " postgres: GRANT SELECT ON the catalog TO the owner), and run it again."
        for question, words in found.everyone.unread
    ]
    harmless = tuple(name for name, several in strangers.items() if not several)
    return Reach(tuple(sorted(rights)), harmless, tuple(dict.fromkeys(unknown)))


@dataclass(frozen=True)
class _Court:
    cast: Cast
    wanted: Declared
    found: Found
    everyone: Everyone

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Of what each role is a member; marks of how it logs in left out."""
        several: dict[str, list[str]] = {}
        for group, member, _ in self.everyone.members:
            if group not in MARKS:
                several.setdefault(member, []).append(group)
        return {member: tuple(names) for member, names in several.items()}

    @cached_property
    def theirs(self) -> frozenset[tuple[Kind, Name]]:
        """Objects that are not the owner's: grants on them are in no other list."""
        owner = self.cast.owner
        return frozenset((o.kind, o.name) for o in self.found.objects if o.owner != owner)

    @cached_property
    def reported(self) -> frozenset[Fact]:
        """Grants that the comparison with the declaration shows already."""
        return frozenset(f for f in self.found.facts if (f.kind, f.on) not in self.theirs)

    @cached_property
    def public(self) -> frozenset[Item]:
        return self.items(PUBLIC)

    def items(self, role: str) -> frozenset[Item]:
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

    def whole(self, role: str) -> frozenset[Item]:
        """Return all that a role may do here, SET ROLE included."""
        several = [self.items(name) for name in (*self.everything(role), PUBLIC)]
        return frozenset().union(*several)

    def everything(self, role: str) -> frozenset[str]:
        """Return all roles that one can become."""
        reached, left = {role}, [role]
        while left:
            more = set(self.groups.get(left.pop(), ())) - reached
            reached |= more
            left += more
        return frozenset(reached)

    def of_stranger(self, name: str) -> Iterator[Right]:
        """Yield what a role that nobody declared may do."""
        yield from self.attributes_of(name, name, "the role's attribute")
        yield from self.of_role(name, frozenset({name}), frozenset())

    def of_declared(self, name: str) -> Iterator[Right]:
        """Yield what a declared role may do besides; the owner may do everything here."""
        allowed = self.allowed(name)
        if self.cast.owner not in allowed:
            yield from self.of_role(name, allowed, self.expected(allowed))
            return
        for group, path in self.paths(name).items():
            if group not in allowed and group not in SYSTEM and group not in self.cast.names:
                yield from self.attributes_of(name, group, _through(path))

    def of_everybody(self) -> Iterator[Right]:
        """Yield what PUBLIC may do besides."""
        yield from self.rights(
            PUBLIC, PUBLIC, "a grant to PUBLIC", self.public - self.expected(()), self.public
        )
        yield from self.rest_of(PUBLIC, PUBLIC, "")

    def of_role(
        self, role: str, allowed: frozenset[str], expected: frozenset[Item]
    ) -> Iterator[Right]:
        known = expected | self.public
        words: set[str] = set()
        paths = self.paths(role)
        for group, path in paths.items():
            if group in allowed or (group not in SYSTEM and group not in self.cast.names):
                continue
            what = MEANING.get(group) or f"whatever {group} may"
            yield Right(role, what, _through(path))
            words |= _EVERYWHERE.get(group, frozenset())
            known |= self.items(group)
        whole = self.whole(role)
        # what comes from a group is said of the group
        for group, path in sorted(paths.items(), key=lambda pair: -len(pair[1])):
            if group in SYSTEM or (group in self.cast.names and group != role):
                continue
            through = _through(path) if path else "a grant, or ownership"
            if group != role:
                yield from self.attributes_of(role, group, through)
            items = frozenset(i for i in self.items(group) - known if i[2] not in words)
            yield from self.rights(role, group, through, items, whole)
            yield from self.rest_of(role, group, through)
            known |= items

    def attributes_of(self, role: str, group: str, through: str) -> Iterator[Right]:
        if group in self.everyone.roles:
            has = self.everyone.roles[group].attributes
            yield from (Right(role, word, through) for word in ATTRIBUTES if word in has)

    def rights(
        self, role: str, group: str, through: str, items: frozenset[Item], whole: frozenset[Item]
    ) -> Iterator[Right]:
        """Yield rights on objects, those of a schema together; what can't be used is left out."""
        counted: dict[tuple[Kind, str, str], list[Name]] = {}
        for kind, on, word in sorted(items):
            direct = Fact(group, kind, on, word) in self.reported
            if direct and (group == PUBLIC or group in self.cast.names):
                continue
            if kind in _IN_SCHEMAS and (Kind.SCHEMA, on[:1], "USAGE") not in whole:
                continue
            counted.setdefault((kind, on[0], word), []).append(on)
        for (kind, schema, word), names in counted.items():
            shown = _named(kind, names[0])
            if kind in _CONTENTS and len(names) > 1:
                shown = f"{len(names)} {kind}s in {schema}"
            yield Right(role, f"{word} on {shown}", through)

    def rest_of(self, role: str, group: str, through: str) -> Iterator[Right]:
        """Yield what a role or group has that is no grant on a table, sequence or routine."""
        for grantee, kind, name, word in self.everyone.grants:
            if grantee == group:
                yield Right(role, f"{word} on {kind} {name}", through or "a grant to PUBLIC")
        owned: Counter[tuple[str, str, str]] = Counter()
        for owner, sort, database, name, catalog, number in self.everyone.owned:
            if owner == group:
                here = database == self.cast.database
                owned[sort, database, name if here else catalog] += number
        for (sort, database, name), number in owned.items():
            verb = "owns" if sort == "owner" else "has rights on"
            if database == self.cast.database:
                yield Right(role, f"{verb} {name}", through)
            else:
                yield Right(role, f"{verb} {number} in {name} of database {database}", through)
        yield from self.promised_to(role, group, through)

    def promised_to(self, role: str, group: str, through: str) -> Iterator[Right]:
        """Yield what a role or group gets elsewhere, will get, or may hand on."""
        for user, server in self.everyone.mappings:
            if user == group:
                yield Right(role, f"log in to foreign server {server}", f"user mapping of {user}")
        for grantor, schema, sort, grantee, word in self.everyone.defaults:
            if grantee == group:
                where = f" in {schema}" if schema else ""
                by = f"default privileges of {grantor}"
                yield Right(role, f"{word} on new {sort} of {grantor}{where}", by)
        for granted, member, admin in self.everyone.members:
            if member == group and admin:
                yield Right(role, f"make others members of {granted}", through or "ADMIN OPTION")

    def of_system(self) -> Iterator[Right]:
        """Yield what Cloud SQL's and PostgreSQL's own roles have beyond their lists."""
        for name, role in self.everyone.roles.items():
            if name not in SYSTEM or name in self.cast.names:
                continue
            groups = frozenset(self.groups.get(name, ()))
            if name == TRANSFER:  # an import has the rights of its user meanwhile
                groups -= set(self.cast.names)
            for more in beyond_the_list(name, role.attributes, groups):
                yield Right(name, more, "not one of this system role's rights")
        for grantee, kind, name, word in self.everyone.grants:
            if grantee in SYSTEM and grantee not in CLOUD_SQL:
                yield Right(grantee, f"{word} on {kind} {name}", "a grant")

    def of_ways(self) -> Iterator[Right]:
        """Yield what views, rules, triggers and row security change."""
        for role in self.watched():
            whole = self.whole(role)
            for way in self.everyone.rewritten:
                if not self.usable(whole, Kind.TABLE, way.view, way.word):
                    continue
                if self.usable(whole, Kind.TABLE, way.relation, way.use):
                    continue
                if role != PUBLIC and self.usable(self.public, Kind.TABLE, way.view, way.word):
                    continue
                may = f"{way.use} on table {'.'.join(way.relation)}"
                yield Right(role, may, f"{way.by} of {'.'.join(way.view)}, with its owner's rights")
        for schema, table, trigger, owner in self.everyone.triggers:
            if owner != self.cast.owner and owner not in SYSTEM:
                where = f"on {schema}.{table}" if table else "in this database"
                yield Right(owner, "run code as whoever writes", f"{trigger} {where}")
        for schema, table, role, word in self.everyone.closed:
            expected = self.expected(self.allowed(role))
            if role == self.cast.owner or (Kind.TABLE, (schema, table), word) in expected:
                through = f"row security on {schema}.{table} without a policy for it"
                yield Right(role, f"LESS than declared: {word} of no row", through)

    def of_definers(self) -> Iterator[Right | str]:
        """Yield what routines with others' rights lead to; a text where that can't be told."""
        for routine in self.everyone.definers:
            schema, name, arguments = routine.name
            title = f"{schema}.{name}({arguments})"
            callers = [role for role in self.watched() if self.calls(role, routine)]
            if not callers:
                continue
            what = "SECURITY DEFINER" if not routine.language else routine.language
            through = f"{what} routine {title}"
            rights = [r for role in callers for r in self.led_to(role, routine, through)]
            yield from rights
            if not rights:
                yield (
                    f"{', '.join(callers)}: what {through} does with {routine.owner}'s rights can't"
                    " be told. Read it, then name it in sql/roles: GRANT EXECUTE ON ROUTINE"
                    f" {title} TO who may call it."
                )

    def led_to(self, role: str, routine: Definer, through: str) -> Iterator[Right]:
        if routine.language:
            yield Right(role, "run code as the server", through)
        if not routine.pinned:
            may = f"have {routine.owner} run other objects of the same name"
            yield Right(role, may, f"{through}, which sets no search_path")
        if routine.owner != self.cast.owner:
            yield Right(role, f"what {routine.owner} may", through)
        whole = self.whole(role)
        for relation in self.relations:
            if not self.usable(whole, Kind.TABLE, relation, "SELECT") and _mentions(
                routine.body, relation
            ):
                yield Right(role, f"what it does with table {'.'.join(relation)}", through)

    @cached_property
    def relations(self) -> tuple[Name, ...]:
        every = {o.name for o in self.found.objects if o.kind is Kind.TABLE}
        for facts in self.everyone.effective.values():
            every |= {fact.on for fact in facts if fact.kind is Kind.TABLE}
        return tuple(sorted(every))

    def calls(self, role: str, routine: Definer) -> bool:
        if any((who, *routine.name[:2]) in self.wanted.named for who in self.allowed(role)):
            return False
        whole = self.whole(role)
        if self.usable(whole, Kind.ROUTINE, routine.name, "EXECUTE") and not routine.tables:
            return True
        return any(
            self.usable(whole, Kind.TABLE, table, word)
            for table in routine.tables
            for word in _WRITES
        )

    def watched(self) -> Iterator[str]:
        """Yield the declared roles that do not have the owner's rights, and everybody."""
        yield PUBLIC
        yield from (n for n in self.cast.names if self.cast.owner not in self.allowed(n))

    @staticmethod
    def usable(whole: frozenset[Item], kind: Kind, name: Name, word: str) -> bool:
        return (kind, name, word) in whole and (Kind.SCHEMA, name[:1], "USAGE") in whole


def _mentions(body: str, relation: Name) -> bool:
    schema, name = (re.escape(part) for part in relation)
    return (
        re.search(rf'(?<![\w$"])(?:"?{schema}"?\s*\.\s*)?"?{name}"?(?![\w$"])', body, re.IGNORECASE)
        is not None
    )


def _through(path: tuple[str, ...]) -> str:
    return f"membership of {', then '.join(path)}"


def _named(kind: Kind, name: Name) -> str:
    if kind is Kind.ROUTINE:
        return f"routine {'.'.join(name[:-1])}({name[-1]})"
    return f"{kind} {'.'.join(name)}"
