"""What a self-test leaves as evidence: the matrix of faults by checks."""

from ops.checks.result import State
from ops.console import Table
from ops.evidence import Evidence
from ops.evidence.identity import Identity
from ops.restore.selftest.report import SelftestReport

KIND = "restore-selftest"
_SIGNS = {State.FINDING.value: "red", State.UNKNOWN.value: "?", State.OK.value: ""}


def of(report: SelftestReport, versions: dict[str, str], instance: Identity) -> Evidence:
    """Return the evidence of a self-test.

    Args:
        report: what came out.
        versions: of what took part besides this product.
        instance: whose drill was tested.
    """
    return Evidence(
        kind=KIND,
        run=report.run,
        title=f"Self-test of the restore drill {report.run}: {report.verdict}",
        drill=report.document(),
        account=(*report.blocks(), _spoiled(report), _matrix(report)),
        targets={},
        versions=versions,
        instance=instance,
    )


def _spoiled(report: SelftestReport) -> Table:
    """Return what each fault spoiled, and how long it took."""
    rows = tuple(
        (outcome.fault, outcome.what, outcome.spoiled or "-", f"{outcome.seconds:.1f}")
        for outcome in report.outcomes
    )
    return Table("What was spoiled", ("fault", "what", "object", "seconds"), rows)


def _matrix(report: SelftestReport) -> Table:
    """Return fault by check; checks that were silent throughout have no column."""
    matrix = report.matrix()
    quiet = {"", State.OK.value, State.NOT_APPLICABLE.value}
    loud = dict.fromkeys(
        check for checks in matrix.values() for check, state in checks.items() if state not in quiet
    )
    rows = tuple(
        (fault, *(_SIGNS.get(checks.get(check, ""), "") for check in loud))
        for fault, checks in matrix.items()
    )
    return Table("Fault by check", ("fault", *(check.replace("_", " ") for check in loud)), rows)
