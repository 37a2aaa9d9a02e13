"""Imports a file into a database: what it holds came in, and nothing else was touched."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial

from ops import dumptext, guard
from ops.backups import importchecks, importtarget, state
from ops.backups.asking import Earlier, carry_out, settle
from ops.backups.importerrors import (
    ChangedFileError,
    DamagedFileError,
    ForeignStatementsError,
    ImportedAlreadyError,
    ImportFailedError,
    NoSuchTableError,
    TablesThereError,
)
from ops.backups.judge import SCHEMA
from ops.backups.reading import Contents, read
from ops.backups.script import Allowed, Extensions, Name, Script
from ops.backups.state import DatabaseState
from ops.backups.told import account, undone
from ops.backups.transfer import ImportOptions, ImportPlan, import_plan
from ops.checks.report import SHOWN
from ops.checks.result import CheckResult, State, worst
from ops.cloudsql import Operation, OperationFailedError, once
from ops.console import Table
from ops.db import Database
from ops.errors import OpsError, Terminated
from ops.guard import Consent
from ops.invocation import Invocation
from ops.journal import Entry, Journal
from ops.objects import NoObjectError
from ops.store import Store

ROOM = "import"


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
        return worst(check.state for check in self.checks) if self.operation else State.OK

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        if not self.operation:
            dry = f"Would import {self.uri} into {self.database} of {self.instance}."
            return undone(dry, self.instance)
        took = "" if self.seconds is None else f" in {self.seconds:.1f} s"
        origin = ", which was made for it" if self.made_database else ""
        head = f"Imported {self.uri} into {self.database} of {self.instance}{took}{origin}"
        return [head, *account(self.checks)]


def bring_in(
    run: Invocation, options: ImportOptions, consent: Consent, *, trust_file: bool = False
) -> Import:
    """Read the file, import it, wait, and compare what is there with the file and with before.

    A SQL file is imported up to its first error and stays there; a file that is cut off, that
    would meet tables that are there, or that does more than to make and fill its own objects
    is therefore refused before anything is done.

    Args:
        run: of the task.
        options: what to import.
        consent: the caller's.
        trust_file: import it whatever its statements do, and where parts seem to be missing.

    Raises:
        ops.cloudsql.NoSuchInstanceError: the instance is not provisioned.
        ImportFailedError: it failed, with the API's reason.
        ops.guard.NotConfirmedError: production, and the name was not given.
        ops.guard.DeclinedError, ops.guard.UnansweredError: a SQL file goes into a database that
            is there, and that is not approved.
        ops.objects.NoObjectError: there is no such file.
        DamagedFileError: it can't be read to its end, or parts are missing.
        ChangedFileError: it is not what backup.export wrote there.
        ForeignStatementsError: it does more than to make and fill its own objects.
        ImportedAlreadyError: an earlier command had it imported, and did not see the end.
        TablesThereError: the database has relations that the file makes.
        NoSuchTableError: a CSV file's table is not there.
    """
    target, cloud = run.target, run.cloud
    chosen = import_plan(target.settings, options)
    instance = cloud.instance(target.instance)
    database = target.database_at(instance.address).named(chosen.database)
    missing = chosen.database not in cloud.databases(instance.name)
    for earlier in settle(target.store, cloud, run.progress, ROOM, _call):
        if _is_same(earlier, chosen):
            raise ImportedAlreadyError(earlier)
    if chosen.table and not missing:
        table = importtarget.resolve_table(database, target.owner, chosen.table)
        chosen = import_plan(target.settings, replace(options, table=table))
    allowed = _allowed(run, chosen, database, instance.database_version, missing=missing)
    contents = _read(run, chosen, allowed)
    is_proven = _is_proven(target.store, chosen, contents, trust_file=trust_file)
    if not (trust_file or is_proven) and (lacking := _lacking(contents)):
        raise DamagedFileError(chosen, lacking)
    _refuse(
        chosen, contents, () if missing else importtarget.relation_names(database, target.owner)
    )
    if contents.script and contents.script.objections and not (trust_file or is_proven):
        raise ForeignStatementsError(chosen, contents.script)
    action = f"import into {chosen.database} of {instance.name}"
    if not missing and not chosen.table:  # a SQL file's statements may be any
        risk = f"{action}, where its statements may change or delete what is there"
        guard.approve_removal(target, risk, consent)
    dry = Import(instance.name, chosen.database, str(chosen.uri), "")
    if not guard.permit(target, action, yes=consent.yes, confirm=consent.confirm):
        return dry
    if missing:
        cloud.wait(cloud.insert_database(instance.name, chosen.database))
    with run.progress.phase(f"Read what {chosen.database} holds"):
        before = state.take(database, target.owner)
    journal = Journal(target.store, ROOM, f"{datetime.now(UTC):%y%m%d%H%M%S%f}")
    done = _imported(run, instance.name, chosen, journal, missing=missing)
    with run.progress.phase(f"Compare what {chosen.database} holds"):
        checks = _checks(database, target.owner, chosen, contents, before)
    journal.close()  # a command that ends before leaves word of an import that nobody compared
    if contents.script is not None:
        checks = (importchecks.statements(contents), *checks)
    complete = importchecks.completeness(contents, is_proven=is_proven, is_trusted=trust_file)
    return Import(
        instance.name,
        chosen.database,
        str(chosen.uri),
        done.id,
        done.seconds,
        missing,
        (complete, *checks),
    )


def _read(run: Invocation, chosen: ImportPlan, allowed: Allowed) -> Contents:
    """Return what the file holds; it can be read to its end."""
    objects = run.target.objects()
    if objects.find(chosen.uri) is None:
        raise NoObjectError(chosen.uri)
    with run.progress.phase(f"Read {chosen.uri} to its end"):
        contents = read(objects, chosen.uri, allowed)
    if contents.damage:
        raise DamagedFileError(chosen, contents.damage)
    return contents


def _lacking(contents: Contents) -> str:
    """Return which parts of a dump are missing, or nothing."""
    if not contents.whole:
        return "pg_dump's last words are missing"
    listed = "; ".join(contents.missing[:SHOWN])
    return f"{len(contents.missing)} parts are missing, such as {listed}" if listed else ""


def _is_proven(store: Store, chosen: ImportPlan, contents: Contents, *, trust_file: bool) -> bool:
    """Return whether the file is what backup.export wrote there, and found to be whole."""
    records = [
        json.loads(stored.content)
        for key in store.keys("exports/")
        if (stored := store.get(key)) is not None
    ]
    checks = [
        check
        for record in records
        if record.get("uri") == str(chosen.uri)
        for check in record.get("checks", ())
        if check.get("check") == "content" and check.get("state") == State.OK.value
    ]
    is_same = any(check.get("evidence", {}).get("md5") == contents.md5 for check in checks)
    if checks and not is_same and not trust_file:
        raise ChangedFileError(chosen)
    return is_same


def _allowed(
    run: Invocation, chosen: ImportPlan, database: Database, version: str, *, missing: bool
) -> Allowed:
    """Return what a SQL file may do besides making and filling its own objects.

    Args:
        run: of the task, whose stack knows its roles.
        chosen: the import.
        database: the one to import into.
        version: the server's, as the API calls it.
        missing: whether it is made for the import, as a copy of template1.
    """
    users, user = run.target.settings.users, str(chosen.context["importUser"])
    roles = frozenset({users.owner, users.app, users.readonly, users.monitor, user})
    reached = database.named("template1") if missing else database
    is_new = missing or importtarget.is_empty(database, users.owner)

    @cache
    def extensions() -> Extensions:
        return importtarget.extensions(reached, users.owner, user, is_new=is_new)

    major = re.match(r"POSTGRES_(\d+)", version)
    return Allowed(roles, extensions, int(major[1]) if major else 0, is_new)


def _imported(
    run: Invocation, instance: str, chosen: ImportPlan, journal: Journal, *, missing: bool
) -> Operation:
    cloud = run.cloud
    with run.progress.phase(f"Import {chosen.uri} into {chosen.database}"):
        facts = {"uri": str(chosen.uri), "database": chosen.database}
        facts[once.AFTER] = once.newest(cloud, instance)
        entry = journal.intend("import", instance, **facts)
        try:
            return carry_out(
                cloud, journal, entry, partial(cloud.import_, instance, chosen.context)
            )
        except OperationFailedError as error:
            raise ImportFailedError(error.operation, chosen, created=missing) from error
        except (KeyboardInterrupt, Terminated):
            run.progress.line("Cloud SQL may go on importing: run this again to hear of it.")
            raise


def _call(entry: Entry) -> once.Call:
    return once.import_call(
        entry.object, entry.facts.get("uri", ""), entry.facts.get("database", "")
    )


def _is_same(earlier: Earlier, chosen: ImportPlan) -> bool:
    facts = earlier.entry.facts
    return (facts.get("uri"), facts.get("database")) == (str(chosen.uri), chosen.database)


def _refuse(chosen: ImportPlan, contents: Contents, present: Collection[str]) -> None:
    schemas = (
        (name for kind, name in contents.script.made if kind == SCHEMA) if contents.script else ()
    )
    met = sorted(set(present) & {*contents.created, *map(dumptext.label, schemas)})
    if met:
        raise TablesThereError(chosen, met)
    if chosen.table and chosen.table not in present:
        raise NoSuchTableError(chosen)


def _checks(
    database: Database, user: str, chosen: ImportPlan, contents: Contents, before: DatabaseState
) -> tuple[CheckResult, ...]:
    """Compare what is there with the file, and with what was there before."""
    script = contents.script
    if script is None:
        want: Mapping[Name, int] = {dumptext.table(chosen.table): (contents.rows or {}).get("", 0)}
    else:
        want = _together(script, {**dict.fromkeys(script.stored, 0), **script.rows})
    were = {**{name: rows.rows for name, rows in before.content.items()}, **before.counted}
    filled = frozenset(want.keys() & were.keys())
    try:
        counted = want.keys() if script is None else want.keys() | script.stored
        now = _together(script, importtarget.count_rows(database, user, counted))
        checks = [importchecks.rows(contents, want, were, now)]
    except OpsError as error:
        checks = [importchecks.unreadable(user, len(want), error)]
    try:
        after = state.take(database, user, filled, before.next_transaction)
        if script is not None:
            checks.append(importchecks.objects(database, user, contents))
    except OpsError as error:
        total = before.size
        checks.append(CheckResult("untouched", State.UNKNOWN, 0, total, str(error)))
        return tuple(checks)
    own = frozenset() if script is None else frozenset(script.made)
    return (*checks, importchecks.untouched(before, after, own, filled))


def _together(script: Script | None, rows: Mapping[Name, int]) -> Mapping[Name, int]:
    """Return the rows of tables; those of partitions with the table that the file fills."""
    if script is None:
        return rows
    together: dict[Name, int] = {}
    for table, count in rows.items():
        counted = script.counted_with(table)
        together[counted] = together.get(counted, 0) + count
    return together
