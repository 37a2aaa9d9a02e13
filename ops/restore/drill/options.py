"""What the caller of a drill may choose, and how it is written on a command line."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from ops import arguments, durations
from ops.errors import BadInputError, ExitCode, OpsError
from ops.restore.proof.marker import TRIES

# A backup and the clone side by side, and the source's readers: more lanes only wait for the
# same disk, and each needs an instance of the project's quota.
SIDE_BY_SIDE = 2


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of a drill may choose.

    Attributes:
        backup: the one backup run to restore; empty takes the newest and one older.
        latest: restore the newest backup run alone.
        seed: decides which older run is taken; None draws a seed.
        side_by_side: how many copies there are at once.
        time_limit_s: when the drill is stopped, in seconds; None takes the stack's.
        verify_limit_s: how long the verification of one copy may take; None is without a limit.
        cost_cap: most that the copies may cost, in the price book's currency; 0 for no cap,
            None takes the stack's.
        dry_run: say what would be restored, and touch nothing.
        inject: the fault to put in on purpose; empty puts in none.
        before_verify: a shell command to run against every copy before it is verified.
        exact_tries: how often to look for a moment in which nobody writes to the source.
    """

    backup: str = ""
    latest: bool = False
    seed: int | None = None
    side_by_side: int = SIDE_BY_SIDE
    time_limit_s: float | None = None
    verify_limit_s: float | None = None
    cost_cap: Decimal | None = None
    dry_run: bool = False
    inject: str = ""
    before_verify: str = ""
    exact_tries: int = TRIES


class TimeLimitError(OpsError):
    """The drill's time is up; what it proved until then stays so."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"its time limit of {durations.words(limit_s)} has passed")


class TimeLimit:
    """Runs from its making; asked while anything is waited for.

    Args:
        seconds: how long it lasts.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        """Raise TimeLimitError once the time is up."""
        if time.monotonic() > self._until:
            raise TimeLimitError(self.seconds)


class ContradictionError(BadInputError):
    """Two ways to choose backups at once."""

    def __init__(self, option: str, other: str) -> None:
        super().__init__(f"{option} and {other} both choose what is restored. Give one of them.")


def options(
    *,
    backup: str = "",
    latest: bool = False,
    seed: str = "",
    side_by_side: str = "",
    time_limit: str = "",
    verify_limit: str = "",
    cost_cap: str = "",
    dry_run: bool = False,
    inject: str = "",
    before_verify: str = "",
) -> Options:
    """Return the options of a command line; what was not given is empty.

    Raises:
        ops.arguments.BadArgumentError: a number or a length of time is none, or makes no sense.
        ContradictionError: two options choose the backups.
    """
    chosen = [
        name
        for name, value in (("--backup", backup), ("--latest", latest), ("--seed", seed))
        if value
    ]
    if len(chosen) > 1:
        raise ContradictionError(*chosen[:2])
    return Options(
        backup=backup,
        latest=latest,
        seed=arguments.parse_whole("--seed", seed, least=None) if seed else None,
        side_by_side=arguments.parse_whole("--side-by-side", side_by_side, least=1)
        if side_by_side
        else SIDE_BY_SIDE,
        time_limit_s=_limit("--time-limit", time_limit),
        verify_limit_s=_limit("--verify-limit", verify_limit),
        cost_cap=arguments.amount("--cost-cap", cost_cap, unit="USD") if cost_cap else None,
        dry_run=dry_run,
        inject=inject,
        before_verify=before_verify,
    )


def _limit(option: str, text: str) -> float | None:
    return float(arguments.duration(option, text, least_s=1)) if text else None
