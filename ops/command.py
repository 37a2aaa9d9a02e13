"""The tasks that people type: Invoke's, with short flags that mean the same on every task.

Invoke hands out short flags by the letters that are left, so that ``-o`` had ten meanings,
and one of them removed an instance. Here a fixed few have one, and the rest are long only.
"""

from collections.abc import Callable
from typing import Any, Final

from invoke.parser.argument import Argument
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

# -h is Invoke's own: the help of the task that it follows.
SHORT_FLAGS: Final = {"stack": "s", "format": "f", "dry-run": "n", "yes": "y"}


class Command(Task):  # type: ignore[type-arg]  # generic over the body, which Invoke leaves untyped
    """A task whose options have the short flags of ``SHORT_FLAGS``, and no other."""

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """Return what Invoke makes an option of; see its own method for the arguments."""
        options = super().arg_opts(name, default, taken_names)
        long = options["names"][0]
        if long in SHORT_FLAGS:
            options["names"] = [long, SHORT_FLAGS[long]]
        return options

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:  # noqa: FBT001 - Invoke's own signature
        """Return the options; Invoke takes the help texts out, which are needed again."""
        texts = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = texts


def task(*args: Any, **kwargs: Any) -> Callable[..., Any]:  # noqa: ANN401 - Invoke's own signature
    """Make a function a task of ours; takes what ``invoke.tasks.task`` takes."""
    return invoke_task(*args, klass=Command, auto_shortflags=False, **kwargs)
