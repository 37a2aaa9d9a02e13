"""Where ``./inv`` comes in: Invoke, after a signal that comes early has been provided for.

Invoke and the tasks take their time to be imported. Until the executor sees to signals
itself, there is nothing to clean up: say the sentence, end with the code.
"""

import os
import signal
import sys
from types import FrameType

_WORDS = {signal.SIGINT: b"Interrupted.\n", signal.SIGTERM: b"Terminated.\n"}


def _end(number: int, _frame: FrameType | None) -> None:
    os.write(2, _WORDS[signal.Signals(number)])
    os._exit(128 + number)


def main() -> None:
    """Run Invoke."""
    for number in _WORDS:
        signal.signal(number, _end)
    from invoke import __version__

    from ops.program import OpsProgram

    sys.argv[0] = "inv"
    try:
        OpsProgram(name="Invoke", binary="inv", version=__version__).run()
    except BrokenPipeError:  # `./inv --list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
