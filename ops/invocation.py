"""What every task begins with: the stack, the format, and where to print."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

if TYPE_CHECKING:  # every task module imports this one: `invoke --list` must stay fast
    from ops.cloudsql import CloudSql
    from ops.console import Console, Progress, Shown
    from ops.db import Database
    from ops.target import Target

STACK_HELP = "the stack (else INVOKE_STACK, else local)"
FORMAT_HELP = "table or json"


@dataclass(frozen=True)
class Invocation:
    """One invocation of a task.

    Attributes:
        target: the stack's.
        console: where to print.
    """

    target: "Target"
    console: "Console"

    @cached_property
    def progress(self) -> "Progress":
        """Return where long work shows itself."""
        return self.console.progress

    @cached_property
    def cloud(self) -> "CloudSql":
        """Return the stack's Admin API."""
        return self.target.cloud()

    def database(self) -> "Database":
        """Return the application's database on the stack's instance."""
        return self.target.database_at(self.cloud.instance(self.target.instance).address)

    def show(self, result: "Shown") -> None:
        """Print a result, and end with its exit code where it has a state that is not good.

        Raises:
            invoke.exceptions.Exit: the result's ``state`` is a finding (3) or unknown (4).
        """
        show(self.console, result)


def show(console: "Console", result: "Shown") -> None:
    """Print a result, and end with its exit code where it has a state that is not good.

    Raises:
        invoke.exceptions.Exit: the result's ``state`` is a finding (3) or unknown (4).
    """
    from ops.checks.result import State, exit_code

    console.show(result)
    if code := exit_code(getattr(result, "state", State.OK)):
        raise Exit(code=int(code))


def begin(stack: str, output: str) -> Invocation:
    """Return the invocation of a task; the first line printed names the stack.

    Args:
        stack: ``-s``; empty means INVOKE_STACK, else ``local``.
        output: ``--format``.

    Raises:
        ops.errors.BadInputError: an unknown stack, format or setting.
    """
    from ops import logline
    from ops import target as targets
    from ops.console import Console, parse_format

    console = Console(parse_format(output))
    target = targets.load(stack)
    logline.bind(stack=target.stack, instance=target.instance)
    console.line(f"Stack {target.stack}: {target.instance} in {target.project}")
    return Invocation(target, console)
