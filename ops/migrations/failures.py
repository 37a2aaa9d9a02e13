"""What can go wrong while a step runs, as sentences with a remedy."""

import psycopg

from ops.errors import OpsError
from ops.migrations.facts import Kind
from ops.migrations.others import Other, duration, named
from ops.migrations.steps import Step
from ops.waiting import remedy


class StepFailedError(OpsError):
    """PostgreSQL refused a statement of a migration."""

    def __init__(self, step: Step, line: int, error: psycopg.Error) -> None:
        self.sqlstate = error.sqlstate
        text = error.diag.message_primary or str(error).strip()
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        super().__init__(
            f"{step.migration.file}:{line}: {text.rstrip('.')}{detail}.{hint} {_kept(step)}: mend "
            f"it and run `invoke migrate.{step.direction}` again."
        )


def _kept(step: Step) -> str:
    """Return what remains of a step that failed."""
    if step.statements[0].facts.kind is Kind.PROCEDURE and not step.transactional:
        return "What it committed by itself stays"
    here = f"Step {step.number} of {step.total} left nothing behind"
    return f"{here}, the steps before it stay done" if step.number > 1 else here


class TooSlowError(OpsError):
    """A statement took longer than it may."""

    def __init__(self, step: Step, line: int) -> None:
        super().__init__(
            f"{step.migration.file}:{line}: took longer than "
            f"{duration(step.statement_timeout_ms / 1000)} and was stopped. Make it smaller, or "
            f"allow more with `timeout:` on the line `-- migrate:{step.direction}`, then run "
            f"`invoke migrate.{step.direction}` again."
        )


class LockNotGotError(OpsError):
    """A lock was not free in any of the tries."""

    def __init__(
        self, step: Step, line: int, tries: int, blockers: tuple[Other, ...], blind: str = ""
    ) -> None:
        self.blockers = blockers
        way = f"unknown ({blind})" if blind and not blockers else named(blockers)
        super().__init__(
            f"{step.migration.file}:{line}: its lock was not free in {tries} tries; in the way: "
            f"{way}. Nothing waits for us now: {remedy(blockers)}; then run "
            f"`invoke migrate.{step.direction}` again."
        )


class ConnectionLostError(OpsError):
    """The server went away in the middle of a step."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"The connection was lost during {step.place}. Run `invoke migrate.{step.direction}` "
            "again: it goes on from what the ledger and the catalog say."
        )
