"""Exports a database, tables, or what a query finds, and sees that the file is whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from ops import dumptext, guard, sql
from ops.backups.asking import Earlier, carry_out, settle
from ops.backups.reading import Contents, read
from ops.backups.told import account, undone
from ops.backups.transfer import ExportOptions, ExportPlan, plan
from ops.backups.trial import trial
from ops.checks.result import CheckResult, State, finding, worst
from ops.cloudsql import CloudSql, Operation, once
from ops.console import Table, document
from ops.db import DIAGNOSTIC, Database, statement
from ops.errors import BadInputError, OpsError
from ops.guard import Consent
from ops.invocation import Invocation
from ops.journal import Entry, Journal
from ops.objects import ObjectFacts, Objects
from ops.store import Store

ROOM = "export"
# Reading a file to its end costs its transfer; larger ones are read on request only.
READ_LIMIT_BYTES = 1 << 30
_AGAIN = "Export again, and don't rely on this file."


class NoSuchDatabaseError(BadInputError):
    """An instance has no database of that name."""

    def __init__(self, instance: str, database: str, databases: Sequence[str]) -> None:
        super().__init__(
            f"Instance {instance} has no database {database!r}. It has {', '.join(databases)}."
        )


@dataclass(frozen=True, slots=True)
class Export:
    """An export, and what its file is worth.

    Attributes:
        instance: whose data it is.
        uri: where it lies.
        database: from which database.
        operation: the operation that made it; empty where it was only planned.
        seconds: how long that took.
        size_bytes: of the file.
        checks: what was looked at.
    """

    instance: str
    uri: str
    database: str
    operation: str
    seconds: float | None = None
    size_bytes: int = 0
    checks: tuple[CheckResult, ...] = ()

    @property
    def state(self) -> State:
        """Return the worst state of all checks; ok for a plan."""
        return worst(check.state for check in self.checks) if self.operation else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.operation:
            dry = f"Would export {self.database} of {self.instance} to {self.uri}."
            return undone(dry, self.instance)
        took = "" if self.seconds is None else f" in {self.seconds:.1f} s"
        size = f"{self.size_bytes} bytes"
        head = f"Exported {self.database} of {self.instance}{took}, {size}: {self.uri}"
        return [head, *account(self.checks)]


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a file is looked into.

    Attributes:
        whole: read it to its end, however large it is.
        trial: import it into an instance of its own, and count its rows there.
    """

    whole: bool = False
    trial: bool = False


def export(run: Invocation, options: ExportOptions, reading: Reading, consent: Consent) -> Export:
    """Export, wait, and see that the file is there, whole, and holds what it should.

    A wait that was cut short leaves the operation running; the next call tells what became of
    it, and one that asks for the same export shortly after goes on with it.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ops.cloudsql.OperationFailedError: the export failed, with the API's reason.
        ops.guard.NotConfirmedError: production, and the name was not given.
        ops.errors.BadInputError: the options can't be meant; see ``transfer.plan``.
    """
    target, cloud = run.target, run.cloud
    now = datetime.now(UTC)
    chosen = plan(target.settings, options, now)
    instance = cloud.instance(target.instance)
    if chosen.database not in (databases := cloud.databases(instance.name)):
        raise NoSuchDatabaseError(instance.name, chosen.database, databases)
    dry = Export(instance.name, str(chosen.uri), chosen.database, "")
    action = f"export {chosen.database} of {instance.name}"
    if not guard.permit(target, action, yes=consent.yes, confirm=consent.confirm):
        return dry
    database = target.database_at(instance.address).named(chosen.database)
    before = None if options.query or options.schema_only else _tables(database, target.owner)
    if options.tables and isinstance(before, frozenset):
        names, before = _named(options.tables, before)
        before = before or None  # a pattern's tables are not known
        chosen = plan(target.settings, replace(options, to=str(chosen.uri), tables=names), now)
    earlier = settle(target.store, cloud, run.progress, ROOM, _call)
    retried = next((it for it in earlier if it.is_recent and _is_same(it, chosen)), None)
    with run.progress.phase(f"Export {chosen.database} to {chosen.uri}"):
        if retried is None:
            done = _exported(target.store, cloud, instance.name, chosen)
        else:
            run.progress.line(f"This goes on with the export that began at {retried.entry.at}.")
            done = cloud.wait(retried.operation)
    objects = target.objects()
    facts = objects.find(chosen.uri)
    checks = _checks(run, objects, chosen, facts, before, reading)
    size = 0 if facts is None else facts.size_bytes
    result = Export(
        instance.name, str(chosen.uri), chosen.database, done.id, done.seconds, size, checks
    )
    record = json.dumps(document(result), indent=2).encode()
    target.store.put(f"exports/{done.id}.json", record)
    return result


