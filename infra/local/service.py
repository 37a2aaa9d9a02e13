"""What every action works with: the state, the addresses, and the way to a cluster."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import psycopg

from infra.local.addresses import Addresses
from infra.local.clock import Clock
from infra.local.damage import Damage
from infra.local.doors import Doors, Opening
from infra.local.engine import basebackup
from infra.local.engine.cluster import Cluster
from infra.local.engine.conf import ClusterSettings, Upstream
from infra.local.engine.keyring import Ring
from infra.local.engine.layout import Layout
from infra.local.engine.process import Runner, end_all_in
from infra.local.engine.standby import STANDBY
from infra.local.errors import EngineError, FolderUnreachableError
from infra.local.faults import Faults
from infra.local.inspection import REMOVED
from infra.local.model import Instance, InstanceState
from infra.local.objects import Buckets
from infra.local.store import Store
from ops import programs
from ops.programs import Programs

# The path of a socket may have 107 bytes: a data folder deep in a home directory is too long.
SOCKETS = Path("/tmp")  # noqa: S108 - a folder of our own in it, checked for its owner

# A door stays open while its instance is restored or mended: who comes is told to come again.
_LET_IN = (InstanceState.RUNNABLE, InstanceState.MAINTENANCE, InstanceState.FAILED)


@dataclass(frozen=True, slots=True)
class Service:
    """One running local Cloud SQL.

    Attributes:
        data: The data folder.
        pg_port: The port of every instance.
        stand_in: Whether another major may serve where the asked one is missing.
        store: The server's state.
        runner: Starts PostgreSQL's programs.
        addresses: Claims loopback addresses.
        faults: What requests and operations meet on demand.
        damage: What was spoiled on demand.
        doors: The connectors' doors.
    """

    data: Path
    pg_port: int
    stand_in: bool
    store: Store
    runner: Runner
    addresses: Addresses
    faults: Faults = field(default_factory=Faults)
    damage: Damage = field(default_factory=Damage)
    doors: Doors = field(default_factory=Doors)

    @property
    def homes(self) -> Path:
        """Folder of the instances' folders."""
        return self.data / "instances"

    @property
    def clock(self) -> Clock:
        """What time the API says it is."""
        return self.store.clock

    @property
    def buckets(self) -> Buckets:
        """The buckets that ``gs://`` means here."""
        return Buckets(self.data / "buckets")

    @property
    def kept_backups(self) -> Path:
        """Folder of the backups that outlived their instances."""
        return self.data / "backups"

    def backup_folder(self, run_id: int, uid: str) -> Path:
        """Return where a backup run's base backup lies, or lay when its instance went."""
        folder = self.kept_backups / str(run_id)
        return folder if folder.exists() else self.layout(uid).base(run_id)

    def layout(self, uid: str) -> Layout:
        """Return where an instance's files lie."""
        short = hashlib.sha256(f"{self.data}|{uid}".encode()).hexdigest()[:12]
        return Layout(self.homes / uid, SOCKETS / f"lcs-{short}")

    def layout_of(self, instance: Instance) -> Layout:
        """Return where an instance's files lie, its data directory the primary's."""
        return replace(self.layout(instance.uid), side=instance.side)

    def cluster(self, instance: Instance) -> Cluster:
        """Return an instance's cluster, as it should be configured.

        Raises:
            ProgramsMissingError: If PostgreSQL of its major version is not on this machine.
        """
        layout = self.layout_of(instance)
        upstream = None if instance.primary is None else self._upstream(instance, instance.primary)
        synchronous = layout.synchronous if instance.highly_available else None
        return self._cluster(instance, layout, upstream, synchronous)

    def standby(self, instance: Instance) -> Cluster:
        """Return the standby of a highly available instance, as it should be configured."""
        layout = self.layout_of(instance)
        archive = layout.archive(instance.era) if instance.point_in_time_recovery else None
        upstream = Upstream(layout.socket, STANDBY, archive, hot=False)
        return self._cluster(instance, layout.standby, upstream, None)

    def _upstream(self, instance: Instance, primary: str) -> Upstream:
        upstream = self.store.by_uid(primary)
        layout = self.layout(primary)
        archives = upstream is not None and upstream.point_in_time_recovery
        archive = layout.archive(upstream.era) if upstream is not None and archives else None
        paused = bool(instance.facts.get("replication_stopped"))
        return Upstream(layout.socket, instance.name, archive, hot=True, paused=paused)

    def _cluster(
        self,
        instance: Instance,
        layout: Layout,
        upstream: Upstream | None,
        synchronous: Path | None,
    ) -> Cluster:
        archives = instance.point_in_time_recovery and instance.primary is None
        return Cluster(
            layout,
            self.programs(_made_by(layout) or instance.major),
            self.runner,
            ClusterSettings(
                name=instance.name,
                address=instance.address,
                port=self.pg_port,
                socket=layout.socket,
                archive=layout.archive(instance.era) if archives else None,
                flags=instance.flags,
                synchronous=synchronous,
                upstream=upstream,
                tls=layout.tls,
                ssl_mode=instance.ssl_mode,
                connectors_only=instance.connectors_only,
            ),
        )

    def programs(self, major: int) -> Programs:
        """Return PostgreSQL's programs of a major version, where the clusters' user can run them.

        Raises:
            ProgramsMissingError: If there are none.
        """
        found_programs = programs.find(major, stand_in=self.stand_in)
        return found_programs if self._can_run(found_programs) else self._copied(found_programs)

    def _can_run(self, candidate: Programs) -> bool:
        if self.runner.owner.is_self:
            return True
        # Every folder above must let others through, as no folder below /root does.
        closed = (
            not folder.stat().st_mode & 0o001 for folder in (candidate.bin, *candidate.bin.parents)
        )
        return not any(closed)

    def _copied(self, origin: Programs) -> Programs:
        """Return a copy of an installation that lies where the clusters' user can't go.

        The wheel in a virtual environment below /root is one; it can be moved as it is.
        """
        copy = self.data / "programs" / origin.version
        if not copy.exists():
            copy.parent.mkdir(mode=0o755, exist_ok=True)
            fresh = copy.with_name(f"{copy.name}.new")
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.copytree(origin.bin.parent, fresh, symlinks=True)
            fresh.replace(copy)
        return replace(origin, bin=copy / "bin")

    def make_home(self, instance: Instance) -> Layout:
        """Make a new instance's folders."""
        layout = self.layout(instance.uid)
        for folder in (layout.root, layout.bases, layout.root / "archive"):
            self.runner.make_folder(folder)
        self.runner.make_folder(layout.archive(instance.era))
        self.secure(instance)
        return layout

    def ring(self, instance: Instance) -> Ring:
        """Return an instance's certificates."""
        return Ring(self.layout(instance.uid).tls, self.runner)

    def secure(self, instance: Instance) -> None:
        """Make an instance's certificates, unless it has them."""
        self.ring(instance).furnish(instance.certified_name)

    def settle_doors(self) -> None:
        """Open the doors of the instances that run, close all others."""
        self.doors.settle(
            Opening(
                instance.uid,
                instance.address,
                self.ring(instance),
                partial(self._socket, instance.uid),
            )
            for instance in self.store.instances()
            if instance.address and instance.state in _LET_IN and not instance.stopped
        )

    def _socket(self, uid: str) -> Path | None:
        """Return the socket that an instance's cluster listens on now; None if it is gone."""
        instance = self.store.by_uid(uid)
        if instance is None:
            return None
        settings = self.cluster(instance).settings
        return settings.socket / f".s.PGSQL.{settings.port}"

    def remove_home(self, uid: str) -> None:
        """Remove an instance's folder with everything that runs in it."""
        layout = self.layout(uid)
        end_all_in(layout.root)
        shutil.rmtree(layout.socket, ignore_errors=True)
        shutil.rmtree(layout.standby.socket, ignore_errors=True)
        # Out of sight at once: what is left after a kill in the midst is no instance.
        doomed = layout.root.with_name(f"{layout.root.name}{REMOVED}")
        if layout.root.exists():
            layout.root.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def discard_base(self, uid: str, base_id: int) -> None:
        """Remove the files of a base backup that the store has forgotten."""
        folder = self.layout(uid).base(base_id)
        basebackup.discard(folder)
        if not folder.exists():
            self.store.forget_removed(uid, base_id)

    def claim_address(self, instance: Instance) -> Instance:
        """Give an instance its address, and write that down.

        Raises:
            EngineError: If there is none to have.
        """
        owner = f"{instance.project}/{instance.name}"
        address = self.addresses.claim(owner, instance.address or None)
        placed = replace(instance, address=address)
        self.store.save_instance(placed)
        return placed

    @contextmanager
    def admin_errors(self) -> Iterator[None]:
        """Turn a lost connection to a cluster into a sentence."""
        try:
            yield
        except psycopg.OperationalError as error:
            raise EngineError(f"PostgreSQL does not answer: {error}") from error

    def check_reachable(self) -> None:
        """Refuse a data folder that the clusters' user can't enter.

        Raises:
            FolderUnreachableError: Naming the user.
        """
        owner = self.runner.owner
        if owner.is_self:
            return
        answer = subprocess.run(
            ["test", "-x", self.homes],
            check=False,
            user=owner.uid,
            group=owner.gid,
            extra_groups=[],
        )
        if answer.returncode != 0:
            raise FolderUnreachableError(self.data, owner.name)


def _made_by(layout: Layout) -> int | None:
    """Return the major version that made a data directory: another may have stood in then."""
    try:
        return int((layout.data / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None
