"""How long a drill may take."""

import time
from typing import ClassVar

from ops import durations
from ops.errors import ExitCode, OpsError


class TimeLimitError(OpsError):
    """The drill's time is up; what it proved until then stays so."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN

    def __init__(self, limit_s: float) -> None:
        super().__init__(f"its time limit of {durations.words(limit_s)} has passed")


class TimeLimit:
    """Runs from its making; asked while anything is waited for.

    Args:
        seconds: how long it lasts.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        """Raise TimeLimitError once the time is up."""
        if time.monotonic() > self._until:
            raise TimeLimitError(self.seconds)
