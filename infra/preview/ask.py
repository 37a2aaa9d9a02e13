"""From the words of `invoke preview` to its answer."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.preview.markdown import document
from infra.preview.page import page
from infra.preview.review import against_base
from infra.preview.revision import NoRevisionError, resolve
from infra.preview.show import Shown
from infra.preview.text import sections
from infra.preview.verdict import FAIL_ON, Preview, fail_on
from infra.stackfile import ROOT
from ops import guard
from ops import target as targets
from ops.console import Progress, to_json
from ops.errors import BadInputError, OpsError

BASES = ("origin/main", "main", "origin/master", "master")
MARKER = "<!-- ai-square-db preview -->"
LIVE = "live"
REPORT = "report.md"
REPORTS = ("report.json", REPORT, "report.html")
TWO = 2


class TwoQuestionsError(BadInputError):
    """More than one thing to compare with was named."""

    def __init__(self) -> None:
        super().__init__("--base, --against and --between exclude each other: give one of them.")


class BadComparisonError(BadInputError):
    """What to compare with can't be read."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}. Write `--against live`, or `--between staging,prod`.")


class CannotWriteError(OpsError):
    """The reports can't be written."""

    def __init__(self, folder: str, why: str) -> None:
        super().__init__(f"The reports can't be written to {folder}: {why}. Name another --out.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, word by word; empty where it was not."""

    stack: str
    base: str
    against: str
    between: str
    fail_on: str
    engine: bool
    out: str
    yes: bool = False


def answer(typed: Asked, progress: Progress) -> Shown:
    """Compare what was asked for; write the reports where a folder is named.

    Raises:
        TwoQuestionsError: More than one thing to compare with.
        BadComparisonError: What to compare with can't be read.
        CannotWriteError: The folder can't be written.
        ops.guard.DeclinedError, ops.guard.UnansweredError: Files that are not ours are there.
        ops.errors.OpsError: As the comparison raises.
    """
    if sum(map(bool, (typed.base, typed.against, typed.between))) > 1:
        raise TwoQuestionsError
    _approve_overwriting(typed)
    with progress.phase("Run the program of both sides"):
        comparison = _compare(typed)(typed)
    return Shown(comparison, _write(comparison, typed.out) if typed.out else ())


def _compare(typed: Asked) -> Callable[[Asked], Preview]:
    if typed.against:
        return _live
    return _between if typed.between else _base


def _base(typed: Asked) -> Preview:
    stack = typed.stack or os.environ.get("INVOKE_STACK", "")
    return against_base(
        typed.base or _default(),
        (stack,) if stack else (),
        fail_on(typed.fail_on or FAIL_ON),
        with_engine=typed.engine,
    )


def _default() -> str:
    """Return the branch that pull requests usually go to."""
    for name in BASES:
        try:
            resolve(ROOT, name)
        except NoRevisionError:
            continue
        return name
    raise NoRevisionError("main", "the repository has no branch of that name; give --base")


def _live(typed: Asked) -> Preview:
    from infra.preview.live import against_live

    if typed.against != LIVE:
        raise BadComparisonError(f"--against {typed.against!r} is nothing to compare with")
    return against_live(targets.load(typed.stack), fail_on(typed.fail_on or FAIL_ON))


def _between(typed: Asked) -> Preview:
    from infra.preview.pair import between

    names = [name.strip() for name in typed.between.split(",") if name.strip()]
    if len(names) != TWO:
        raise BadComparisonError(f"--between {typed.between!r} names no two stacks")
    return between(names[0], names[1])


def _approve_overwriting(typed: Asked) -> None:
    """Ask before files are overwritten that are no earlier reports."""
    folder = Path(typed.out).expanduser()
    present = [name for name in REPORTS if typed.out and (folder / name).exists()]
    if not present:
        return
    try:
        earlier = (folder / REPORT).read_text(encoding="utf-8", errors="replace")
    except OSError:
        earlier = ""
    if MARKER not in earlier:
        action = f"overwrite {', '.join(present)} in {folder}, which no preview made"
        guard.ask(action, yes=typed.yes)


def _write(comparison: Preview, out: str) -> tuple[str, ...]:
    folder = Path(out).expanduser()
    texts = {
        "report.json": to_json(Shown(comparison)),
        "report.md": document(sections(comparison), MARKER),
        "report.html": page(comparison),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotWriteError(out, error.strerror or str(error)) from error
    return tuple(str(folder / name) for name in texts)
