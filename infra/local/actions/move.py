"""Export to an object, import from one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg

from infra.local import objects, replication
from infra.local.actions.subject import instance_of
from infra.local.engine import courier, csvfile, dump, standby
from infra.local.engine.cluster import Cluster
from infra.local.engine.process import end_all_in
from infra.local.errors import EngineError
from infra.local.model import Body, Instance
from infra.local.service import Service
from infra.local.work import Job


class BadContentError(EngineError):
    """An object's content is not what its name says."""

    code = "ERROR_RDBMS"

    def __init__(self, uri: str, error: Exception) -> None:
        super().__init__(f"{uri} is no gzip file, but its name ends in .gz: {error}")


def export(job: Job) -> None:
    """Write the object; it has its name when all of it is there."""
    context = job.operation.facts["exportContext"]
    draft = objects.new_draft()
    job.step("writing", draft=draft)
    instance = instance_of(job)
    cluster = job.service.cluster(instance)
    with (
        _folder(cluster) as cwd,
        job.service.buckets.writing(objects.parse(context["uri"]), draft) as sink,
    ):
        if context["fileType"] == "CSV":
            query = context["csvExportOptions"]["selectQuery"]
            with _lent(job.service, instance, _database(context)) as login:
                form = csv_format(context["csvExportOptions"])
                csvfile.write(cluster.runner, login, query, form, sink)
        else:
            login = courier.administrator(cluster, _database(context))
            dump.write(cluster, cwd, login, _dump_options(context), sink)


def bring_in(job: Job) -> None:
    """Run the object's SQL, or add its rows to a table, as the user that was asked for."""
    context = job.operation.facts["importContext"]
    cluster = job.service.cluster(instance_of(job))
    user = context.get("importUser") or "postgres"
    with (
        job.service.buckets.reading(objects.parse(context["uri"])) as source,
        _folder(cluster) as cwd,
        courier.lent_to_import(cluster, context["database"], user) as login,
    ):
        try:
            if context["fileType"] == "CSV":
                options = context["csvImportOptions"]
                columns = tuple(options.get("columns") or ())
                table = options["table"]
                form = csv_format(options)
                csvfile.read(cluster.runner, login, table, columns, form, source)
            else:
                dump.read(cluster, cwd, login, source)
        except (OSError, EOFError) as error:
            raise BadContentError(context["uri"], error) from error


def undo(job: Job, _reason: str) -> None:
    """Leave no half object, no program at work and no login; rows that are in stay in."""
    if draft := job.operation.facts.get("draft"):
        job.service.buckets.discard(str(draft))
    instance = job.service.store.by_uid(str(job.operation.facts["uid"]))
    if instance is None:
        return
    cluster = job.service.cluster(instance)
    end_all_in(cluster.layout.moving)
    shutil.rmtree(cluster.layout.moving, ignore_errors=True)
    keeper = _keeper(job.service, instance)
    if keeper.is_running() and not _is_standby(keeper):
        courier.take_back(keeper)


def _keeper(service: Service, instance: Instance) -> Cluster:
    """Return the cluster that an instance's roles are written in: a replica's primary's."""
    if instance.primary is None:
        return service.cluster(instance)
    return service.cluster(replication.primary_of(service.store, instance))


@contextmanager
def _lent(service: Service, instance: Instance, database: str) -> Iterator[courier.Login]:
    """Yield a login that reads every table, on a replica as soon as it knows of it."""
    cluster, keeper = service.cluster(instance), _keeper(service, instance)
    with courier.lent_to_export(keeper, database) as login:
        if instance.primary is not None:
            standby.wait_replayed(keeper, cluster)
        yield replace(login, host=str(cluster.layout.socket), port=cluster.settings.port)


def _is_standby(cluster: Cluster) -> bool:
    try:
        with cluster.connect() as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    except psycopg.OperationalError:
        return True  # it takes no connection: nobody is logged in
    return row is None or bool(row[0])


@contextmanager
def _folder(cluster: Cluster) -> Iterator[Path]:
    """Yield a folder for the programs: what works there is known to be this operation's."""
    folder = cluster.runner.make_folder(cluster.layout.moving)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _database(context: Body) -> str:
    return str((context.get("databases") or ["postgres"])[0])


def _dump_options(context: Body) -> dump.DumpOptions:
    options = context.get("sqlExportOptions") or {}
    postgres = options.get("postgresExportOptions") or {}
    return dump.DumpOptions(
        tables=tuple(options.get("tables") or ()),
        schema_only=bool(options.get("schemaOnly")),
        clean=bool(postgres.get("clean")),
        if_exists=bool(postgres.get("ifExists")),
    )


def csv_format(options: Body) -> csvfile.Format:
    """Return the characters that options name as hexadecimal codes.

    Raises:
        ValueError: One of them is no code of a character.
    """
    names = ("fieldsTerminatedBy", "quoteCharacter", "escapeCharacter")
    return csvfile.Format(*(_character(str(options.get(name) or "")) for name in names))


def _character(code: str) -> str:
    return bytes.fromhex(code).decode("ascii") if code else ""
