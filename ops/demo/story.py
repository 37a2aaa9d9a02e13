"""The main job as a story: each chapter is a task that people can run by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.deploy.apply import deploy
from ops import localcloud, programs
from ops.backups.create import create
from ops.checks.result import State
from ops.console import Progress, Table
from ops.db import CHANGE
from ops.errors import OpsError
from ops.invocation import Invocation
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.restore.drill.perform import Options, Report, drill
from ops.roles import apply as roles
from ops.sample import data as sample
from ops.target import NotLocalError

MAJOR = 15
NEXT = (
    ("./inv restore-drill --inject altered-row", "see a drill go red, and say what differs"),
    ("./inv migrate.status", "see what is applied; `migrate.new NAME` adds to it"),
    ('eval "$(./inv local.env)"', "then psql, or `gcloud sql instances list`, as shipped"),
)
END = "Everything still runs; `./inv local.down` stops it, with --wipe it is removed too."


@dataclass(frozen=True, slots=True)
class Story:
    """How the demo ended.

    Attributes:
        drill: the drill's report, with verdict and evidence.
        next: commands to try, with what they show.
    """

    drill: Report
    next: tuple[tuple[str, str], ...] = NEXT

    @property
    def state(self) -> State:
        """Return the drill's state."""
        return self.drill.state

    def blocks(self) -> Sequence[Table | str]:
        """Return the drill's verdict and evidence, then what to try."""
        width = max(len(command) for command, _ in self.next)
        tries = "\n".join(f"  {command:<{width}}  {shows}" for command, shows in self.next)
        return (*self.drill.blocks(), f"Try next:\n{tries}\n{END}")


def tell(run: Invocation) -> Story:
    """Provision, migrate, grant, fill, back up and drill the local stack.

    What is there already stays: a second demo finds nothing to provision, migrate, grant
    or fill, and drills again.

    Raises:
        ops.target.NotLocalError: another stack than one on the local Cloud SQL.
        ops.errors.OpsError: a chapter failed.
    """
    target, progress = run.target, run.progress
    if target.local is None:
        raise NotLocalError(target.stack)
    _say_who_stands_in(progress)
    with progress.phase("Start the local Cloud SQL"):
        _start(target.local)
    if not deploy(target, progress).plan.steps:
        progress.line("Instance, database and users ... there already")
    connect = connector(run)
    if not runner.up(connect, files.read(), progress=progress).migrations:
        progress.line("Migrations ... there already")
    with progress.phase("Grant each role what sql/roles declares"):
        roles.apply(run, roles.Request())
    with run.database().connect(target.owner, budget=CHANGE) as connection:
        try:
            sample.fill(connection, progress=progress)
        except sample.OccupiedError:
            progress.line("Sample data ... there already")
    create(run, "made by invoke demo")
    return Story(drill(run, Options(latest=True)))


def _start(data: Path) -> None:
    """Start the server where it does not run, on free ports where the usual are taken."""
    port = localcloud.port_from("LOCAL_CLOUDSQL_PORT", localcloud.DEFAULT_PORT)
    pg_port = localcloud.port_from("LOCAL_CLOUDSQL_PG_PORT", localcloud.DEFAULT_PG_PORT)
    localcloud.ensure(
        data,
        port=localcloud.free_port(port, "127.0.0.1"),
        pg_port=localcloud.free_port(pg_port),
        stand_in=True,
    )


def _say_who_stands_in(progress: Progress) -> None:
    try:
        programs.find(MAJOR)
    except OpsError:
        other = programs.find(MAJOR, stand_in=True)
        progress.line(
            f"PostgreSQL {other.major} stands in for {MAJOR}, which is not on this machine "
            f"(Debian: sudo apt-get install postgresql-{MAJOR})"
        )
