"""What a failover drill leaves as evidence."""

from ops.console import Table
from ops.evidence import Evidence
from ops.failover.report import Report
from ops.failover.source import ROOM, Source


def of(source: Source, report: Report) -> Evidence:
    """Return the evidence of a drill.

    Args:
        source: what was drilled, and what it is held to.
        report: what came out.
    """
    versions = {"postgresql": report.legs[0].first.version} if report.legs else {}
    return Evidence(
        kind=ROOM,
        run=report.run,
        title=f"Failover drill {report.run}: {report.verdict}",
        drill=report.document(),
        account=_account(source, report),
        targets={"gap_s": source.gap_target_s, "reconnect_s": source.reconnect_target_s},
        versions=versions,
        instance=source.identity,
    )


def _account(source: Source, report: Report) -> tuple[Table | str, ...]:
    lines = [
        f"Instance: {report.source} (stack {report.stack}).",
        f"From {report.started:%Y-%m-%d %H:%M:%S} to {report.ended:%H:%M:%S} UTC.",
        f"The target is {source.gap_target_s:g} s without a write, and no acknowledged one lost.",
        f"The pool is to connect again within {source.reconnect_target_s:g} s.",
    ]
    return (*lines, *report.blocks(), report.every_check())
