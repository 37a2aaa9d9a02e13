"""Invoke's program as ``./inv`` runs it: its own options are long only, and a line is checked."""

from collections.abc import Mapping, Sequence
from textwrap import fill

from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.program import Program

from ops.commandline import UsageError, check, explain

HELP = "h"
_SUBJECTS = "Tasks by subject, as ./inv SUBJECT.TASK:"
WIDTH = 80
_BEGINNING = """\
Provisions, migrates, backs up, restores and checks PostgreSQL on Cloud SQL, and
rehearses all of it on a local Cloud SQL that needs no cloud.

To begin with:
  ./inv demo           the main job as one story on this machine
  ./inv TASK --help    what a task does, and its options
  ./inv --list         every task with what it does
"""


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

    def no_tasks_given(self) -> None:
        """Print what this is, what to begin with, and the tasks by subject."""
        print(overview(self.collection.task_names))  # noqa: T201 - what a bare ./inv is for
        raise Exit

    def print_version(self) -> None:
        """Print the product's version, and Invoke's, which it runs on."""
        from importlib.metadata import version

        print(f"ai-square-db {version('ai-square-db')} (Invoke {self.version})")  # noqa: T201 - what --version is for


def overview(tasks: Mapping[str, Sequence[str]]) -> str:
    """Return what a bare ``./inv`` shows, within 80 columns.

    Args:
        tasks: the tasks' names, with the aliases of each.
    """
    subjects: dict[str, list[str]] = {}
    for name in tasks:
        subject, _, command = name.rpartition(".")
        subjects.setdefault(subject, []).append(command)
    alone = subjects.pop("", [])
    lines = [
        fill(
            f"{subject}: {', '.join(sorted(commands))}",
            WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
        for subject, commands in sorted(subjects.items())
    ]
    rest = fill(", ".join(sorted(alone)), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join((_BEGINNING, _SUBJECTS, *lines, "Tasks:", rest))


def _long_only(arguments: list[Argument]) -> list[Argument]:
    for argument in arguments:
        argument.names = tuple(n for n in argument.names if len(n) > 1 or n == HELP)
    return arguments
