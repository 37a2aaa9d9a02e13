"""Apply or take back on a stack: what a task asks for, dry where production wants it so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ops import arguments, guard
from ops.db import MIGRATE
from ops.guard import Consent
from ops.invocation import Invocation
from ops.migrations import files, runner
from ops.migrations.answers import Answers
from ops.migrations.files import Migration
from ops.migrations.others import Connect
from ops.migrations.results import Outcome, Plan, Status
from ops.migrations.session import Limits

_NAME = "ai-square-db migrate"  # in pg_stat_activity, and so in what others are told of us


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line.

    Attributes:
        to: a version, or empty.
        dry_run: show the plan only.
        yes: on production, really do it; taking back does not ask.
        confirm: on production, the instance's name.
        wait_s: how long to wait for another run.
        answers: what the operator decided about unfinished steps.
    """

    to: str
    dry_run: bool
    yes: bool
    confirm: str
    wait_s: float
    answers: Answers = field(default_factory=Answers)


def seconds(text: str) -> float:
    """Return the seconds that ``--wait`` means; raises ops.arguments.BadArgumentError."""
    return arguments.number("--wait", text, unit="seconds")


def connector(run: Invocation) -> Connect:
    """Return what opens a session of the schema's owner in the stack's database."""
    return partial(run.database().connect, run.target.owner, budget=MIGRATE, name=_NAME)


def status(run: Invocation) -> Status:
    """Return how the migrations stand on a stack."""
    migrations = files.read()
    return runner.status(connector(run), migrations)


def up(run: Invocation, request: Request, *, allow_out_of_order: bool) -> Plan | Outcome:
    """Apply what is pending; the plan alone on a dry run, and on production without --yes.

    Raises:
        ops.errors.OpsError: refused, or a step failed.
    """
    migrations = files.read()
    connect = connector(run)
    if not _permitted(run, request, "apply migrations"):
        return runner.plan_up(
            connect,
            migrations,
            to=request.to,
            allow_out_of_order=allow_out_of_order,
            answers=request.answers,
        )
    return runner.up(
        connect,
        migrations,
        to=request.to,
        allow_out_of_order=allow_out_of_order,
        answers=request.answers,
        limits=Limits(wait_s=request.wait_s),
        progress=run.progress,
    )


def down(run: Invocation, request: Request) -> Plan | Outcome:
    """Take back the last migration, or all above ``to``; the plan alone on a dry run.

    Raises:
        ops.errors.OpsError: refused, not approved (``ops.guard``), or a step failed.
    """
    migrations = files.read()
    connect = connector(run)
    if request.dry_run:
        return runner.plan_down(connect, migrations, to=request.to, answers=request.answers)
    return runner.down(
        connect,
        migrations,
        to=request.to,
        answers=request.answers,
        approve=partial(_approve, run, request),
        limits=Limits(wait_s=request.wait_s),
        progress=run.progress,
    )


def _approve(run: Invocation, request: Request, chosen: Sequence[Migration]) -> None:
    if chosen:
        names = ", ".join(migration.file for migration in chosen)
        action = f"take back {names}, with the data in what it made"
        guard.approve_removal(run.target, action, Consent(request.yes, request.confirm))


def _permitted(run: Invocation, request: Request, action: str) -> bool:
    if request.dry_run:
        return False
    return guard.permit(run.target, action, yes=request.yes, confirm=request.confirm)
