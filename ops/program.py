"""Invoke's program as ``./inv`` runs it: its own options are long only, and a line is checked."""

from invoke.exceptions import ParseError
from invoke.parser.argument import Argument
from invoke.program import Program

from ops.commandline import UsageError, check, explain

HELP = "h"


class OpsProgram(Program):
    """Invoke, whose short options would mean something else before and after a task's name."""

    def core_args(self) -> list[Argument]:
        """Return Invoke's options; of the short ones only ``-h`` stays."""
        return _long_only(super().core_args())

    def task_args(self) -> list[Argument]:
        """Return Invoke's options that find the tasks, without short ones."""
        return _long_only(super().task_args())

    def parse_tasks(self) -> None:
        """Parse the task and its options; raises ops.commandline.UsageError."""
        task_name = check(self.argv[1:], self.collection.to_contexts(), self.initial_context)
        if task_name:
            self.core.unparsed = []
            self.args.help.value = task_name
        try:
            super().parse_tasks()
        except ParseError as error:
            raise UsageError(explain(error, self.collection.to_contexts(), self.core[0])) from error

    def print_version(self) -> None:
        """Print the product's version, and Invoke's, which it runs on."""
        from importlib.metadata import version

        print(f"ai-square-db {version('ai-square-db')} (Invoke {self.version})")  # noqa: T201 - what --version is for


def _long_only(arguments: list[Argument]) -> list[Argument]:
    for argument in arguments:
        argument.names = tuple(n for n in argument.names if len(n) > 1 or n == HELP)
    return arguments
