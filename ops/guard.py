"""Production: dry by default, confirmed by name, in the change window, never onto the source.

On every stack, what deletes asks first: see ``ask`` and ``approve_removal``.
"""

import io
import select
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ops.errors import OpsError
from ops.target import Target

if TYPE_CHECKING:
    from infra.settings import ChangeWindow

_LOOK_S = 0.2  # how long a Ctrl-C at a question may take


class NotConfirmedError(OpsError):
    """The instance's name was not given, or another one was."""

    def __init__(self, action: str, target: Target, text: str) -> None:
        wrong = f" {text!r} is not the instance's name." if text else ""
        prefix = f"Stack {target.stack} is production." if target.production else ""
        super().__init__(
            f"{prefix}{wrong} To {action}, give its name: ".lstrip()
            + f"--yes --confirm {target.instance}"
        )


class UnansweredError(OpsError):
    """A question could not be put: nobody is at a terminal."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"Nothing was done: without --yes, this asks whether to {action}, and there is no "
            "terminal to ask at. Give --yes, or run it at a terminal."
        )


class DeclinedError(OpsError):
    """A question was not answered with yes."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"Nothing was done: the answer was not yes. To {action}, answer yes or give --yes."
        )


class OutsideWindowError(OpsError):
    """It is not the time for changes."""

    def __init__(self, action: str, window: "ChangeWindow", now: datetime) -> None:
        super().__init__(
            f"It is {now:%a %H:%M} UTC; changes to this stack are made {window}. "
            f"Wait to {action}, or change `ai-square-db:changeHours`."
        )


class SameInstanceError(OpsError):
    """Something was about to be written over its own source."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Source and target are the same instance, {name}. Name another target.")


@dataclass(frozen=True, slots=True)
class Consent:
    """What is asked for before something that is guarded.

    Attributes:
        yes: ``--yes``.
        confirm: the instance's name, given with ``--confirm``.
    """

    yes: bool = False
    confirm: str = ""


NO_CONSENT = Consent()


def permit(
    target: Target, action: str, *, yes: bool, confirm: str = "", now: datetime | None = None
) -> bool:
    """Return whether to act; False means: show the plan only.

    Stacks that are not production may always act. Production is dry without
    ``yes``; with it, the instance's name must be given, or typed on a terminal.

    Args:
        target: what is about to change.
        action: what is about to happen, as a verb with its object.
        yes: ``--yes``.
        confirm: ``--confirm NAME``.
        now: the time, for the change window.

    Raises:
        NotConfirmedError: no name, or the wrong one.
        OutsideWindowError: the stack's change window is closed.
    """
    if not target.production:
        return True
    if not yes:
        return False
    _confirmed(target, action, confirm)
    _in_window(target, action, now)
    return True


def ask(action: str, *, yes: bool) -> None:
    """Return where something may be deleted or overwritten: ``--yes``, or yes at a terminal.

    Args:
        action: what is about to happen, as a verb with its object.
        yes: ``--yes``.

    Raises:
        DeclinedError: another answer than yes, or none.
        UnansweredError: no ``--yes``, and no terminal.
    """
    if yes:
        return
    if not _at_terminal():
        raise UnansweredError(action)
    if _answer(f"This is about to {action}. Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise DeclinedError(action)


def approve_removal(
    target: Target,
    action: str,
    consent: Consent,
    *,
    any_hour: bool = False,
    now: datetime | None = None,
) -> None:
    """Return where something of a stack may be deleted, which can't be taken back.

    Production wants ``--yes`` and the instance's name; other stacks are asked for as ``ask`` does.

    Args:
        target: the stack.
        action: what is about to happen, as a verb with its object.
        consent: ``--yes`` and ``--confirm NAME``.
        any_hour: whether production's change window does not matter.
        now: the time, for the change window.

    Raises:
        DeclinedError, UnansweredError: as ``ask``.
        NotConfirmedError: production, and no ``--yes``, no name or the wrong one.
        OutsideWindowError: production's change window is closed.
    """
    if not target.production:
        ask(action, yes=consent.yes)
        return
    if not consent.yes:
        raise NotConfirmedError(action, target, "")
    _confirmed(target, action, consent.confirm)
    if not any_hour:
        _in_window(target, action, now)


def insist(
    target: Target, action: str, *, yes: bool, confirm: str = "", now: datetime | None = None
) -> None:
    """Return where everything in an instance may be replaced.

    Every stack asks for the instance's name, given or typed on a terminal; production wants
    ``--yes`` too, and obeys its change window. See ``permit`` for the arguments.

    Raises:
        NotConfirmedError: no name, or the wrong one.
        OutsideWindowError: production's change window is closed.
    """
    if not yes and (target.production or not _at_terminal()):
        raise NotConfirmedError(action, target, "")
    _confirmed(target, action, confirm)
    if target.production:
        _in_window(target, action, now)


def permit_new(target: Target, action: str, *, yes: bool, confirm: str = "") -> bool:
    """Return whether to make an instance beside the stack's; False means: show the plan only.

    As ``permit``, but at any hour: nothing that runs is changed, and whoever needs it can't wait.
    """
    if not target.production:
        return True
    if yes:
        _confirmed(target, action, confirm)
    return yes


def _confirmed(target: Target, action: str, confirm: str) -> None:
    if not confirm and _at_terminal():
        confirm = _answer(f"Type the instance's name to {action} ({target.stack}): ")
    if confirm != target.instance:
        raise NotConfirmedError(action, target, confirm)


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()  # None where it was closed


def _answer(question: str) -> str:
    """Return what is typed; empty for Ctrl-D, which is no name and not yes."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201 - a question, not a result
    try:
        _wait_for_line()
        return input()
    except EOFError:
        print(file=sys.stderr)  # noqa: T201 - ends the question's line
        return ""


def _wait_for_line() -> None:
    """Wait until there is something to read, and let a signal end that.

    One that comes just before a read that blocks would be noticed after that read alone.
    """
    with suppress(io.UnsupportedOperation):  # what is no file has its lines already
        while not select.select([sys.stdin], [], [], _LOOK_S)[0]:
            pass


def _in_window(target: Target, action: str, now: datetime | None) -> None:
    window, moment = target.settings.change_window, now or datetime.now(UTC)
    if window is not None and not window.contains(moment):
        raise OutsideWindowError(action, window, moment)


def differ(source: str, target: str) -> None:
    """Refuse to write over the source; raises SameInstanceError."""
    if source == target:
        raise SameInstanceError(target)
