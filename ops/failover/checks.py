"""What must hold of a failover: pure."""

from collections.abc import Iterator, Sequence

from ops.checks.result import CheckResult, Finding, Level, State, finding
from ops.failover.leg import Followed, Leg
from ops.failover.measure import Gap, Outage, ranges


def judge(leg: Leg, gap_target_s: float, reconnect_target_s: float) -> tuple[CheckResult, ...]:
    """Return every check of one failover; one that was not asked for has none.

    Args:
        leg: what is known of it.
        gap_target_s: the longest pause of writes that is accepted, in seconds.
        reconnect_target_s: the longest time to the pool's next connection, in seconds.
    """
    if leg.asked is None:
        return ()
    checks = [_operation(leg)]
    # where nobody knows whether the operation goes on, nothing is settled yet
    settled = leg.ended and checks[0].state is not State.UNKNOWN
    if settled:
        checks.append(_took_over(leg))
    if leg.ended or leg.read_back is not None:
        checks += [_lost(leg), _doubled(leg)]
    out = leg.outage
    if out is not None:
        checks += _against_targets(leg, out, gap_target_s, reconnect_target_s)
    if leg.ended:
        checks.append(_replicas(leg, gap_target_s))
    if settled:
        checks.append(_redundancy(leg))
    return tuple(checks)


def _against_targets(
    leg: Leg, out: Outage, gap_target_s: float, reconnect_target_s: float
) -> Iterator[CheckResult]:
    """Yield the checks against a target; what was cut short can only be found too long."""
    for check in (_write_gap(out, gap_target_s), _reconnect(out, reconnect_target_s)):
        if leg.ended or check.state is State.FINDING:
            yield check


def _operation(leg: Leg) -> CheckResult:
    if leg.trouble is not None:
        return leg.trouble
    failover = leg.operation
    if failover is None or failover.status != "DONE":
        words = "the failover was not followed to its end"
        return CheckResult("operation", State.UNKNOWN, 0, 1, words)
    took = "" if failover.seconds is None else f" in {failover.seconds:.1f} s"
    return CheckResult("operation", State.OK, 1, 1, f"{failover.type} {failover.id} is done{took}")


def _took_over(leg: Leg) -> CheckResult:
    """Tell whether another server answers, in the other zone.

    A timeline need not be new: where the disk is shared by both zones, as Cloud SQL's regional
    disks are, the standby recovers the same history like after a crash.
    """
    before, after, first, last = leg.before, leg.after, leg.first, leg.last
    if after is None or last is None:
        words = leg.blind or "nobody could look at the instance afterwards"
        return CheckResult("took_over", State.UNKNOWN, 0, 1, words)
    lines = _timeline(first.timeline, last.timeline)
    facts = {"zone": after.zone, "timeline": last.timeline, "system": last.system}
    wrong = []
    if first.started >= last.started:
        wrong.append(f"the same postmaster answers, since {last.started:%Y-%m-%d %H:%M:%S} UTC")
    if before.zone and before.zone == after.zone:
        wrong.append(f"the instance is in {after.zone} as before")
    if "" not in {first.system, last.system} and first.system != last.system:
        wrong.append(f"another cluster answers: {last.system}, not {first.system}")
    if wrong:
        remedy = "Look at the instance's operations: what was failed over, and to where?"
        findings = tuple(finding("instance", line) for line in wrong)
        return CheckResult("took_over", State.FINDING, 1, 1, wrong[0], findings, facts, remedy)
    where = f"from {before.zone} to {after.zone}" if after.zone else "another server answers"
    return CheckResult("took_over", State.OK, 1, 1, f"{where}, {lines}", evidence=facts)


