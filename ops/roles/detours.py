"""Ways to rights besides grants: views, rules, routines and triggers that run as somebody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ops.cloudsqlroles import SYSTEM
from ops.roles.facts import PUBLIC, Definer, Kind, Name
from ops.roles.powers import Powers, Right, usable

_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


@dataclass(frozen=True, slots=True)
class Detours:
    """Judges them.

    Attributes:
        powers: Who may do what.
    """

    powers: Powers

    def rights(self) -> Iterator[Right]:
        """Yield what views, rules, triggers and row security change."""
        for role in self.powers.watched():
            rights = self.powers.rights(role)
            for way in self.powers.everyone.rewritten:
                if not usable(rights, Kind.TABLE, way.view, way.word):
                    continue
                if usable(rights, Kind.TABLE, way.relation, way.use):
                    continue
                if role != PUBLIC and usable(self.powers.public, Kind.TABLE, way.view, way.word):
                    continue
                may = f"{way.use} on table {'.'.join(way.relation)}"
                yield Right(role, may, f"{way.by} of {'.'.join(way.view)}, with its owner's rights")
        for schema, table, trigger, owner in self.powers.everyone.triggers:
            if owner != self.powers.cast.owner and owner not in SYSTEM:
                where = f"on {schema}.{table}" if table else "in this database"
                yield Right(owner, "run code as whoever writes", f"{trigger} {where}")
        for schema, table, role, word in self.powers.everyone.closed:
            expected = self.powers.expected(self.powers.allowed(role))
            if role == self.powers.cast.owner or (Kind.TABLE, (schema, table), word) in expected:
                through = f"row security on {schema}.{table} without a policy for it"
                yield Right(role, f"LESS than declared: {word} of no row", through)

    def definers(self) -> Iterator[Right | str]:
        """Yield what routines with others' rights lead to; a text where that can't be told."""
        for routine in self.powers.everyone.definers:
            schema, name, arguments = routine.name
            title = f"{schema}.{name}({arguments})"
            callers = [role for role in self.powers.watched() if self._calls(role, routine)]
            if not callers:
                continue
            what = "SECURITY DEFINER" if not routine.language else routine.language
            through = f"{what} routine {title}"
            rights = [r for role in callers for r in self._led_to(role, routine, through)]
            yield from rights
            if not rights:
                yield (
                    f"{', '.join(callers)}: what {through} does with {routine.owner}'s rights can't"
                    " be told. Read it, then name it in sql/roles: GRANT EXECUTE ON ROUTINE"
                    f" {title} TO who may call it."
                )

    def _led_to(self, role: str, routine: Definer, through: str) -> Iterator[Right]:
        if routine.language:
            yield Right(role, "run code as the server", through)
        if not routine.pinned:
            may = f"have {routine.owner} run other objects of the same name"
            yield Right(role, may, f"{through}, which sets no search_path")
        if routine.owner != self.powers.cast.owner:
            yield Right(role, f"what {routine.owner} may", through)
        rights = self.powers.rights(role)
        for relation in self.powers.relations:
            if not usable(rights, Kind.TABLE, relation, "SELECT") and _mentions(
                routine.body, relation
            ):
                yield Right(role, f"what it does with table {'.'.join(relation)}", through)

    def _calls(self, role: str, routine: Definer) -> bool:
        if any(
            (who, *routine.name[:2]) in self.powers.wanted.named
            for who in self.powers.allowed(role)
        ):
            return False
        rights = self.powers.rights(role)
        if usable(rights, Kind.ROUTINE, routine.name, "EXECUTE") and not routine.tables:
            return True
        return any(
            usable(rights, Kind.TABLE, table, word) for table in routine.tables for word in _WRITES
        )


def _mentions(body: str, relation: Name) -> bool:
    schema, name = (re.escape(part) for part in relation)
    return (
        re.search(rf'(?<![\w$"])(?:"?{schema}"?\s*\.\s*)?"?{name}"?(?![\w$"])', body, re.IGNORECASE)
        is not None
    )
