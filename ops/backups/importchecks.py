"""What is checked after an import: the file, what came in, and what was there before."""

from collections.abc import Collection, Mapping

from ops import dumptext, sql
from ops.backups.comparing import differences
from ops.backups.reading import Contents
from ops.backups.script import Name
from ops.backups.state import DatabaseState
from ops.checks.result import CheckResult, Level, State, finding
from ops.db import VERIFY, Connection, Database, statement
from ops.errors import OpsError

_MEANWHILE = "Where somebody else writes there meanwhile, that is why; else restore what is lost."


def statements(contents: Contents) -> CheckResult:
    """Report whether a SQL file makes and fills only its own objects; else it is trusted."""
    script = contents.script
    assert script is not None  # noqa: S101 - a CSV file has no statements
    total = len(script.relations)
    if script.objections:
        more = len(script.objections) + script.more
        words = f"{more} statements do more than to make and fill the file's own objects: trusted"
        trusted = tuple(
            finding("statement", str(objection), level=Level.NOTE)
            for objection in script.objections
        )
        return CheckResult("statements", State.NOT_APPLICABLE, total, total, words, trusted)
    words = f"they make and fill {total} tables, views and sequences, and do nothing else"
    return CheckResult("statements", State.OK, total, total, words)


def completeness(contents: Contents, *, is_proven: bool, is_trusted: bool) -> CheckResult:
    """Report whether the file is whole, and how that is known.

    Args:
        contents: the file's contents.
        is_proven: it is, byte for byte, what backup.export wrote and checked.
        is_trusted: the caller trusts it.
    """
    script = contents.script
    if is_proven:
        words = "it is byte for byte what backup.export wrote and checked"
        return CheckResult("completeness", State.OK, 1, 1, words)
    if script is None:
        words = "a CSV file does not say how many rows it should have; it ends with a whole row"
        return CheckResult("completeness", State.NOT_APPLICABLE, 0, 0, words)
    missing = contents.missing
    missing += () if contents.whole else ("pg_dump's last words: missing",)
    keyless = sorted(script.stored - script.keyed)
    missing += tuple(f"{dumptext.label(table)}: no key in the file" for table in keyless)
    if not missing:
        words = (
            "every table has its rows and a key, every sequence its position, and the end is "
            "there; without a record of backup.export no more can be known"
        )
        return CheckResult("completeness", State.OK, 1, 1, words)
    words = "whether the file is whole is not known: it lacks what dumps usually have"
    level = Level.NOTE if is_trusted else Level.UNKNOWN
    lacks = tuple(finding("file", line, level=level) for line in missing)
    if is_trusted:
        return CheckResult("completeness", State.NOT_APPLICABLE, 0, 1, words, lacks)
    remedy = "Compare with the source; give --trust-file where the source is like that."
    return CheckResult("completeness", State.UNKNOWN, 0, 1, words, lacks, remedy=remedy)


def rows(
    contents: Contents,
    want: Mapping[Name, int],
    before: Mapping[Name, int],
    now: Mapping[Name, int],
) -> CheckResult:
    """Report whether each table has just the file's rows more than before."""
    total = len(want)
    other = tuple(
        finding(
            "table",
            dumptext.label(table),
            f"{now.get(table, 0) - before.get(table, 0)} rows came in; the file has {count}",
        )
        for table, count in sorted(want.items())
        if table not in now or now[table] - before.get(table, 0) != count
    )
    if other:
        words = f"{len(other)} of {total} tables have not just the file's rows more than before"
        remedy = "Where somebody else writes to them meanwhile, that is why; else look at them."
        return CheckResult("rows", State.FINDING, total, total, words, other, remedy=remedy)
    if not total:
        words = "the file makes and fills no table: nothing could be counted"
        is_empty = contents.script is None or not contents.script.relations
        state = State.UNKNOWN if is_empty else State.NOT_APPLICABLE
        remedy = "Check that it is the file that you mean." if is_empty else ""
        return CheckResult("rows", state, 0, 0, words, remedy=remedy)
    words = f"{sum(want.values())} rows of {total} tables came in"
    return CheckResult("rows", State.OK, total, total, words)


