"""Whether an instance may be failed over for a drill: pure, asks nobody.

What stands in the way of a drill refuses it; what is only not as it should be is found, and
the drill goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ops import backupruns
from ops.checks.result import CheckResult, Level, State, finding
from ops.errors import OpsError
from ops.failover import application
from ops.failover.survey import LONG_S, Inside, Survey

LAG_LIMIT_S = 10.0  # a replica that is farther behind before a failover says nothing after it
SPARE = 3  # connections that the drill needs besides its pool and its writer without one


class NotReadyError(OpsError):
    """Something stands in the way of a failover."""

    def __init__(self, instance: str, refused: Sequence[CheckResult]) -> None:
        lines = [
            f"{result.detail[0].upper()}{result.detail[1:]}. {result.remedy}" for result in refused
        ]
        super().__init__("\n".join([f"{instance} is not failed over.", *lines]))


@dataclass(frozen=True, slots=True)
class Precheck:
    """A check before a failover, and whether the drill is refused unless it is ok."""

    result: CheckResult
    refuses: bool

    @property
    def stands_in_the_way(self) -> bool:
        """Return whether it refuses the drill."""
        return self.refuses and self.result.state is not State.OK


def judge(
    survey: Survey,
    now: datetime,
    *,
    declared: Sequence[str],
    pool: int,
    lose: bool,
) -> tuple[Precheck, ...]:
    """Return every check before a failover.

    Args:
        survey: what was seen of the instance.
        now: the time.
        declared: names of the replicas that the stack declares.
        pool: connections that the drill's pool may open.
        lose: whether transactions that are open may be lost.
    """
    checks = [
        Precheck(_state(survey), refuses=True),
        Precheck(_regional(survey), refuses=True),
        _standby(survey),
        Precheck(_idle(survey), refuses=True),
        Precheck(backupruns.freshness(survey.backups, now), refuses=True),
        Precheck(_login(survey), refuses=True),
    ]
    if survey.inside is not None:
        checks += [
            Precheck(_table(survey.inside), refuses=True),
            Precheck(_connections(survey.inside, pool), refuses=True),
            _transactions(survey.inside, lose=lose),
        ]
    if survey.application is not None:
        checks += [Precheck(it, refuses=False) for it in application.judge(survey.application)]
    return (*checks, Precheck(_replicas(survey, declared), refuses=False))


def refused(checks: Sequence[Precheck]) -> tuple[CheckResult, ...]:
    """Return what stands in the way of a drill."""
    return tuple(check.result for check in checks if check.stands_in_the_way)


def _result(check: str, ok: bool, words: str, remedy: str = "") -> CheckResult:  # noqa: FBT001 - the check's own answer
    state = State.OK if ok else State.FINDING
    return CheckResult(check, state, 1, 1, words, remedy="" if ok else remedy)


def _state(survey: Survey) -> CheckResult:
    stands = survey.standing
    if stands.policy == "NEVER":
        remedy = "Start it: `gcloud sql instances patch NAME --activation-policy=ALWAYS`."
        return _result("instance", False, "the instance was stopped", remedy)  # noqa: FBT003 - see _result
    words = f"the instance is {stands.state}"
    remedy = "Wait until it is RUNNABLE, or look at its newest operation."
    return _result("instance", stands.state == "RUNNABLE", words, remedy)


def _regional(survey: Survey) -> CheckResult:
    kind = survey.standing.availability
    words = f"the instance is {kind}"
    if kind != "REGIONAL":
        words += ": it has no standby to fail over to"
    remedy = "Set `ai-square-db:availability: REGIONAL` and provision it."
    return _result("availability", kind == "REGIONAL", words, remedy)


def _standby(survey: Survey) -> Precheck:
    available, zone = survey.standing.standby, survey.standing.secondary_zone
    if survey.standing.availability != "REGIONAL":
        words = "a ZONAL instance has none"
        return Precheck(CheckResult("standby", State.NOT_APPLICABLE, 0, 0, words), refuses=False)
    if available is None:
        words = "the API doesn't tell whether the standby is available: the failover will"
        return Precheck(CheckResult("standby", State.NOT_APPLICABLE, 0, 0, words), refuses=False)
    where = f"the standby in {zone}" if zone else "the standby"
    words = f"{where} is {'available' if available else 'not available'}"
    remedy = "Wait until it is back (`failoverReplica.available`), or see why it is not."
    return Precheck(_result("standby", available, words, remedy), refuses=True)


def _idle(survey: Survey) -> CheckResult:
    if not survey.busy:
        return CheckResult("operations", State.OK, 1, 1, "no operation is under way")
    words = f"an operation is under way: {survey.busy[0]}"
    return CheckResult(
        "operations",
        State.FINDING,
        1,
        1,
        words,
        tuple(finding("operation", line) for line in survey.busy),
        remedy="Wait until it is done.",
    )


def _login(survey: Survey) -> CheckResult:
    words = survey.trouble or "the owner is let in"
    return _result("login", survey.inside is not None, words.rstrip("."))


def _table(inside: Inside) -> CheckResult:
    if not inside.table:
        words, remedy = "there is no table ops.failover_write", "Run `invoke migrate.up`."
    elif not inside.writable:
        words = "the owner may not use ops.failover_write"
        remedy = "Grant it SELECT, INSERT and DELETE."
    else:
        return CheckResult("table", State.OK, 1, 1, "ops.failover_write can be written")
    return CheckResult("table", State.FINDING, 1, 1, words, remedy=remedy)


def _connections(inside: Inside, pool: int) -> CheckResult:
    free = inside.most - inside.reserved - inside.connections
    words = f"{inside.connections} of {inside.most} connections are in use"
    facts = {"used": inside.connections, "most": inside.most, "needed": pool + SPARE}
    if free >= pool + SPARE:
        return CheckResult("connections", State.OK, 1, 1, words, evidence=facts)
    words += f", and the drill needs {pool + SPARE}"
    remedy = "Give fewer --writers, or end connections that nobody needs."
    return CheckResult("connections", State.FINDING, 1, 1, words, evidence=facts, remedy=remedy)


def _transactions(inside: Inside, *, lose: bool) -> Precheck:
    """Tell which open transactions the failover is going to end."""
    open_long = tuple(
        finding(
            "session",
            f"{session.user} ({session.application or 'no name'}, process {session.pid})",
            f"{session.state} for {session.age_s:.0f} s",
            Level.WARNING if lose else Level.FINDING,
        )
        for session in inside.transactions
    )
    count = len(open_long)
    if open_long and lose:
        words = f"{count} open for more than {LONG_S:.0f} s will be lost, as asked for"
        result = CheckResult("transactions", State.OK, count, count, words, open_long)
        return Precheck(result, refuses=False)
    if open_long:
        words = (
            f"{count} transactions have been open for more than {LONG_S:.0f} s and would be lost"
        )
        words += f": {open_long[0].line}" + (f" and {count - 1} more" if count > 1 else "")
        remedy = "Wait for their end, or give --lose-transactions."
        result = CheckResult(
            "transactions", State.FINDING, count, count, words, open_long, remedy=remedy
        )
        return Precheck(result, refuses=True)
    if inside.hidden:
        words = f"what {inside.hidden} sessions of other users do may not be seen"
        remedy = "Grant pg_read_all_stats to the owner."
        result = CheckResult("transactions", State.UNKNOWN, 0, inside.hidden, words, remedy=remedy)
        return Precheck(result, refuses=False)
    words = f"none has been open for more than {LONG_S:.0f} s"
    return Precheck(CheckResult("transactions", State.OK, 1, 1, words), refuses=False)


def _replicas(survey: Survey, declared: Sequence[str]) -> CheckResult:
    names = {replica.name for replica in survey.replicas}
    missing = [
        finding("replica", name, "declared, and not there")
        for name in declared
        if name not in names
    ]
    behind = [
        finding("replica", lag.replica, f"{lag.seconds:.1f} s behind")
        for lag in survey.lags
        if lag.seconds is not None and lag.seconds > LAG_LIMIT_S
    ]
    untold = [
        finding("replica", lag.replica, lag.why, Level.UNKNOWN)
        for lag in survey.lags
        if lag.seconds is None
    ]
    total = len(names | set(declared))
    if not total:
        return CheckResult("replicas", State.NOT_APPLICABLE, 0, 0, "there are none")
    listed = ", ".join(sorted(names)) or "none"
    if wrong := [*missing, *behind, *untold]:
        state = State.FINDING if missing or behind else State.UNKNOWN
        words = f"{len(wrong)} of {total} can't be relied on"
        remedy = "Provision what is missing, and wait until the others have caught up."
        return CheckResult(
            "replicas", state, total - len(untold), total, words, tuple(wrong), remedy=remedy
        )
    most = max(lag.seconds or 0.0 for lag in survey.lags)
    words = f"{listed}: {most:.1f} s behind at most"
    return CheckResult("replicas", State.OK, total, total, words)
