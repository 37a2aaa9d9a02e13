"""What the caller of a drill may choose, and how it is written on a command line."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ops import durations
from ops.errors import BadInputError
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


class BadNumberError(BadInputError):
    """An option that takes a number got something else."""

    def __init__(self, option: str, given: str, such: str) -> None:
        super().__init__(f"{option} is {given!r}. Give {such}.")


class ContradictionError(BadInputError):
    """Two ways to choose backups at once."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other} both choose what is restored. Give one of them.")


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
        BadNumberError: a number is none, or makes no sense.
        ContradictionError: two options choose the backups.
        ops.durations.BadDurationError: a limit is no length of time.
    """
    chosen = [
        name
        for name, given in (("--backup", backup), ("--latest", latest), ("--seed", seed))
        if given
    ]
    if len(chosen) > 1:
        raise ContradictionError(*chosen[:2])
    return Options(
        backup=backup,
        latest=latest,
        seed=_whole("--seed", seed, least=None) if seed else None,
        side_by_side=_whole("--side-by-side", side_by_side, least=1)
        if side_by_side
        else SIDE_BY_SIDE,
        time_limit_s=_limit("--time-limit", time_limit),
        verify_limit_s=_limit("--verify-limit", verify_limit),
        cost_cap=_amount(cost_cap) if cost_cap else None,
        dry_run=dry_run,
        inject=inject,
        before_verify=before_verify,
    )


def _whole(option: str, given: str, *, least: int | None) -> int:
    try:
        number = int(given)
    except ValueError:
        raise BadNumberError(option, given, "a whole number, such as 7") from None
    if least is not None and number < least:
        raise BadNumberError(option, given, f"a whole number from {least} on")
    return number


def _limit(option: str, given: str) -> float | None:
    if not given:
        return None
    seconds = durations.parse(option, given)
    if seconds == 0:
        raise durations.BadDurationError(option, given)
    return float(seconds)


def _amount(given: str) -> Decimal:
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise BadNumberError("--cost-cap", given, "an amount in USD, such as 2.50; 0 for no cap")
    return amount
