"""What of a database is not as it was before an import."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from ops import dumptext
from ops.backups import judge
from ops.backups.script import Name
from ops.backups.state import DatabaseState

# What is new in these concerns more than the file's own objects.
_OF_ALL = frozenset({"roles", "settings", "triggers", "grants", "other_objects"})
_GRANTED = {"function": "functions", "type": "types"}
# Cloud SQL makes this role at the first export or import.
_OF_IMPORTS = ("role cloudsqlimportexport", "cloudsqlimportexport is a member of ")
_SHOWN = 120
_INDEXED = re.compile(r" ON (?:ONLY )?(.+?) USING ")
_NAMED = {"tables": judge.RELATION, "extensions": judge.EXTENSION, "types": judge.TYPE}
_NAME = r'(?:(?:"(?:[^"]|"")+"|[^".( ]+)\.)?(?:"(?:[^"]|"")+"|[^".( ]+)'
_OTHER = re.compile(
    rf"(statistics|collation|conversion|operator(?: class| family)?|text search \w+) ({_NAME})"
)
_ROUTINE = re.compile(_NAME)


def differences(
    before: DatabaseState,
    after: DatabaseState,
    own: Collection[tuple[str, Name]],
    filled: Collection[Name] = (),
) -> Sequence[str]:
    """Return what of a database is not as it was, one line each.

    Args:
        before: what was there.
        after: what is there now.
        own: objects that the file makes: kind and name.
        filled: tables of ``before`` that it filled; sequences may then have gone forward.
    """
    lines: list[str] = []
    strangers = _Strangers(before, after, own)
    for question, definitions in before.answers.items():
        now = after.answers[question]
        kind = question.replace("_", " ")
        lines += _changed(kind, definitions, now)
        lines += [
            f"{kind}: {name} is new"
            for name in sorted(now.keys() - definitions.keys())
            if strangers.has(question, name, now[name])
        ]
    lines += _rows_changed(before, after, filled)
    for name, (last, file) in before.sequences.items():
        now_last, now_file = after.sequences.get(name, (None, 0))
        is_ahead = bool(filled) and now_file == file and (now_last or 0) >= (last or 0)
        if (now_last, now_file) != (last, file) and not is_ahead:
            lines.append(f"sequence {dumptext.label(name)}: was at {last}, is at {now_last}")
    return lines


def _changed(kind: str, definitions: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name, definition in definitions.items():
        if name not in now:
            yield f"{kind}: {name} is gone"
        elif now[name] != definition:
            was, is_now = definition[:_SHOWN], now[name][:_SHOWN]
            yield f"{kind}: {name} was {was!r}, is {is_now!r}"


def _rows_changed(
    before: DatabaseState, after: DatabaseState, filled: Collection[Name]
) -> Iterator[str]:
    for table, rows in before.content.items():
        label, other = dumptext.label(table), after.content.get(table)
        if other is None:
            yield f"{label}: its {rows.rows} rows are gone, or can't be read any more"
        elif other.rows != rows.rows:
            yield f"{label}: {other.rows} of its {rows.rows} rows are as they were"
        elif other != rows:
            yield f"{label}: some of its {rows.rows} rows have other values"
    for table, count in before.counted.items():
        if table not in filled and after.counted.get(table) != count:
            yield f"{dumptext.label(table)}: had {count} rows, has {after.counted.get(table, 0)}"


class _Strangers:
    """Tells new objects that concern what was there, or that the file does not make."""

    def __init__(
        self, before: DatabaseState, after: DatabaseState, own: Collection[tuple[str, Name]]
    ) -> None:
        self._before = before
        self._made = {(kind, name[:2]) for kind, name in own}
        self._tables = {dumptext.table(name) for name in before.answers["tables"]}
        # An extension that the file installs has objects of its own.
        installed = after.answers["extensions"].keys() - before.answers["extensions"].keys()
        self._is_extended = any((judge.EXTENSION, (name,)) in self._made for name in installed)

    def has(self, question: str, name: str, definition: str) -> bool:
        """Return whether a new object is one of them."""
        if question == "functions":
            return self._is_strange_routine(name)
        if question == "comments":
            return self._is_commented(name)
        if question == "other_objects" and name.startswith("cast "):
            return not any(
                (judge.TYPE, dumptext.table(side)) in self._made
                for side in name.removeprefix("cast from ").split(" to ")
            )
        own = _own_name(question, name)
        if own is not None:
            return not self._is_extended and own[1][0] != "pg_catalog" and own not in self._made
        if relation := _relation(question, name, definition):
            return dumptext.table(relation)[:2] in self._tables
        return self._is_of_all(question, name)

    def _is_of_all(self, question: str, name: str) -> bool:
        kind, _, rest = name.partition(" ")
        if question == "grants" and kind in _GRANTED:
            return rest in self._before.answers[_GRANTED[kind]]
        if question == "roles":
            return not name.startswith(_OF_IMPORTS)
        return question in _OF_ALL

    def _is_strange_routine(self, signature: str) -> bool:
        """Return whether the file does not make it, or another of its name was there."""
        name = _routine_name(signature)
        # A range type has functions of its name.
        is_made = self._is_extended or not self._made.isdisjoint(
            {(judge.ROUTINE, name), (judge.TYPE, name)}
        )
        return not is_made or name in self._routines

    def _is_commented(self, described: str) -> bool:
        """Return whether something that was there has a comment or label that it did not have.

        Args:
            described: kind and name, as pg_identify_object has them; of a part also the name
                of what it belongs to, at the end.
        """
        if described.startswith(("shared ", "label ", "comments on ")):
            return True
        words = described.split(" ")
        return any(" ".join(words[place:]) in self._names for place in range(len(words)))

    @cached_property
    def _routines(self) -> Collection[Name]:
        return frozenset(map(_routine_name, self._before.answers["functions"]))

    @cached_property
    def _names(self) -> Collection[str]:
        answers = self._before.answers
        names = {
            name
            for question in ("tables", "columns", "indexes", "functions", "types")
            for name in answers[question]
        }
        names |= {name for name in answers["grants"] if name.startswith("schema ")}
        names |= {f"extension {name}" for name in answers["extensions"]}
        others = (
            name.partition(" ")[2].replace(" using ", " USING ")
            for name in answers["other_objects"]
        )
        return names | set(others) | set(answers["large_objects"])


def _own_name(question: str, name: str) -> tuple[str, Name] | None:
    """Return kind and name of what only the file may make; None for what is a part of it."""
    kind, _, rest = name.partition(" ")
    if question in _NAMED:
        return _NAMED[question], dumptext.table(name)
    if question == "publications" or (question == "grants" and kind == judge.SCHEMA):
        return kind, dumptext.table(rest)
    if question == "large_objects":
        return judge.LARGE_OBJECT, (name.rpartition(" ")[2],)
    match = _OTHER.match(name) if question == "other_objects" else None
    return None if match is None else (match[1], dumptext.table(match[2]))


def _relation(question: str, name: str, definition: str) -> str:
    """Return the relation that an object belongs to; nothing where it belongs to none."""
    kind, _, rest = name.partition(" ")
    indexed = _INDEXED.search(definition) if question == "indexes" else None
    if indexed is not None:
        return indexed[1]
    if question in ("triggers", "constraints", "policies"):
        return name.rpartition(": ")[0]
    if question == "columns":
        return name
    return rest if question == "grants" and kind in ("relation", "column") else ""


def _routine_name(signature: str) -> Name:
    """Return schema and name of a routine that is given with its arguments."""
    match = _ROUTINE.match(signature)
    return dumptext.table(match[0]) if match else (signature,)