def _timeline(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "timeline unknown (needs EXECUTE on pg_control_system)"
    return f"timeline {before} to {after}" if before != after else f"still on timeline {before}"


def _lost(leg: Leg) -> CheckResult:
    back = leg.read_back
    if back is None:
        total = sum(len(log.acknowledged) for log in leg.logs)
        words = f"the writes can't be read back: {leg.blind or 'nobody looked'}"
        return CheckResult("lost", State.UNKNOWN, 0, total, words.rstrip("."))
    number = back.acknowledged
    doubt = f"; {back.pending} were in doubt to the end" if back.pending else ""
    if back.lost:
        words = f"{len(back.lost)} of {number} acknowledged writes are lost"
        remedy = "Commits were acknowledged that the standby did not have: see synchronous_commit."
        return CheckResult(
            "lost", State.FINDING, number, number, words, _writes(back.lost), remedy=remedy
        )
    if not number:
        return CheckResult("lost", State.UNKNOWN, 0, 0, "no write was acknowledged")
    words = f"all {number} acknowledged writes are there{doubt}"
    return CheckResult("lost", State.OK, number, number, words)


def _doubled(leg: Leg) -> CheckResult:
    back, out = leg.read_back, leg.outage
    if back is None or out is None:
        return CheckResult("doubled", State.UNKNOWN, 0, 1, "the writes can't be read back")
    in_doubt = out.committed + out.not_committed + back.pending
    if back.doubled:
        words = f"{len(back.doubled)} writes are there more than once"
        remedy = "The primary key is damaged: check the index with amcheck."
        return CheckResult(
            "doubled", State.FINDING, back.acknowledged, back.acknowledged, words,
            _writes(back.doubled), remedy=remedy,
        )  # fmt: skip
    came = out.committed + back.arrived
    words = f"none is there twice; {in_doubt} were in doubt, {came} of them had come in"
    return CheckResult("doubled", State.OK, back.acknowledged, back.acknowledged, words)


def _write_gap(out: Outage, target_s: float) -> CheckResult:
    gap = out.gap
    words = f"{_long(gap)} without a write; the target is {target_s:g} s"
    facts = {"gap_s": round(gap.seconds, 4), "target_s": target_s, "open": gap.open}
    if gap.seconds > target_s:
        remedy = "See what took long in the operation, or correct failoverGapTargetSeconds."
        return CheckResult("write_gap", State.FINDING, 1, 1, words, (), facts, remedy)
    if gap.open and not _at_its_end(gap):
        words += ", and none came after it"
        return CheckResult("write_gap", State.UNKNOWN, 0, 1, words, (), facts)
    return CheckResult("write_gap", State.OK, 1, 1, words, (), facts)


def _reconnect(out: Outage, target_s: float) -> CheckResult:
    gap = out.reconnect
    if gap is None:
        words = "the pool saw no error"
        return CheckResult("reconnect", State.NOT_APPLICABLE, 0, 0, words)
    slowest = max((client_gap.seconds for name, client_gap in out.by_client.items()), default=0.0)
    words = (
        f"{_long(gap)} until the pool connected again, its slowest client wrote after "
        f"{slowest:.1f} s; the target is {target_s:g} s"
    )
    facts = {"reconnect_s": round(gap.seconds, 4), "target_s": target_s}
    if gap.seconds > target_s or out.pool.seconds > target_s:
        remedy = (
            "Where the write gap is short, shorten the pool's waits between its tries; or correct "
            "failoverReconnectTargetSeconds."
        )
        return CheckResult("reconnect", State.FINDING, 1, 1, words, (), facts, remedy)
    if gap.open:
        words = f"in {gap.seconds:.1f} s the pool did not connect again"
        return CheckResult("reconnect", State.UNKNOWN, 0, 1, words, (), facts)
    return CheckResult("reconnect", State.OK, 1, 1, words, (), facts)


_END_S = 0.5


def _writes(writes: Sequence[tuple[str, int]]) -> tuple[Finding, ...]:
    return tuple(finding("writer", writer, numbers) for writer, numbers in ranges(writes))


def _at_its_end(gap: Gap) -> bool:
    """Return whether an open gap is only the pause after the last write, before the stop."""
    return gap.seconds < _END_S


def _long(gap: Gap) -> str:
    least = "at least " if gap.open and not _at_its_end(gap) else ""
    return (
        f"{least}{gap.seconds * 1000:.0f} ms" if gap.seconds < 1 else f"{least}{gap.seconds:.1f} s"
    )


def _replicas(leg: Leg, target_s: float) -> CheckResult:
    if not leg.replicas:
        return CheckResult("replicas", State.NOT_APPLICABLE, 0, 0, "there are none to read from")
    total = len(leg.replicas)
    wrong = [fault for replica in leg.replicas for fault in _wrong(replica, target_s)]
    untold = [
        finding("replica", replica.name, replica.why, Level.UNKNOWN)
        for replica in leg.replicas
        if replica.why
    ]
    worst_s = max(replica.gap_s for replica in leg.replicas)
    words = f"{total} read on, {worst_s * 1000:.0f} ms without an answer at most, and caught up"
    if wrong:
        words = wrong[0].line + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        remedy = "See whether the replica follows: `invoke failover-drill --dry-run` shows its lag."
        return CheckResult(
            "replicas", State.FINDING, total, total, words, (*wrong, *untold), remedy=remedy
        )
    if untold:
        return CheckResult(
            "replicas", State.UNKNOWN, total - len(untold), total, untold[0].line, tuple(untold)
        )
    return CheckResult("replicas", State.OK, total, total, words)


def _wrong(replica: Followed, target_s: float) -> Iterator[Finding]:
    if replica.gap_s > target_s:
        message = f"no answer for {replica.gap_s:.1f} s; the target is {target_s:g} s"
        yield finding("replica", replica.name, message)
    if replica.caught_up_s is None and not replica.why:
        yield finding("replica", replica.name, "does not have every write of the drill")


def _redundancy(leg: Leg) -> CheckResult:
    after = leg.after
    if after is None:
        return CheckResult("redundancy", State.UNKNOWN, 0, 1, leg.blind or "the API did not tell")
    if leg.redundant_s is None:
        words = "the standby is not back yet: another failure would be an outage"
        remedy = "Follow `failoverReplica.available` and the instance's operations."
        return CheckResult("redundancy", State.FINDING, 1, 1, words, remedy=remedy)
    if after.standby is None:
        words = "the API doesn't tell whether the standby is back"
        return CheckResult("redundancy", State.NOT_APPLICABLE, 0, 0, words)
    words = (
        f"the standby in {after.secondary_zone} was back {leg.redundant_s:.1f} s after the request"
    )
    return CheckResult("redundancy", State.OK, 1, 1, words)
