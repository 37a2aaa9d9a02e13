import io
from datetime import UTC, datetime

import pytest

from ops import guard
from ops.guard import Consent
from ops.target import Target, load

OPEN = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)  # a Friday
CLOSED = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)


@pytest.fixture
def prod() -> Target:
    return load("prod")


def test_production_is_dry_without_yes(prod: Target) -> None:
    assert not guard.permit(prod, "apply migrations", yes=False, now=OPEN)


def test_production_wants_its_name(prod: Target) -> None:
    for given in ("", "ai-square-db-staging"):
        with pytest.raises(guard.NotConfirmedError, match="--yes --confirm ai-square-db-prod"):
            guard.permit(prod, "apply migrations", yes=True, confirm=given, now=OPEN)


def test_production_changes_in_its_window_only(prod: Target) -> None:
    name = prod.instance
    assert guard.permit(prod, "apply migrations", yes=True, confirm=name, now=OPEN)
    with pytest.raises(guard.OutsideWindowError, match="Wed 18:00 UTC"):
        guard.permit(prod, "apply migrations", yes=True, confirm=name, now=CLOSED)


@pytest.mark.parametrize("stack", ["local", "staging"])
def test_other_stacks_just_act(stack: str) -> None:
    assert guard.permit(load(stack), "apply migrations", yes=False, now=CLOSED)


def test_nothing_is_written_over_its_source() -> None:
    guard.differ("a", "b")
    with pytest.raises(guard.SameInstanceError):
        guard.differ("a", "a")


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_what_cannot_be_taken_back_is_confirmed_everywhere(stack: str) -> None:
    target = load(stack)
    name = target.instance
    guard.insist(target, "replace it", yes=True, confirm=name, now=OPEN)
    for yes, given in ((False, ""), (True, ""), (True, "another")):
        with pytest.raises(guard.NotConfirmedError, match=f"--yes --confirm {name}"):
            guard.insist(target, "replace it", yes=yes, confirm=given, now=OPEN)


def test_only_productions_window_holds_it_up(prod: Target) -> None:
    local = load("local")
    guard.insist(local, "replace it", yes=True, confirm=local.instance, now=CLOSED)
    with pytest.raises(guard.OutsideWindowError):
        guard.insist(prod, "replace it", yes=True, confirm=prod.instance, now=CLOSED)


def test_an_instance_beside_productions_is_confirmed_at_any_hour(prod: Target) -> None:
    assert guard.permit_new(load("local"), "restore", yes=False)
    assert not guard.permit_new(prod, "restore", yes=False)
    assert guard.permit_new(prod, "restore", yes=True, confirm=prod.instance)
    with pytest.raises(guard.NotConfirmedError):
        guard.permit_new(prod, "restore", yes=True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y\n", "Yes\n", " yes \n"])
def test_yes_at_a_terminal_or_as_an_option_is_consent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    guard.ask("delete it", yes=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stdin", _Terminal(answer))
    guard.ask("delete it", yes=False)
    assert capsys.readouterr() == ("", "This is about to delete it. Go on? [y/N] ")


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "no\n", "yess\n", "delete it\n"])
def test_any_other_answer_is_none(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal(answer))
    with pytest.raises(guard.DeclinedError, match="Nothing was done"):
        guard.ask("delete it", yes=False)


@pytest.mark.parametrize("stdin", [io.StringIO("yes\n"), None], ids=["pipe", "closed"])
def test_without_a_terminal_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO | None
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(guard.UnansweredError, match="Give --yes"):
        guard.ask("delete it", yes=False)


def test_removing_from_production_takes_its_name_in_its_window(
    monkeypatch: pytest.MonkeyPatch, prod: Target
) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal("yes\nyes\n"))
    for consent in (Consent(), Consent(yes=True), Consent(yes=True, confirm="other")):
        with pytest.raises(guard.NotConfirmedError, match="--yes --confirm ai-square-db-prod"):
            guard.approve_removal(prod, "delete it", consent, now=OPEN)
    sure = Consent(yes=True, confirm=prod.instance)
    guard.approve_removal(prod, "delete it", sure, now=OPEN)
    with pytest.raises(guard.OutsideWindowError):
        guard.approve_removal(prod, "delete it", sure, now=CLOSED)
    guard.approve_removal(prod, "delete it", sure, any_hour=True, now=CLOSED)
    guard.approve_removal(load("local"), "delete it", Consent(yes=True), now=CLOSED)
