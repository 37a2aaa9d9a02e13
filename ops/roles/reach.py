"""What roles may do beyond what is declared, by whatever way: a pure judgement.

What counts is what a role can do in the end: with what it inherits, with every role that it can
become (SET ROLE), through views, rules and routines that run with others' rights.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ops.cloudsqlroles import ATTRIBUTES, CLOUD_SQL, MARKS, MEANING, SYSTEM, TRANSFER
from ops.cloudsqlroles import more_than_listed as beyond_the_list
from ops.roles.declared import Declared
from ops.roles.detours import Detours
from ops.roles.facts import PUBLIC, Cast, Fact, Found, Kind, Name
from ops.roles.powers import Item, Powers, Right

_IN_SCHEMAS = frozenset({Kind.TABLE, Kind.COLUMN, Kind.ROUTINE})
_CONTENTS = _IN_SCHEMAS | {Kind.SEQUENCE}
# Of these roles the words that has_..._privilege shows for each object are one and the same right.
_EVERYWHERE: Mapping[str, frozenset[str]] = {
    "pg_read_all_data": frozenset({"SELECT", "USAGE"}),
    "pg_write_all_data": frozenset({"INSERT", "UPDATE", "DELETE", "USAGE"}),
    "pg_maintain": frozenset({"MAINTAIN"}),
}


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


def judge(cast: Cast, declared: Declared, catalogue: Found) -> Reach:
    """Return what roles may do beyond what is declared."""
    powers = Powers(cast, declared, catalogue)
    court, detours = _Court(powers), Detours(powers)
    strangers = {
        name: tuple(court.of_stranger(name))
        for name in sorted(catalogue.everyone.roles)
        if name not in SYSTEM and name not in cast.names
    }
    rights = {
        *court.of_system(),
        *court.of_everybody(),
        *detours.rights(),
        *(right for name in cast.names for right in court.of_declared(name)),
        *(right for several in strangers.values() for right in several),
    }
    definers = tuple(detours.definers())
    rights |= {right for right in definers if isinstance(right, Right)}
    unknown = [text for text in definers if isinstance(text, str)]
    unknown += [
        f"{question} could not be read: {words}. Let the owner read PostgreSQL's catalogs (as"
        " postgres: GRANT SELECT ON the catalog TO the owner), and run it again."
        for question, words in catalogue.everyone.unread
    ]
    harmless = tuple(name for name, several in strangers.items() if not several)
    return Reach(tuple(sorted(rights)), harmless, tuple(dict.fromkeys(unknown)))


@dataclass(frozen=True, slots=True)
class _Court:
    powers: Powers

    def of_stranger(self, name: str) -> Iterator[Right]:
        """Yield what a role that nobody declared may do."""
        yield from self.attributes_of(name, name, "the role's attribute")
        yield from self.of_role(name, frozenset({name}), frozenset())

    def of_declared(self, name: str) -> Iterator[Right]:
        """Yield what a declared role may do besides; the owner may do everything here."""
        allowed = self.powers.allowed(name)
        if self.powers.cast.owner not in allowed:
            yield from self.of_role(name, allowed, self.powers.expected(allowed))
            return
        for group, path in self.powers.paths(name).items():
            if group not in allowed and group not in SYSTEM and group not in self.powers.cast.names:
                yield from self.attributes_of(name, group, _through(path))

    def of_everybody(self) -> Iterator[Right]:
        """Yield what PUBLIC may do besides."""
        yield from self.rights(
            PUBLIC,
            PUBLIC,
            "a grant to PUBLIC",
            self.powers.public - self.powers.expected(()),
            self.powers.public,
        )
        yield from self.rest_of(PUBLIC, PUBLIC, "")

    def of_role(
        self, role: str, allowed: frozenset[str], expected: frozenset[Item]
    ) -> Iterator[Right]:
        known = expected | self.powers.public
        words: set[str] = set()
        paths = self.powers.paths(role)
        for group, path in paths.items():
            if group in allowed or (group not in SYSTEM and group not in self.powers.cast.names):
                continue
            what = MEANING.get(group) or f"whatever {group} may"
            yield Right(role, what, _through(path))
            words |= _EVERYWHERE.get(group, frozenset())
            known |= self.powers.items(group)
        rights = self.powers.rights(role)
        # what comes from a group is said of the group
        for group, path in sorted(paths.items(), key=lambda pair: -len(pair[1])):
            if group in SYSTEM or (group in self.powers.cast.names and group != role):
                continue
            through = _through(path) if path else "a grant, or ownership"
            if group != role:
                yield from self.attributes_of(role, group, through)
            items = frozenset(i for i in self.powers.items(group) - known if i[2] not in words)
            yield from self.rights(role, group, through, items, rights)
            yield from self.rest_of(role, group, through)
            known |= items

    def attributes_of(self, role: str, group: str, through: str) -> Iterator[Right]:
        if group in self.powers.everyone.roles:
            has = self.powers.everyone.roles[group].attributes
            yield from (Right(role, word, through) for word in ATTRIBUTES if word in has)

    def rights(
        self, role: str, group: str, through: str, items: frozenset[Item], rights: frozenset[Item]
    ) -> Iterator[Right]:
        """Yield rights on objects, those of a schema together; what can't be used is left out."""
        counted: dict[tuple[Kind, str, str], list[Name]] = {}
        for kind, on, word in sorted(items):
            direct = Fact(group, kind, on, word) in self.powers.reported
            if direct and (group == PUBLIC or group in self.powers.cast.names):
                continue
            if kind in _IN_SCHEMAS and (Kind.SCHEMA, on[:1], "USAGE") not in rights:
                continue
            counted.setdefault((kind, on[0], word), []).append(on)
        for (kind, schema, word), names in counted.items():
            objects = _named(kind, names[0])
            if kind in _CONTENTS and len(names) > 1:
                objects = f"{len(names)} {kind}s in {schema}"
            yield Right(role, f"{word} on {objects}", through)

    def rest_of(self, role: str, group: str, through: str) -> Iterator[Right]:
        """Yield what a role or group has that is no grant on a table, sequence or routine."""
        for grantee, kind, name, word in self.powers.everyone.grants:
            if grantee == group:
                yield Right(role, f"{word} on {kind} {name}", through or "a grant to PUBLIC")
        owned: Counter[tuple[str, str, str]] = Counter()
        for owner, sort, database, name, catalog, number in self.powers.everyone.owned:
            if owner == group:
                is_own = database == self.powers.cast.database
                owned[sort, database, name if is_own else catalog] += number
        for (sort, database, name), number in owned.items():
            verb = "owns" if sort == "owner" else "has rights on"
            if database == self.powers.cast.database:
                yield Right(role, f"{verb} {name}", through)
            else:
                yield Right(role, f"{verb} {number} in {name} of database {database}", through)
        yield from self.promised_to(role, group, through)

    def promised_to(self, role: str, group: str, through: str) -> Iterator[Right]:
        """Yield what a role or group gets elsewhere, will get, or may hand on."""
        for user, server in self.powers.everyone.mappings:
            if user == group:
                yield Right(role, f"log in to foreign server {server}", f"user mapping of {user}")
        for grantor, schema, sort, grantee, word in self.powers.everyone.defaults:
            if grantee == group:
                where = f" in {schema}" if schema else ""
                by = f"default privileges of {grantor}"
                yield Right(role, f"{word} on new {sort} of {grantor}{where}", by)
        for granted, member, admin in self.powers.everyone.members:
            if member == group and admin:
                yield Right(role, f"make others members of {granted}", through or "ADMIN OPTION")

    def of_system(self) -> Iterator[Right]:
        """Yield what Cloud SQL's and PostgreSQL's own roles have beyond their lists."""
        for name, role in self.powers.everyone.roles.items():
            if name not in SYSTEM or name in self.powers.cast.names:
                continue
            groups = frozenset(self.powers.groups.get(name, ()))
            if name == TRANSFER:  # an import has the rights of its user meanwhile
                groups -= set(self.powers.cast.names)
            for more in beyond_the_list(name, role.attributes, groups):
                yield Right(name, more, "not one of this system role's rights")
        for mark in MARKS:  # whoever logs in with IAM is a member of one, and has its rights
            yield from self.rest_of(mark, mark, "a grant, or ownership")
        for grantee, kind, name, word in self.powers.everyone.grants:
            if grantee in SYSTEM and grantee not in CLOUD_SQL:
                yield Right(grantee, f"{word} on {kind} {name}", "a grant")


def _through(path: tuple[str, ...]) -> str:
    return f"membership of {', then '.join(path)}"


def _named(kind: Kind, name: Name) -> str:
    if kind is Kind.ROUTINE:
        return f"routine {'.'.join(name[:-1])}({name[-1]})"
    return f"{kind} {'.'.join(name)}"
