"""The local Cloud SQL for the person in front of it: up, down, status, clock, env."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import localclock, localfaults, smalldisk
from ops import guard, localcloud
from ops.console import Table
from ops.errors import BadInputError
from ops.localserver import Server
from ops.target import NotLocalError, Target, password_folder


@dataclass(frozen=True, slots=True)
class InstanceLine:
    """One instance as ``local.status`` shows it.

    Attributes:
        name: the instance's.
        state: as the Admin API says it.
        address: its 127.x.y.z.
        port: PostgreSQL's.
        connection_name: what connectors call it, PROJECT:REGION:NAME.
        database_version: as ``POSTGRES_15``.
        connectors: where they reach it, ADDRESS:PORT; empty while that door is shut.
    """

    name: str
    state: str
    address: str
    port: int
    connection_name: str
    database_version: str
    connectors: str


@dataclass(frozen=True, slots=True)
class Status:
    """A running local Cloud SQL and its instances."""

    url: str
    data: Path
    pid: int
    clock: localclock.Clock
    instances: tuple[InstanceLine, ...]
    faults: tuple[localfaults.Fault, ...] = ()

    def blocks(self) -> Sequence[Table | str]:
        """Return one line for the server and a table of its instances."""
        line = f"Local Cloud SQL at {self.url} (process {self.pid}), data in {self.data}"
        if self.clock.ahead_s:
            line = f"{line}\n{self.clock.blocks()[0]}"
        faults = localfaults.Faults(self.faults).blocks() if self.faults else ()
        if not self.instances:
            none = "No instances. `invoke local.deploy` provisions the local stack."
            return (line, none, *faults)
        rows = tuple(
            (
                instance.name,
                instance.state,
                f"{instance.address}:{instance.port}",
                instance.database_version,
            )
            for instance in self.instances
        )
        doors = tuple(
            f"Connectors reach {instance.connection_name} on {instance.connectors}"
            for instance in self.instances
            if instance.connectors
        )
        return (line, Table("", ("instance", "state", "address", "version"), rows), *doors, *faults)


@dataclass(frozen=True, slots=True)
class Down:
    """What ``local.down`` did."""

    data: Path
    was_running: bool
    wiped: bool

    def blocks(self) -> Sequence[Table | str]:
        """Return one line."""
        stopped = "Stopped" if self.was_running else "Nothing was running for"
        wiped = " It is removed: instances, backups, evidence." if self.wiped else ""
        return (f"{stopped} the local Cloud SQL of {self.data}.{wiped}",)


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables for the shell; one with None is taken out of it."""

    variables: Mapping[str, str | None]

    def blocks(self) -> Sequence[Table | str]:
        """Return one export a line, for ``eval "$(invoke local.env)"``."""
        exports = tuple(
            f"export {name}={shlex.quote(value)}"
            for name, value in self.variables.items()
            if value is not None
        )
        without = [name for name, value in self.variables.items() if value is None]
        if not without:
            return exports
        hint = "# psql has nowhere to go yet: `invoke local.deploy`, then this again"
        return (hint, f"unset {' '.join(without)}", *exports)

    def document(self) -> Mapping[str, str]:
        """Return the variables that are set."""
        return {name: value for name, value in self.variables.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the local Cloud SQL."""

    name: str
    folder: Path

    def blocks(self) -> Sequence[Table | str]:
        """Return one line."""
        return (f"Bucket gs://{self.name} is the folder {self.folder}",)


def _data(target: Target, folder: str) -> Path:
    if target.local is None:
        raise NotLocalError(target.stack)
    return Path(folder).expanduser().resolve() if folder else target.local


def up(
    target: Target,
    data: str,
    port: str,
    pg_port: str,
    disk_mb: str = "",
    *,
    set_aside: bool = False,
) -> Status:
    """Start the local Cloud SQL of a folder where it does not run; return its status.

    Args:
        target: a stack on the local Cloud SQL.
        data: the folder; empty means the stack's own.
        port: of the Admin API, as typed; empty means LOCAL_CLOUDSQL_PORT, else 8765.
        pg_port: of PostgreSQL, as typed; empty means LOCAL_CLOUDSQL_PG_PORT, else 5432.
        disk_mb: the size of a file system in memory for the folder; empty for none.
        set_aside: whether to move out of the way what the server's state does not know.

    Raises:
        infra.smalldisk.CannotMountError: the small file system can't be mounted.
        ops.localcloud.BadPortError: one of them is no port.
        RunsElsewhereError: it runs already, on another port.
        ops.localcloud.StartFailedError: it did not start.
        ops.target.NotLocalError: the stack lives in the cloud.
    """
    folder = _data(target, data)
    api_port, wanted_pg = _port("--port", port), _port("--pg-port", pg_port)
    if disk_mb:
        smalldisk.mount(folder, disk_mb)
    server = localcloud.ensure(folder, port=api_port, pg_port=wanted_pg, set_aside=set_aside)
    for option, number, has in (
        ("--port", api_port, server.port),
        ("--pg-port", wanted_pg, server.pg_port),
    ):
        if number not in (None, 0, has):
            raise RunsElsewhereError(option, number, has)
    return _status(server)


class RunsElsewhereError(BadInputError):
    """A port was asked for, and the server runs already on another one."""

    def __init__(self, option: str, port: int | None, has: int) -> None:
        super().__init__(
            f"The local Cloud SQL runs already, with {option} {has} and not {port}. "
            "Stop it with `invoke local.down` first, or leave the option out."
        )


def _port(option: str, text: str) -> int | None:
    return localcloud.parse_port(option, text) if text else None


def status(target: Target, data: str = "") -> Status:
    """Return what runs; raises ops.localcloud.NotRunningError."""
    return _status(localcloud.require(_data(target, data)))


def down(target: Target, data: str, *, wipe: bool, yes: bool = False) -> Down:
    """Stop the server and its clusters; with ``wipe`` remove every instance and backup too.

    Raises:
        ops.guard.DeclinedError, ops.guard.UnansweredError: a folder would be removed.
        ops.localcloud.NotADataFolderError: it is none of a local Cloud SQL.
    """
    folder = _data(target, data)
    exists = folder.exists()
    if wipe and exists:
        localcloud.check_data_folder(folder)
        guard.ask(f"delete {folder} with every instance, backup and record of drills", yes=yes)
    if wipe and folder.is_mount():
        was_running = localcloud.stop(folder)
        return Down(folder, was_running, smalldisk.unmount(folder))
    return Down(folder, localcloud.stop(folder, wipe=wipe), wipe and exists)


def bucket(target: Target, data: str, name: str) -> Bucket:
    """Make a bucket where it is missing.

    Raises:
        ops.localcloud.NotRunningError: the server does not run.
        ops.localserver.RefusedError: the name can't be a bucket's.
    """
    created = localcloud.require(_data(target, data)).ask("POST", "buckets", {"name": name})
    return Bucket(created["name"], Path(created["folder"]))


def faults(
    target: Target, data: str, *, clear: bool, options: Mapping[str, str]
) -> localfaults.Faults:
    """Lift all faults on demand, put one in force, or only show them: see infra.localfaults.

    Raises:
        ops.localcloud.NotRunningError: the server does not run.
    """
    server = localcloud.require(_data(target, data))
    return localfaults.change(server, clear=clear, options=options)


def clock(
    target: Target, data: str, forward: str, to: str, *, yes: bool = False
) -> localclock.Clock:
    """Set the clock forward where one of both is given; return what it says.

    Args:
        target: a stack on the local Cloud SQL.
        data: the folder; empty means the stack's own.
        forward: by how much, as ``26h``; empty for not at all.
        to: to which time, in RFC 3339; empty for none.
        yes: whether not to ask.

    Raises:
        ops.arguments.BadArgumentError: ``forward`` is no length of time.
        ops.guard.DeclinedError, ops.guard.UnansweredError: the clock would be set.
        infra.localclock.TwoTimesError: both were given.
        ops.localserver.RefusedError: the time is over, none, or too far away.
    """
    change = localclock.request(forward, to)
    server = localcloud.require(_data(target, data))
    if change:
        guard.ask(
            "set the clock forward, which deletes the backups that are too old by then and "
            "can't be taken back",
            yes=yes,
        )
    return localclock.read(server.ask("POST" if change else "GET", "clock", change or None))


def environment(target: Target, data: str = "") -> Environment:
    """Return what gcloud, the SDK's users, psql and Pulumi need to talk to the server.

    Pulumi gets a file backend beside the data and an empty passphrase: both serve this
    rehearsal alone.
    """
    server = localcloud.require(_data(target, data))
    backend = server.data / "pulumi"
    backend.mkdir(exist_ok=True)
    return Environment(
        {
            **localcloud.environment(server, target.project),
            **_libpq(target, server),
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
        }
    )


def _libpq(target: Target, server: Server) -> Mapping[str, str | None]:
    """Return psql's way to the stack's database as its owner; only the port before a deploy."""
    port: dict[str, str | None] = {"PGPORT": str(server.pg_port)}
    instance = server.instance(target.instance)
    folder = password_folder(server.data, target.stack)
    if instance is None or not folder.is_dir():
        return port | dict.fromkeys(("PGHOST", "PGDATABASE", "PGUSER", "PGPASSFILE"))
    lines = (
        f"{instance.address}:{instance.port}:*:{file.name}:{file.read_text().strip()}\n"
        for file in sorted(folder.iterdir())
    )
    passfile = folder.parent / "pgpass"
    passfile.touch(mode=0o600)
    passfile.write_text("".join(lines))
    return port | {
        "PGHOST": instance.address,
        "PGDATABASE": target.database,
        "PGUSER": target.owner,
        "PGPASSFILE": str(passfile),
    }


def _status(server: Server) -> Status:
    facts = server.ask("GET", "status")
    instances = tuple(
        InstanceLine(
            instance["name"],
            instance["state"],
            instance["address"],
            instance["port"],
            instance["connectionName"],
            instance["databaseVersion"],
            f"{instance['address']}:{instance['connectorsPort']}" if instance["connectors"] else "",
        )
        for instance in facts["instances"]
    )
    now = localclock.read(facts["clock"])
    faults = localfaults.read(facts["faults"]).faults
    return Status(server.url, server.data, server.pid, now, instances, faults)
