"""Imports a file into a database, and sees that what it holds came in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from ops import dumptext, guard, sql
from ops.backups.asking import Earlier, carry_out, settle
from ops.backups.reading import Contents, read
from ops.backups.told import account, undone
from ops.backups.transfer import ImportOptions, ImportPlan, import_plan
from ops.cloudsql import once
from ops.console import Table
from ops.db import DIAGNOSTIC, VERIFY, Database, statement
from ops.errors import BadInputError, OpsError
from ops.guard import Consent
from ops.invocation import Invocation
from ops.journal import Entry, Journal
from ops.objects import NoObjectError
from ops.results import CheckResult, State, worst

ROOM = "import"


class DamagedFileError(BadInputError):
    """The file can't be read to its end."""

    def __init__(self, plan: ImportPlan, damage: str) -> None:
        super().__init__(
            f"{plan.uri} is not whole: {damage}. Nothing was imported; export it again."
        )


class TablesThereError(BadInputError):
    """The file makes tables that the database has already."""

    def __init__(self, plan: ImportPlan, tables: Sequence[str]) -> None:
        shown = ", ".join(tables[:5])
        super().__init__(
            f"Database {plan.database} has {len(tables)} of the tables that {plan.uri} makes "
            f"already ({shown}), so the import would stop half way. Give an empty one with "
            "--database, which is made where it is missing."
        )


class NoSuchTableError(BadInputError):
    """A CSV file needs a table to go to."""

    def __init__(self, plan: ImportPlan) -> None:
        super().__init__(
            f"Database {plan.database} has no table {plan.table!r}. Give --table as SCHEMA.TABLE."
        )


class ImportedAlreadyError(OpsError):
    """The same file was imported by a command that did not see the end."""

    def __init__(self, earlier: Earlier) -> None:
        operation, facts = earlier.operation, earlier.entry.facts
        into = f"The import of {facts['uri']} into {facts['database']} that an earlier command"
        if operation.status != "DONE":
            super().__init__(
                f"{into} asked for still runs. Follow it with `gcloud sql operations wait "
                f"{operation.id}`; a second one would bring the rows in twice."
            )
            return
        super().__init__(
            f"{into} did not see the end of is done (operation {operation.id}). The file was not "
            "imported again: look whether its rows are there. To import it a second time, run "
            "this again."
        )


@dataclass(frozen=True, slots=True)
class Import:
    """An import, and whether what the file holds came in.

    Attributes:
        instance, database: where to.
        uri: where from.
        operation: the operation that did it; empty where it was only planned.
        seconds: how long that took.
        made_database: whether the database was made for it.
        checks: what was looked at.
    """

    instance: str
    database: str
    uri: str
    operation: str
    seconds: float | None = None
    made_database: bool = False
    checks: tuple[CheckResult, ...] = ()

    @property
    def state(self) -> State:
        """Return the worst state of all checks; ok for a plan."""
        return worst(one.state for one in self.checks) if self.operation else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.operation:
            dry = f"Would import {self.uri} into {self.database} of {self.instance}."
            return undone(dry, self.instance)
        took = "" if self.seconds is None else f" in {self.seconds:.1f} s"
        made = ", which was made for it" if self.made_database else ""
        head = f"Imported {self.uri} into {self.database} of {self.instance}{took}{made}"
        return [head, *account(self.checks)]


