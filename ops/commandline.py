"""What a command line must not say: an option twice, two tasks, Invoke's short options after one.

Invoke takes the second value of an option that is given twice for the name of another task,
and runs that. The tokens are therefore read here first, by the rules of Invoke's parser.
"""

import difflib
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from ops.errors import ExitCode

HELP = "help"
_UNKNOWN = re.compile(r"No idea what '(.*)' is!", re.DOTALL)
_MISSING = re.compile(r"'(.*)' did not receive required positional arguments: (.*)", re.DOTALL)


class UsageError(Exit):
    """The command line can't be meant; nothing was run."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} Nothing was run.", int(ExitCode.USAGE))


def refuse_two_tasks(first: str, second: str) -> None:
    """Raise UsageError: a command is one task."""
    raise UsageError(
        f"A command is one task, and this one names two: {first} and {second}."
        " Call them one after the other."
    )


def explain(error: ParseError, tasks: Iterable[ParserContext], core: ParserContext) -> str:
    """Return what Invoke's parser did not understand, with the names that are like it.

    Args:
        error: the parser's.
        tasks: every task and its options.
        core: the options of the program itself.
    """
    unknown, missing = _UNKNOWN.search(str(error)), _MISSING.search(str(error))
    task = "" if error.context is None or error.context.name is None else str(error.context.name)
    if missing is not None:
        names = missing[2].replace("'", "").upper()
        return f"{missing[1]} needs {names}. See `./inv {missing[1]} --help`."
    if unknown is None:
        return f"{str(error).rstrip('.!')}."
    token = unknown[1]
    if task and error.context is not None and token.startswith("-"):
        like = _like(token, error.context.flags)
        return f"{task} has no option {token}.{like} See `./inv {task} --help`."
    if task:
        return f"{task} takes no argument {token!r}. See `./inv {task} --help`."
    if token.startswith("-"):
        return f"There is no option {token}.{_like(token, core.flags)} See `./inv --help`."
    names = [str(name) for context in tasks for name in (context.name, *context.aliases)]
    return f"There is no task {token!r}.{_like(token, names)} `./inv --list` shows all."


def _like(word: str, names: Iterable[str]) -> str:
    """Return the names that are like a word, as a question; empty where none is."""
    listed = sorted(names)
    within = [name for name in listed if word in re.split(r"[.-]", name)]
    close = difflib.get_close_matches(word, listed, n=3, cutoff=0.6)
    nearest = list(dict.fromkeys((*close, *within)))[:4]
    return f" Did you mean {', '.join(nearest)}?" if nearest else ""


def check(tokens: Sequence[str], tasks: Iterable[ParserContext], core: ParserContext) -> str:
    """Refuse a command line that would run something else than it says.

    What is not understood is left to Invoke's parser, which refuses it.

    Args:
        tokens: what follows the program's name, or begins with the task's.
        tasks: every task and its options.
        core: the options of the program itself.

    Returns:
        The task whose help is asked for after its name, empty for none: Invoke's parser
        takes ``-h`` for the value of a task's first argument where that has none yet.

    Raises:
        UsageError: an option twice or of no task, or a second task.
    """
    return _Reading(tokens, tasks, core).run()


class _Reading:
    """Reads tokens as Invoke's parser does, and counts what they give."""

    def __init__(
        self, tokens: Sequence[str], tasks: Iterable[ParserContext], core: ParserContext
    ) -> None:
        end = tokens.index("--") if "--" in tokens else len(tokens)
        self._tokens = deque(tokens[:end])
        self._tasks: Mapping[str, ParserContext] = {
            str(name): task for task in tasks for name in (task.name, *task.aliases)
        }
        self._core, self._context = core, core
        self._task = ""
        self._waiting: Argument | None = None  # the option whose value comes next
        self._given: list[Argument] = []

    def run(self) -> str:
        while self._tokens:
            token = self._tokens.popleft()
            if self._waiting is not None and not self._is_flag_after_option(token):
                self._waiting = None
                continue
            self._waiting = None
            token = self._split(token)
            option = self._option(token)
            if option is not None:
                self._take(option)
            elif self._task and token.startswith("-"):
                if self._is_help(token):
                    return self._task
                self._take(self._option_of_program(token))
            elif missing := self._missing():
                self._given.append(missing)
            elif token in self._tasks:
                if self._task:
                    refuse_two_tasks(self._task, token)
                self._task, self._context, self._given = token, self._tasks[token], []
            else:
                break
        return ""

    def _is_flag_after_option(self, token: str) -> bool:
        """Return whether a token where a value is due is an option all the same."""
        optional = self._waiting is not None and self._waiting.optional
        return self._option(token.partition("=")[0] if optional else token) is not None

    def _split(self, token: str) -> str:
        """Return the option of ``--a=b``, ``-ab`` and ``-aVALUE``, and put back the rest."""
        if not token.startswith("-"):
            return token
        if "=" in token:
            token, _, value = token.partition("=")
            self._tokens.appendleft(value)
        elif not token.startswith("--") and len(token) > 2:  # noqa: PLR2004 - a dash and a letter
            token, rest = token[:2], token[2:]
            option = self._option(token)
            takes_value = option is not None and option.takes_value
            self._tokens.extendleft([rest] if takes_value else [f"-{c}" for c in reversed(rest)])
        return token

    def _option(self, token: str) -> Argument | None:
        flag = self._context.inverse_flags.get(token, token)
        return self._context.flags[flag] if flag in self._context.flags else None  # noqa: SIM401 - get() knows no second names

    def _missing(self) -> Argument | None:
        """Return the next positional argument that has no value yet."""
        for argument in self._context.positional_args:
            if argument.value is None and argument not in self._given:
                return argument
        return None

    def _take(self, option: Argument) -> None:
        many = option.kind is list or option.incrementable
        if option in self._given and not many:
            raise UsageError(f"--{option.names[0]} is given more than once. Give it once.")
        self._given.append(option)
        self._waiting = option if option.takes_value else None

    def _is_help(self, token: str) -> bool:
        return token in self._core.flags and self._core.flags[token].name == HELP

    def _option_of_program(self, token: str) -> Argument:
        """Return an option that is none of the task's; raises UsageError for a short one."""
        if token not in self._core.flags or not token.startswith("--"):
            like = _like(token, self._context.flags)
            raise UsageError(f"{token} is not an option of {self._task}.{like}")
        option: Argument = self._core.flags[token]
        return option
