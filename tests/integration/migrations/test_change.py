"""What the tasks call: on production a plan, unless it is confirmed."""

import io
import json
from dataclasses import replace

import pytest

from ops import target
from ops.console import Console, Format, to_json
from ops.db import Database
from ops.guard import NotConfirmedError, UnansweredError
from ops.invocation import Invocation
from ops.migrations import change, files
from ops.migrations.change import Request
from ops.migrations.results import Outcome, Plan
from ops.migrations.session import BusyError


class _Here(Invocation):
    """An invocation whose instance is the test's cluster."""

    here: Database

    def database(self) -> Database:
        return self.here


def _on(stack: str, database: Database) -> Invocation:
    run = _Here(target.load(stack), Console(Format.TABLE, out=io.StringIO()))
    object.__setattr__(run, "here", database)
    return run


def _request(*, dry_run: bool = False, yes: bool = False, confirm: str = "") -> Request:
    return Request(to="", dry_run=dry_run, yes=yes, confirm=confirm, wait_s=1)


def test_production_gets_a_plan_until_it_is_confirmed(database: Database) -> None:
    prod = _on("prod", database)
    assert isinstance(change.up(prod, _request(), allow_out_of_order=False), Plan)
    with pytest.raises(NotConfirmedError):
        change.up(prod, _request(yes=True, confirm="other"), allow_out_of_order=False)
    assert {entry.standing.value for entry in change.status(prod).migrations} == {"pending"}


def test_other_stacks_are_changed_at_once_and_back(database: Database) -> None:
    staging = _on("staging", database)
    assert isinstance(change.up(staging, _request(dry_run=True), allow_out_of_order=False), Plan)
    done = change.up(staging, _request(), allow_out_of_order=False)
    assert isinstance(done, Outcome)
    assert [m.version for m in done.migrations] == [m.version for m in files.read()]
    with pytest.raises(UnansweredError, match=r"take back \S+, with the data"):
        change.down(staging, _request())
    back = change.down(staging, _request(yes=True))
    assert isinstance(back, Outcome)
    assert len(back.migrations) == 1


def test_nobody_applies_more_between_question_and_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = _on("staging", database)
    change.up(staging, _request(), allow_out_of_order=False)
    asked = []

    def answer(_: object, action: str, __: object) -> None:
        asked.append(action)
        with pytest.raises(BusyError):
            change.up(staging, replace(_request(), wait_s=0), allow_out_of_order=False)

    monkeypatch.setattr("ops.guard.approve_removal", answer)
    back = change.down(staging, _request())
    assert isinstance(back, Outcome)
    assert [back.migrations[0].version in action for action in asked] == [True]


def test_results_are_shown_as_tables_and_as_json(database: Database) -> None:
    run = _on("staging", database)
    head = files.read()[-1].version
    for result in (
        change.up(run, _request(dry_run=True), allow_out_of_order=False),
        change.up(run, _request(), allow_out_of_order=False),
        change.status(run),
        change.down(run, _request(dry_run=True)),
    ):
        out = io.StringIO()
        Console(Format.TABLE, out=out).show(result)
        assert head in out.getvalue()
        assert head in json.dumps(json.loads(to_json(result)))