def _exported(store: Store, cloud: CloudSql, instance: str, chosen: ExportPlan) -> Operation:
    journal = Journal(store, ROOM, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
    facts = {"uri": str(chosen.uri), "context": _context(chosen)}
    facts[once.AFTER] = once.newest(cloud, instance)
    entry = journal.intend("export", instance, **facts)
    done = carry_out(cloud, journal, entry, partial(cloud.export, instance, chosen.context))
    journal.close()
    return done


def _context(chosen: ExportPlan) -> str:
    return json.dumps(chosen.context, sort_keys=True)


def _is_same(earlier: Earlier, chosen: ExportPlan) -> bool:
    return earlier.entry.facts.get("context") == _context(chosen)


def _call(entry: Entry) -> once.Call:
    return once.export_call(entry.object, entry.facts.get("uri", ""))


def _checks(
    run: Invocation,
    objects: Objects,
    chosen: ExportPlan,
    facts: ObjectFacts | None,
    tables: "frozenset[str] | OpsError | None",
    reading: Reading,
) -> tuple[CheckResult, ...]:
    query = str(chosen.context.get("csvExportOptions", {}).get("selectQuery", ""))
    may_be_empty = query and not chosen.uri.name.endswith(".gz")
    if facts is None or not (facts.size_bytes or may_be_empty):
        words = "the operation is done, and there is no file" if facts is None else "it is empty"
        return (CheckResult("object", State.FINDING, 1, 1, words, remedy=_AGAIN),)
    present = CheckResult("object", State.OK, 1, 1, f"{facts.size_bytes} bytes")
    if facts.size_bytes > READ_LIMIT_BYTES and not (reading.whole or reading.trial):
        words = f"not read: it is larger than {READ_LIMIT_BYTES} bytes"
        remedy = "Add --read-whole to read it to its end."
        return (present, CheckResult("content", State.UNKNOWN, 0, 1, words, remedy=remedy))
    with run.progress.phase(f"Read {chosen.uri} to its end"):
        contents = read(objects, chosen.uri)
    checks = [present, content(contents, facts)]
    if tables is not None:
        checks.append(completeness(contents, tables))
    if query and not contents.damage and not contents.total_rows:
        checks.append(_no_rows(run, chosen.database, query))
    if reading.trial:
        checks.append(trial(run, chosen, contents))
    return tuple(checks)


def _no_rows(run: Invocation, name: str, query: str) -> CheckResult:
    """Tell whether a query's file has no rows because the query finds none."""
    target = run.target
    database = target.database_at(run.cloud.instance(target.instance).address).named(name)
    try:
        with (
            database.connect(
                target.owner, budget=DIAGNOSTIC, autocommit=False, name="backup.export"
            ) as connection,
            connection.cursor("rows") as cursor,
        ):
            cursor.execute(query.encode())
            row = cursor.fetchone()
    except OpsError as error:
        words = f"the file has no rows, and whether the query finds any is not known: {error}"
        return CheckResult("rows", State.UNKNOWN, 0, 1, words.rstrip("."))
    if row is None:
        words = "the file has no rows, and the query finds none"
        return CheckResult("rows", State.OK, 1, 1, words)
    words = "the file has no rows, and the query finds some now"
    remedy = "If they did not come meanwhile, they are missing: export again."
    return CheckResult("rows", State.UNKNOWN, 0, 1, words, remedy=remedy)


def content(contents: Contents, facts: ObjectFacts) -> CheckResult:
    """Tell whether a file can be read to its end, and ends as a whole export ends."""
    words = f"{contents.total_rows} rows of {len(contents.rows or {})} tables, whole"
    if "" in (contents.rows or {}):
        words = f"{contents.total_rows} rows, whole"
    evidence = {"md5": contents.md5, "rows": dict(contents.rows or {})}
    if contents.damage:
        words = contents.damage
    elif not contents.whole:
        words = "pg_dump's last words are missing: it is cut off"
    elif contents.size_bytes != facts.size_bytes:
        words = f"{contents.size_bytes} bytes were read of {facts.size_bytes}"
    elif facts.md5 and facts.md5 != contents.md5:
        words = "what was read has another MD5 than the bucket says"
    else:
        return CheckResult("content", State.OK, 1, 1, words, evidence=evidence)
    return CheckResult("content", State.FINDING, 1, 1, words, evidence=evidence, remedy=_AGAIN)


def _named(
    names: Sequence[str], tables: "frozenset[str]"
) -> "tuple[tuple[str, ...], frozenset[str]]":
    """Return names of tables as pg_dump reads them, and the tables; patterns stay as they are."""
    known = [(parts[0], parts[1]) for parts in map(dumptext.table, tables)]
    targets = {name: dumptext.resolve(name, known) for name in names}
    labels = {name: dumptext.label(table) for name, table in targets.items() if table is not None}
    return tuple(labels.get(name, name) for name in names), frozenset(labels.values())


def completeness(contents: Contents, tables: "frozenset[str] | OpsError") -> CheckResult:
    """Tell whether a file has the rows of every table that it is to have."""
    if isinstance(tables, OpsError):
        words = f"which tables there are is not known: {tables}"
        return CheckResult("tables", State.UNKNOWN, 0, 1, words)
    rows: Mapping[str, int] = contents.rows or {}
    missing = tuple(
        finding("table", name, "not in the file") for name in sorted(tables - rows.keys())
    )
    total = len(tables)
    if missing:
        words = f"{len(missing)} of {total} tables are not in the file"
        remedy = "Tables dropped meanwhile are no loss; else export again."
        return CheckResult("tables", State.FINDING, total, total, words, missing, remedy=remedy)
    return CheckResult("tables", State.OK, total, total, f"all {total} tables are in the file")


def _tables(database: Database, user: str) -> "frozenset[str] | OpsError":
    try:
        with database.connect(user, budget=DIAGNOSTIC, name="backup.export") as connection:
            rows = connection.execute(statement(sql.load("backup/tables"))).fetchall()
    except OpsError as error:
        return error
    return frozenset(dumptext.label(parts) for (parts,) in rows)
