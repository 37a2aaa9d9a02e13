"""What follows a drill: told whatever happened, and the drill ends as it would have."""

import io
import json
from pathlib import Path

import pytest

from ops import notify, target
from ops.checks.result import State, worst
from ops.console import Console, Format
from ops.errors import BadInputError, OpsError, Terminated
from ops.evidence import Evidence, afterwards, key, write
from ops.evidence.afterwards import afterwards as following
from ops.evidence.chain import verify
from ops.invocation import Invocation
from ops.lease import Lease, LeaseHeldError
from ops.notify import Hook, NotDeliveredError, Notice

KIND = "restore-drill"


class Told:
    """Stands for the webhook."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.patience_s: list[float] = []
        self.error: Exception | None = None

    def deliver(self, _: Hook, told: Notice, patience_s: float) -> str:
        if self.error is not None:
            raise self.error
        self.notices.append(told)
        self.patience_s.append(patience_s)
        return "Notified."


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    webhook = Told()
    monkeypatch.setenv(notify.URL, "https://hooks.example.com/verysecret")
    monkeypatch.setattr(notify, "deliver", webhook.deliver)
    return webhook


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: io.StringIO) -> Invocation:
    monkeypatch.setenv("LOCAL_CLOUDSQL_DIR", str(tmp_path))
    monkeypatch.delenv(notify.URL, raising=False)
    return Invocation(target.load("local"), Console(Format.JSON, io.StringIO(), said))


def drill(run: Invocation, name: str, verdict: str = "pass") -> None:
    state = {"pass": "ok", "fail": "finding"}.get(verdict, "unknown")
    checks = [{"copy": "clone", "check": "content", "state": state}]
    facts = {"verdict": verdict, "run": name, "stack": "local", "source": "db", "rpo_s": 0.5}
    facts["checks"] = checks
    write(run.target.store, Evidence(KIND, name, "A drill", facts, ("x",), {}, {}))


def test_a_drill_is_told_of_and_its_page_left(run: Invocation, told: Told) -> None:
    drill(run, "r0")
    with following(run, KIND):
        drill(run, "r1", "fail")
    (notice,) = told.notices
    assert (notice.run, notice.verdict, notice.instance) == ("r1", "fail", "db")
    assert notice.summary == "fail. RPO 0.500 s. Checks: 0 of 1 ok."
    assert notice.evidence == run.target.store.where(key(KIND, "r1"))
    stored = run.target.store.get(key(KIND, "r1"))
    page = run.target.store.get("evidence/restore-drill/latest.html")
    assert stored is not None
    assert page is not None
    assert notice.sha256 in page.content.decode()
    assert b"Made without plots" in page.content
    assert b"The chain was not checked" in page.content
    assert worst(one.state for one in verify(run.target.store, KIND)) is State.OK


def _cut_short(run: Invocation, name: str, error: BaseException) -> None:
    with following(run, KIND):
        drill(run, name, "unknown")
        raise error


def test_a_drill_cut_short_is_told_of_with_the_reason(run: Invocation, told: Told) -> None:
    for number, error in enumerate((OpsError("It is gone."), KeyboardInterrupt(), Terminated())):
        with pytest.raises(type(error)):
            _cut_short(run, f"r{number}", error)
    assert [one.verdict for one in told.notices] == ["unknown"] * 3
    assert [one.error for one in told.notices] == [
        "It is gone.",
        "it was interrupted (Ctrl-C)",
        "it was terminated (SIGTERM)",
    ]
    assert told.patience_s == [notify.PATIENCE_S, afterwards.HASTY_S, afterwards.HASTY_S]


def test_a_drill_that_left_no_record_is_told_of_too(run: Invocation, told: Told) -> None:
    drill(run, "r0")
    with pytest.raises(OpsError, match="no way"), following(run, KIND):
        raise OpsError("There is no way.")
    (notice,) = told.notices
    assert (notice.run, notice.verdict, notice.error) == ("", "unknown", "There is no way.")


def test_a_killed_drill_that_was_recorded_meanwhile_is_told_of(run: Invocation, told: Told) -> None:
    drill(run, "r0")
    with following(run, KIND):
        drill(run, "r1", "unknown")
        drill(run, "r2")
    assert [one.run for one in told.notices] == ["r1", "r2"]


@pytest.mark.parametrize(
    "error", [BadInputError("No."), LeaseHeldError("x", Lease(*("x",) * 3, 1, "", ""))]
)
def test_a_command_that_was_refused_is_no_news(
    run: Invocation, told: Told, error: OpsError
) -> None:
    with pytest.raises(type(error)), following(run, KIND):
        raise error
    with following(run, KIND):
        pass  # a plan was shown, no drill made
    assert told.notices == []


@pytest.mark.parametrize("error", [NotDeliveredError("x", "it answers 500"), RuntimeError("odd")])
def test_what_can_t_be_delivered_changes_nothing(
    run: Invocation, told: Told, said: io.StringIO, error: Exception
) -> None:
    told.error = error
    with following(run, KIND):
        drill(run, "r1")
    assert said.getvalue().startswith("After the drill: ")
    assert "Undelivered: 1 of 1 notifications (drill r1)." in said.getvalue()
    assert "verysecret" not in said.getvalue()
    with pytest.raises(OpsError, match=r"^It is gone\.$"), following(run, KIND):
        raise OpsError("It is gone.")


def test_a_wrong_address_is_said_before_the_drill(
    run: Invocation, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(notify.URL, "http://example.com/verysecret")
    with following(run, KIND):
        assert "Nobody can be notified" in said.getvalue()
    assert "verysecret" not in said.getvalue()


def test_without_a_webhook_there_is_a_page_and_no_word(run: Invocation, said: io.StringIO) -> None:
    with following(run, KIND):
        drill(run, "r1")
    assert said.getvalue() == ""
    assert run.target.store.get("evidence/restore-drill/latest.html") is not None
    assert json.loads((run.target.state / key(KIND, "r1")).read_bytes())["number"] == 1


def test_a_notice_that_fails_does_not_stop_the_next(
    run: Invocation, told: Told, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver(hook: Hook, notice: Notice, patience_s: float) -> str:
        if notice.run == "r1":
            raise NotDeliveredError("x", "it answers 304")
        return told.deliver(hook, notice, patience_s)

    monkeypatch.setattr(notify, "deliver", deliver)
    with following(run, KIND):
        drill(run, "r1", "unknown")
        drill(run, "r2")
    assert [notice.run for notice in told.notices] == ["r2"]
    assert "Undelivered: 1 of 2 notifications (drill r1)." in said.getvalue()
