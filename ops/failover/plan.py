"""Decides, without touching anything: how a drill writes, and what it is going to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops import arguments
from ops.checks import report
from ops.checks.result import Checked, State, worst
from ops.console import Table
from ops.failover.prechecks import Precheck, refused
from ops.failover.report import BEFORE
from ops.failover.source import Source
from ops.failover.standing import Standing

CLIENTS, RATE, MINUTES = 8, 200.0, 15.0
MOST_CLIENTS, MOST_RATE = 64, 2000.0  # more would be a load test
MOST_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller of a drill may choose.

    Attributes:
        clients: how many write through the pool.
        rate: writes a second, of all of them together.
        limit_s: how long to wait for an operation, and for the standby, in seconds.
        failback: fail over a second time, back to where it was.
        lose: go on although open transactions will be lost.
        dry_run: look and plan only.
        yes, confirm: what production asks for.
        before_s, after_s: how long to write before the failover and after it, in seconds.
    """

    clients: int = CLIENTS
    rate: float = RATE
    limit_s: float = MINUTES * 60
    failback: bool = False
    lose: bool = False
    dry_run: bool = False
    yes: bool = False
    confirm: str = ""
    before_s: float = 2.0
    after_s: float = 1.0


def options(
    writers: str,
    rate: str,
    limit: str,
    *,
    failback: bool = False,
    lose: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    confirm: str = "",
) -> Options:
    """Return the options of a command line; raises BadArgumentError."""
    return Options(
        clients=int(_number("--writers", writers, CLIENTS, MOST_CLIENTS)),
        rate=_number("--rate", rate, RATE, MOST_RATE),
        limit_s=60 * _number("--limit", limit, MINUTES, MOST_MINUTES),
        failback=failback,
        lose=lose,
        dry_run=dry_run,
        yes=yes,
        confirm=confirm,
    )


def _number(option: str, text: str, usual: float, most: float) -> float:
    """Return the number that an option gives, else the usual one; raises BadArgumentError."""
    return arguments.number(option, text, least=1, most=most) if text else usual


@dataclass(frozen=True, slots=True)
class Plan:
    """What a drill would do.

    Attributes:
        source: the instance's name.
        checks: what was looked at.
        steps: what would be done, in order.
        production: whether it would want to be confirmed.
    """

    source: str
    checks: tuple[Precheck, ...]
    steps: tuple[str, ...]
    production: bool

    @property
    def state(self) -> State:
        """Return the worst state of the checks."""
        return worst(check.result.state for check in self.checks)

    def blocks(self) -> Sequence[Table | str]:
        """Return what people read."""
        results = tuple(checked.result for checked in self.checks)
        checks = report.blocks(f"Before a failover of {self.source}", results)
        steps = "\n".join(f"  {place}. {step}" for place, step in enumerate(self.steps, 1))
        if refused(self.checks):
            return (*checks, "The drill would be refused: nothing was done.")
        how = f" Add --yes --confirm {self.source}" if self.production else ""
        return (*checks, f"It would:\n{steps}\nNothing was done.{how}")

    def document(self) -> dict[str, object]:
        """Return what machines read."""
        return {
            "source": self.source,
            "ready": not refused(self.checks),
            "checks": [Checked(BEFORE, check.result) for check in self.checks],
            "steps": self.steps,
        }


def plan(
    source: Source,
    stands: Standing,
    checks: tuple[Precheck, ...],
    options: Options,
    *,
    production: bool,
) -> Plan:
    """Return what a drill would do."""
    direction = f" from {stands.zone} to {stands.secondary_zone}" if stands.secondary_zone else ""
    who = "" if source.writer is None else f" as {source.writer.user}"
    steps = [
        (
            f"write {options.rate:g} rows a second{who}, from {options.clients} clients of a pool "
            f"of {source.pool.size} and one without a pool"
        ),
        f"fail {source.instance} over{direction}: every connection is lost",
        "read every acknowledged write back, here and on the replicas",
        "wait for the standby",
    ]
    if options.failback:
        steps.append("fail back the same way")
    steps.append("remove the rows, and leave evidence")
    return Plan(source.instance, checks, tuple(steps), production)
