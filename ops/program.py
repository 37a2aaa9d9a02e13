"""Invoke's program as ``./inv`` runs it: its own options are long only, and a line is checked."""

from invoke.parser.argument import Argument
from invoke.program import Program

from ops.commandline import check

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
        super().parse_tasks()


def _long_only(arguments: list[Argument]) -> list[Argument]:
    for argument in arguments:
        argument.names = tuple(n for n in argument.names if len(n) > 1 or n == HELP)
    return arguments
