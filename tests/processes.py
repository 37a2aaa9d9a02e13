"""Tasks in processes of their own; none outlives its test."""

import subprocess
from collections.abc import Callable, Iterator

Start = Callable[..., subprocess.Popen[str]]


def started(start: Start) -> Iterator[Start]:
    """Yield what starts a task, and end at last whatever still runs."""
    every: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        every.append(start(*arguments))
        return every[-1]

    yield run
    for process in every:
        if process.poll() is None:
            process.kill()
            process.communicate()