def unreadable(user: str, total: int, error: OpsError) -> CheckResult:
    """Report that what came in can't be counted."""
    remedy = f"Let {user} read what was imported: GRANT SELECT, or import with --user {user}."
    return CheckResult("rows", State.UNKNOWN, 0, total, str(error), remedy=remedy)


def objects(database: Database, user: str, contents: Contents) -> CheckResult:
    """Report whether the keys, constraints, indexes and sequences of a SQL file are in force."""
    script = contents.script
    assert script is not None  # noqa: S101 - a CSV file makes nothing
    with database.connect(user, budget=VERIFY, name="backup.import") as connection:
        rows = connection.execute(statement(sql.load("backup/made"))).fetchall()
        positions = {name: _position(connection, name) for name in sorted(script.positions)}
    valid = {(kind, tuple(parts)): is_valid for kind, parts, is_valid in rows}
    expected = [
        *(("constraint", (*table, name)) for table, name in script.constraints),
        *(("index", name) for name in script.indexes),
    ]
    wrong = [
        finding(
            kind,
            f"{kind} {dumptext.label(name)}",
            "not valid" if (kind, name) in valid else "not there after the import",
        )
        for kind, name in sorted(expected)
        if not valid.get((kind, name))
    ]
    wrong += [
        finding(
            "sequence",
            f"sequence {dumptext.label(name)}",
            f"set to {script.positions[name]}, is at {position}",
        )
        for name, position in positions.items()
        if position != script.positions[name]
    ]
    total = len(expected) + len(script.positions)
    if wrong:
        words = f"{len(wrong)} of {total} constraints, indexes and sequences are not as in the file"
        remedy = "Look at them before anybody uses the tables."
        return CheckResult(
            "objects", State.FINDING, total, total, words, tuple(wrong), remedy=remedy
        )
    if not total:
        words = "the file has no constraint, index or sequence"
        return CheckResult("objects", State.NOT_APPLICABLE, 0, 0, words)
    words = f"{total} constraints, indexes and sequences are valid and as in the file"
    return CheckResult("objects", State.OK, total, total, words)


def _position(connection: Connection, sequence: Name) -> tuple[int, bool]:
    query = statement(sql.render("backup/position", {"sequence": sequence}))
    row = connection.execute(query).fetchone()
    return (0, False) if row is None else (row[0], row[1])


def untouched(
    before: DatabaseState,
    after: DatabaseState,
    own: Collection[tuple[str, Name]],
    filled: Collection[Name],
) -> CheckResult:
    """Report whether everything that the database had before is as it was.

    Args:
        before: what the database held.
        after: what it holds; of ``filled`` tables the older rows.
        own: objects of the file: kind and name.
        filled: tables that were there, and took the file's rows.
    """
    changed = tuple(finding("object", line) for line in differences(before, after, own, filled))
    total, unread = before.size, {**before.unread, **after.unread}
    facts = {"rows": before.rows, "counted_only": [dumptext.label(it) for it in before.counted]}
    if changed:
        words = f"{len(changed)} things are not as they were before the import"
        return CheckResult(
            "untouched", State.FINDING, total, total, words, changed, facts, remedy=_MEANWHILE
        )
    if unread:
        words = f"{len(unread)} of {total} things could not be read"
        closed = tuple(
            finding("object", name, why, Level.UNKNOWN) for name, why in sorted(unread.items())
        )
        remedy = "Let the stack's owner read them."
        examined = total - len(unread)
        return CheckResult(
            "untouched", State.UNKNOWN, examined, total, words, closed, facts, remedy=remedy
        )
    words = (
        f"{before.rows} rows, {len(before.sequences)} sequences and the definitions and rights of "
        "all that was there are as they were"
    )
    return CheckResult("untouched", State.OK, total, total, words, evidence=facts)
