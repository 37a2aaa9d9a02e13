"""One list of checks: a drill and a restore for real say the same of the same backup."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ops.checks.crew import Crew
from ops.checks.result import CheckResult, Level, State
from ops.db import CHANGE
from ops.restore.copies import CopyPlan, Kind, Made
from ops.restore.proof import verify
from ops.restore.recovery import checks
from ops.restore.recovery.order import Request, Task
from ops.restore.recovery.perform import Options, restore
from ops.restore.recovery.report import Recovered
from ops.restore.source import Source
from tests.integration.restore.conftest import Site
from tests.integration.restore.desk import Desk, desk

OF_A_RESTORE = {"settings", "rows"}  # asked of an instance that stays
OF_EACH = {"heartbeat"}  # a drill knows what was written last; a restore knows the moment
Spoiled = tuple[Recovered, Source]


@pytest.fixture(scope="module")
def at_source(site: Site, prepared: Source) -> Desk:
    return desk(site, prepared)


@pytest.fixture(scope="module")
def spoiled(at_source: Desk) -> Iterator[Spoiled]:
    """A restored backup of a source whose sequence is behind its column."""
    source = at_source.source
    ((last,),) = at_source.execute("SELECT last_value FROM entry_id_seq")
    at_source.execute("SELECT setval('entry_id_seq', 1)")
    cloud = source.cloud
    cloud.wait(cloud.create_backup(source.instance, "with a sequence behind its column"))
    made = restore(at_source.run, Request(Task.TO_NEW, name="spoiled"), Options())
    assert isinstance(made, Recovered), made.blocks()
    yield made, source
    at_source.execute(f"SELECT setval('entry_id_seq', {last})")
    at_source.remove("spoiled")


def _of_a_drill(made: Recovered, source: Source) -> dict[str, CheckResult]:
    """Return what a drill says of the restored instance."""
    (run,) = (
        one for one in source.cloud.backup_runs(source.instance) if one.id == made.order.backup
    )
    plan = CopyPlan(Kind.BACKUP, made.order.instance, run)
    copy = Made(plan, source.copy_at(made.address), ())
    verified = verify.backup(Crew(), source, copy, [], lambda: None)
    return {result.check: result for result in verified.checks}


def _of_a_restore(made: Recovered, source: Source) -> dict[str, CheckResult]:
    """Return what a restore says of the restored instance."""
    instance = source.cloud.instance(made.order.instance)
    steps: list[None] = []
    found = checks.check(
        source, made.order, made.run, instance, amcheck=True, advance=lambda: steps.append(None)
    )
    assert len(steps) == checks.steps(made.order)
    return {result.check: result for result in found.results}


def _said(results: dict[str, CheckResult]) -> dict[str, object]:
    return {
        name: (one.state, one.detail, one.findings, one.remedy)
        for name, one in results.items()
        if name not in OF_A_RESTORE | OF_EACH
    }


def test_what_the_source_has_too_is_a_warning_in_both(spoiled: Spoiled) -> None:
    made, source = spoiled
    drilled, restored = _of_a_drill(made, source), _of_a_restore(made, source)
    assert drilled.keys() == restored.keys() - OF_A_RESTORE
    assert _said(drilled) == _said(restored)
    assert made.state is State.OK
    behind = restored["sequence_reach"]
    assert behind.state is State.OK
    (finding,) = behind.findings
    assert (finding.object.label, finding.level) == ("public.entry_id_seq", Level.WARNING)
    assert "on the source too" in finding.message
    assert finding.remedy is not None


def test_what_the_copy_alone_has_is_a_finding_in_both(spoiled: Spoiled) -> None:
    made, source = spoiled
    copy = source.copy_at(made.address)
    with copy.connect(source.owner, budget=CHANGE) as connection:
        connection.execute("SELECT setval('account_id_seq', 1)")
    try:
        drilled, restored = _of_a_drill(made, source), _of_a_restore(made, source)
        assert _said(drilled) == _said(restored)
        assert restored["sequence_reach"].state is State.FINDING
    finally:
        with copy.connect(source.owner, budget=CHANGE) as connection:
            connection.execute("SELECT setval('account_id_seq', (SELECT max(id) FROM account))")


def test_where_the_source_is_silent_it_is_a_finding_in_both(spoiled: Spoiled) -> None:
    made, source = spoiled
    silent = replace(source, database=source.database.at("127.255.255.250"))
    drilled, restored = _of_a_drill(made, silent), _of_a_restore(made, silent)
    for results in (drilled, restored):
        assert results["sequence_reach"].state is State.FINDING
    needless = {"migrations", "objects"}  # a drill needs its source for them: unknown
    assert {name: said for name, said in _said(drilled).items() if name not in needless} == {
        name: said for name, said in _said(restored).items() if name not in needless
    }