def bring_in(run: Invocation, options: ImportOptions, consent: Consent) -> Import:
    """Read the file, import it, wait, and count what came in.

    A SQL file is imported up to its first error and stays there; a file that is cut off, or
    that would meet tables that are there, is therefore refused before anything is done.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ops.cloudsql.OperationFailedError: the import failed, with the API's reason.
        ops.guard.NotConfirmedError: production, and the name was not given.
        ops.guard.DeclinedError, ops.guard.UnansweredError: a SQL file goes into a database that
            is there, and that is not approved.
        ops.objects.NoObjectError: there is no such file.
        DamagedFileError: it can't be read to its end.
        ImportedAlreadyError: an earlier command had it imported, and did not see the end.
        TablesThereError: the database has tables that the file makes.
        NoSuchTableError: a CSV file's table is not there.
    """
    target, cloud = run.target, run.cloud
    chosen = import_plan(target.settings, options)
    instance = cloud.instance(target.instance)
    database = target.database_at(instance.address).called(chosen.database)
    missing = chosen.database not in cloud.databases(instance.name)
    if chosen.table and not missing:
        table = _resolved(database, target.owner, chosen.table)
        chosen = import_plan(target.settings, replace(options, table=table))
    objects = target.objects()
    if objects.find(chosen.uri) is None:
        raise NoObjectError(chosen.uri)
    with run.progress.phase(f"Read {chosen.uri} to its end"):
        held = read(objects, chosen.uri)
    if held.damage or not held.whole:
        raise DamagedFileError(chosen, held.damage or "pg_dump's last words are missing")
    before = {} if missing else _rows(database, target.owner, _names(chosen, held))
    _refuse(chosen, held, before)
    action = f"import into {chosen.database} of {instance.name}"
    if not missing and not chosen.table:  # a SQL file's statements may be any
        risk = f"{action}, where its statements may change or delete what is there"
        guard.approve_removal(target, risk, consent)
    dry = Import(instance.name, chosen.database, str(chosen.uri), "")
    if not guard.permit(target, action, yes=consent.yes, confirm=consent.confirm):
        return dry
    for earlier in settle(target.store, cloud, run.progress, ROOM, _call):
        if _is_same(earlier, chosen):
            raise ImportedAlreadyError(earlier)
    journal = Journal(target.store, ROOM, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
    with run.progress.phase(f"Import {chosen.uri} into {chosen.database}"):
        if missing:
            cloud.wait(cloud.insert_database(instance.name, chosen.database))
        facts = {"uri": str(chosen.uri), "database": chosen.database}
        facts[once.AFTER] = once.newest(cloud, instance.name)
        entry = journal.intend("import", instance.name, **facts)
        ask = partial(cloud.import_, instance.name, chosen.context)
        done = carry_out(cloud, journal, entry, ask)
        journal.close()
    checks = (_came_in(database, target.owner, chosen, held, before),)
    return Import(
        instance.name, chosen.database, str(chosen.uri), done.id, done.seconds, missing, checks
    )


def _call(entry: Entry) -> once.Call:
    return once.import_call(
        entry.object, entry.facts.get("uri", ""), entry.facts.get("database", "")
    )


def _is_same(earlier: Earlier, chosen: ImportPlan) -> bool:
    facts = earlier.entry.facts
    return (facts.get("uri"), facts.get("database")) == (str(chosen.uri), chosen.database)


def _names(chosen: ImportPlan, held: Contents) -> tuple[str, ...]:
    if chosen.table:
        return (chosen.table,)
    return tuple({*(held.rows or {}), *held.created})


def _refuse(chosen: ImportPlan, held: Contents, before: Mapping[str, int]) -> None:
    there = sorted(before.keys() & set(held.created))
    if there:
        raise TablesThereError(chosen, there)
    if chosen.table and chosen.table not in before:
        raise NoSuchTableError(chosen)


def _came_in(
    database: Database, user: str, chosen: ImportPlan, held: Contents, before: Mapping[str, int]
) -> CheckResult:
    rows = dict(held.rows or {})
    want = {chosen.table: rows.get("", 0)} if chosen.table else rows
    try:
        now = _rows(database, user, tuple(want))
    except OpsError as error:
        remedy = f"Let {user} read what was imported: GRANT SELECT, or import with --user {user}."
        return CheckResult("rows", State.UNKNOWN, 0, len(want), str(error), remedy=remedy)
    lines = tuple(
        f"{table}: {now.get(table, 0) - before.get(table, 0)} rows came in; the file has {count}"
        for table, count in sorted(want.items())
        if now.get(table, 0) - before.get(table, 0) != count
    )
    total = len(want)
    if lines:
        words = f"{len(lines)} of {total} tables have not just the file's rows more than before"
        remedy = "Where somebody else writes to them meanwhile, that is why; else look at them."
        return CheckResult("rows", State.FINDING, total, total, words, lines, remedy=remedy)
    words = f"{sum(want.values())} rows of {total} tables came in"
    return CheckResult("rows", State.OK, total, total, words)


def _resolved(database: Database, user: str, name: str) -> str:
    """Return the name of a table, given with its schema, as SQL reads it; else as it was given."""
    with database.connect(user, budget=DIAGNOSTIC, name="backup.import") as connection:
        rows = connection.execute(statement(sql.load("backup/names"))).fetchall()
    parts = dumptext.resolve(name, [(schema, table) for ((schema, table),) in rows])
    spelled = (dumptext.table(name), tuple(name.split(".", 1)))
    return name if parts is None or parts not in spelled else dumptext.label(parts)


def _rows(database: Database, user: str, tables: Sequence[str]) -> Mapping[str, int]:
    """Return how many rows those of the tables have that are there."""
    found: dict[str, int] = {}
    with database.connect(user, budget=VERIFY, name="backup.import") as connection:
        named = connection.execute(statement(sql.load("backup/names"))).fetchall()
        for (parts,) in named:
            name = dumptext.label(parts)
            if name in tables:
                query = statement(sql.render("backup/row_count", {"table": tuple(parts)}))
                row = connection.execute(query).fetchone()
                found[name] = int(row[0]) if row else 0
    return found
