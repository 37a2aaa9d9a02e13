"""Errors as sentences with a remedy, and the exit codes they end in.

Exit codes, the same for every task: 0 good; 1 usage or a bug; 2 refused or
failed; 3 a check or drill found a problem; 4 could not tell. Ctrl-C ends with
130 and SIGTERM with 143 (128 + the signal's number, as shells report it).
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a task's process returns."""

    GOOD = 0
    BUG = 1
    USAGE = 1
    REFUSED = 2
    FINDING = 3
    UNKNOWN = 4
    INTERRUPTED = 130
    TERMINATED = 143


class OpsError(Exception):
    """Base of what a person can act on: one sentence of what, one of the remedy.

    Subclasses build their sentence from typed arguments, so that it is written
    once; the executor prints ``str(error)`` and ends with ``exit_code``.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED


class BadInputError(OpsError):
    """An argument, a setting or a file that can't be meant."""


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like Ctrl-C does, so that ``finally`` cleans up."""


def reason(error: BaseException) -> str:
    """Return why something did not end by itself, in one sentence."""
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted (Ctrl-C)"
    if isinstance(error, Terminated):
        return "it was terminated (SIGTERM)"
    text = " ".join(str(error).split())
    return text if isinstance(error, OpsError) else f"{type(error).__name__}: {text}"
