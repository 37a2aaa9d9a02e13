"""What can go wrong while a step runs, as sentences with a remedy."""

from collections.abc import Sequence

import psycopg

from ops.errors import OpsError
from ops.migrations.answers import how_to_answer
from ops.migrations.causes import mending
from ops.migrations.steps import Step
from ops.waiting import Blocker, duration, named, remedy


class CommitsInTransactionError(OpsError):
    """A CALL or DO commits by itself, and shares its transaction with other statements."""

    def __init__(self, step: Step, line: int, command: str) -> None:
        super().__init__(
            f"{step.migration.file}:{line}: {command} commits by itself, which PostgreSQL refuses "
            f"in a transaction that other statements or BEGIN began. {_remains(step)}. Write "
            f"`transaction:false` on the line `-- migrate:{step.direction}`, which makes every "
            "statement a step of its own, and remove BEGIN and COMMIT around it; then run "
            f"`invoke migrate.{step.direction}` again."
        )


class HiddenSettingError(OpsError):
    """A function or procedure set something for the session that later steps would not have."""

    def __init__(self, step: Step, names: Sequence[str], *, outside: bool) -> None:
        left = asks(step) if outside else f"{_remains(step)}. "
        super().__init__(
            f"{step.place}: a function that this step runs changes {', '.join(names)} for the "
            f"session, and step {step.number + 1} begins in a new one, without it. {left}Write "
            f"what the later steps need into the file, as SET {names[0]} = ... after line "
            f"{step.statements[-1].line}, or RESET {names[0]} there if they need nothing of it."
        )


class StepFailedError(OpsError):
    """PostgreSQL refused a statement of a migration.

    Args:
        step: whose statement.
        line: where it stands.
        error: what PostgreSQL said.
        outside: whether it ran outside of any transaction and commits by itself.
        blockers: who kept it waiting, if it waited.
    """

    def __init__(
        self,
        step: Step,
        line: int,
        error: psycopg.Error,
        *,
        outside: bool = False,
        blockers: tuple[Blocker, ...] = (),
    ) -> None:
        self.sqlstate = error.sqlstate
        text = error.diag.message_primary or str(error).strip()
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        way = f" In the way: {named(blockers)}." if blockers else ""
        mend = (
            f"{_remains(step)}: {mending(self.sqlstate)} and run `invoke migrate.{step.direction}` "
            "again."
        )
        super().__init__(
            f"{step.migration.file}:{line}: {text.rstrip('.')}{detail}.{hint}{way} "
            + (asks(step).rstrip() if outside else mend)
        )


def asks(step: Step) -> str:
    """Return what to do about a step that commits by itself and did not end well."""
    answer = how_to_answer(step.migration.version, step.number, step.direction)
    return (
        f"`{step.statements[0].summary}` commits by itself: what it had committed stays, and "
        f"no run repeats it unasked. {answer} "
    )


def _remains(step: Step) -> str:
    """Return what remains of a step that failed."""
    sentence = f"Step {step.number} of {step.total} left nothing behind"
    return f"{sentence}, the steps before it stay done" if step.number > 1 else sentence


class TooSlowError(OpsError):
    """A statement took longer than it may."""

    def __init__(self, step: Step, line: int, *, outside: bool = False) -> None:
        limit_ms = step.once_timeout_ms if outside else step.statement_timeout_ms
        again = f", then run `invoke migrate.{step.direction}` again."
        super().__init__(
            f"{step.migration.file}:{line}: took longer than "
            f"{duration(limit_ms / 1000)} and was stopped. Make it smaller, or "
            f"allow more with `timeout:` on the line `-- migrate:{step.direction}`"
            + (f". {asks(step).rstrip()}" if outside else again)
        )


class LockNotGotError(OpsError):
    """A lock was not free in any of the tries."""

    def __init__(
        self, step: Step, line: int, tries: int, blockers: tuple[Blocker, ...], blind: str = ""
    ) -> None:
        self.blockers = blockers
        way = named(blockers, blind=blind)
        super().__init__(
            f"{step.migration.file}:{line}: its lock was not free in {tries} tries; in the way: "
            f"{way}. Nothing waits for us now: {remedy(blockers)}; then run "
            f"`invoke migrate.{step.direction}` again."
        )


class ConnectionLostError(OpsError):
    """The server went away in the middle of a step."""

    def __init__(self, step: Step, *, outside: bool = False) -> None:
        again = (
            f"Run `invoke migrate.{step.direction}` again: it goes on from what the ledger and "
            "the catalog say."
        )
        super().__init__(
            f"The connection was lost during {step.place}. "
            + (asks(step).rstrip() if outside else again)
        )
