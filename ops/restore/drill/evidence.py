"""What a restore drill leaves as evidence."""

from collections.abc import Mapping

from ops.console import Table
from ops.evidence import Evidence
from ops.restore.drill.report import Report
from ops.restore.source import ROOM, Place


def of(source: Place, report: Report, versions: Mapping[str, str]) -> Evidence:
    """Return the evidence of a drill.

    Args:
        source: whose drill it was, and what drills are held to.
        report: what came out.
        versions: of what took part besides this product.
    """
    return Evidence(
        kind=ROOM,
        run=report.run,
        title=f"Restore drill {report.run}: {report.verdict}",
        drill=report.document(),
        account=_account(source, report),
        targets={"rto_s": source.rto_target_s, "rpo_s": source.rpo_target_s},
        versions=dict(versions),
        instance=source.identity,
    )


def _account(source: Place, report: Report) -> tuple[Table | str, ...]:
    rto = None if report.rto is None else report.rto.total
    rpo = None if report.loss is None else report.loss.seconds
    lines = [
        f"Source: {report.source} (stack {report.stack}).",
        f"From {report.started:%Y-%m-%d %H:%M:%S} to {report.ended:%H:%M:%S} UTC.",
        _target(report, "rto", rto, source.rto_target_s),
        _target(report, "rpo", rpo, source.rpo_target_s),
    ]
    lines += [
        f"Backup run {backup.id} ({backup.type}, {backup.description or 'no description'}), "
        f"into {backup.instance}."
        for backup in report.backups
    ]
    if report.clone is not None:
        lines.append(
            f"Point-in-time clone {report.clone.instance} to {report.clone.point_in_time} "
            f"({report.clone.method} comparison)."
        )
    return (*lines, *report.blocks(), _every_check(report))


def _target(report: Report, check: str, met_s: float | None, target_s: float) -> str:
    """Return a line about a target: how long, how much, and whether it was met."""
    name = check.upper()
    if not any(drill_check.result.check == check for drill_check in report.checks) or met_s is None:
        return f"{name}: not measured; the target is {target_s:g} s."
    met = "met" if met_s <= target_s else "not met"
    return f"{name}: {met_s:.3f} s; the target of {target_s:g} s is {met}."


def _every_check(report: Report) -> Table:
    """Return all checks one by one: of the copies and of the drill itself."""
    rows = tuple(
        (
            drill_check.copy,
            drill_check.result.check.replace("_", " "),
            drill_check.result.state.value,
            f"{drill_check.result.examined} of {drill_check.result.total}",
            drill_check.result.detail,
        )
        for drill_check in report.checks
    )
    return Table("All checks", ("of", "check", "state", "examined", "what came out"), rows)
