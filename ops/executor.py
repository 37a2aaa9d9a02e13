"""The one place where an error becomes a sentence and an exit code."""

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Any

from invoke.exceptions import Exit, ParseError, UnexpectedExit
from invoke.executor import Executor

from ops import commandline, logline
from ops.errors import ExitCode, OpsError, Terminated
from ops.logline import Severity

BUG = (
    "This is a bug in ai-square-db: {kind}: {text}\n"
    "Run the task again with --debug to see where, and report it with that output."
)


def _terminate(_signum: int, _frame: FrameType | None) -> None:
    raise Terminated


def _ignore_more() -> None:
    """Let a second Ctrl-C come to nothing: all is cleaned up, the sentence is to be said."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class OpsExecutor(Executor):
    """Invoke's executor, with our errors turned into ``Exit(message, code)``.

    Invoke prints a traceback for anything but its own three exceptions, so every
    task of the product runs through here: see ``tasks.executor_class`` in
    invoke.yaml. SIGTERM unwinds the task like Ctrl-C does, so that both clean up.
    """

    def execute(self, *tasks: Any) -> Any:  # noqa: ANN401 - Invoke's own untyped signature
        """Run the tasks; raise ``Exit`` with the documented code when one fails."""
        signal.signal(signal.SIGTERM, _terminate)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # no longer that of ops.start
        try:
            self._check(tasks)
            return super().execute(*tasks)
        except (Exit, ParseError, UnexpectedExit):
            raise
        except OpsError as error:
            raise self._exit(str(error), error.exit_code) from error
        except KeyboardInterrupt as error:
            _ignore_more()
            raise self._exit("Interrupted.", ExitCode.INTERRUPTED) from error
        except Terminated as error:
            _ignore_more()
            raise self._exit("Terminated.", ExitCode.TERMINATED) from error
        except BrokenPipeError:
            # The reader went away (`| head`): as quiet as any Unix tool, and no
            # second error when the interpreter flushes standard output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Exit(code=ExitCode.GOOD) from None
        except Exception as error:
            text = BUG.format(kind=type(error).__name__, text=error)
            raise self._exit(text, ExitCode.BUG) from error

    def _check(self, tasks: tuple[Any, ...]) -> None:
        """Refuse what ``ops.program`` refuses, also where plain ``invoke`` was typed."""
        if len(tasks) > 1:
            commandline.refuse_two_tasks(*(str(task.name) for task in tasks[:2]))
        contexts = self.collection.to_contexts()
        if task_name := commandline.check(self.core.unparsed, contexts, self.core[0]):
            raise commandline.UsageError(f"For its help: invoke --help {task_name}.")
        if self.config.run.dry:
            raise commandline.UsageError(
                "--dry of Invoke holds no task back. Use --dry-run (-n) where a task has it."
            )

    def _exit(self, message: str, code: ExitCode) -> Exit:
        debug = self.core[0].args.debug.value
        if logline.is_wanted():
            more = {"stack_trace": traceback.format_exc()} if debug else {}
            text = logline.line(message, Severity.ERROR, exit_code=int(code), **more)
            print(text, file=sys.stderr, flush=True)  # noqa: T201 - Invoke would print it as it is
            return Exit(code=int(code))
        if debug:
            traceback.print_exc()
        return Exit(message, int(code))
