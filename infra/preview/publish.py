"""From the words of `invoke preview.comment` to the comment."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infra.preview.comment import Done, Posted, post
from infra.preview.github import GitHub, Pull
from infra.preview.markdown import LIMIT, Section, code, document, escape, fit
from infra.preview.received import read
from infra.preview.refusals import API
from infra.preview.stamp import Stamp, Subject, parse_run
from infra.preview.text import sections
from infra.preview.transport import Transport
from infra.preview.verdict import Preview
from infra.stackfile import project_name
from ops.errors import BadInputError, OpsError

ALL = "all"
_URL = re.compile(r"https://[A-Za-z0-9._~:/?%=&+-]{1,500}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_HEAD = re.compile(r"([^/:\s]+/[^/:\s]+):(\S{1,255})")


class BadOptionError(BadInputError):
    """An option can't be meant."""

    def __init__(self, option: str, value: str, remedy: str) -> None:
        super().__init__(f"{option} can't be {value[:80]!r}. {remedy}")


class NothingToPostError(BadInputError):
    """Not exactly one text was named."""

    def __init__(self) -> None:
        super().__init__(
            "Name what to post: --report FILE.json as `invoke preview --out` writes it, or"
            " --markdown FILE of your own; one of them."
        )


class UnreadableError(BadInputError):
    """The Markdown can't be read."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be read: {why}. Name a file of Markdown in UTF-8.")


class WhichPullError(OpsError):
    """A branch has several pull requests."""

    def __init__(self, head: str, numbers: Sequence[int]) -> None:
        listed = ", ".join(f"#{number}" for number in numbers)
        super().__init__(f"{head} has several open pull requests: {listed}. Name one with --pr.")


class ForeignPullError(OpsError):
    """A pull request is not of the branch that the run was of."""

    def __init__(self, number: int, head: str) -> None:
        super().__init__(
            f"#{number} is no open pull request of {head}: nothing was posted. Is its number"
            " from a report that somebody else wrote?"
        )


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, word by word; empty where it was not."""

    stack: str
    report: str
    markdown: str
    repo: str
    pr: str
    head: str
    commit: str
    run: str
    run_url: str
    author: str


def publish(typed: Typed) -> Posted:
    """Post what was asked for.

    Raises:
        ops.errors.BadInputError: An option or a file can't be meant.
        ops.errors.OpsError: GitHub refuses, can't be asked, or knows no such pull request.
    """
    if bool(typed.report) == bool(typed.markdown):
        raise NothingToPostError
    stamp = Stamp(typed.commit, *parse_run(typed.run))
    subject = Subject(project_name(), typed.stack or ALL)
    more = typed.run_url
    if more and not _URL.fullmatch(more):
        raise BadOptionError("--run-url", more, "Give the https address of the run.")
    # Read and checked before GitHub is asked anything.
    if typed.report:
        sections = _sections(read(Path(typed.report)), subject, stamp, more)

        def text(line: str) -> str:
            return document(sections, line, more=more)

    else:
        markdown = _markdown(typed.markdown)

        def text(line: str) -> str:
            return fit(markdown, line, LIMIT, more)

    github = _github(typed)
    pull = _pull(github, typed)
    if pull is None:
        return Posted(Done.NOWHERE)
    return post(github, pull, subject, stamp, text, typed.author)


def _sections(preview: Preview, subject: Subject, stamp: Stamp, more: str) -> Sequence[Section]:
    """Return the report's sections; the first line says of what, and leads to the run."""
    first, *others = sections(preview)
    stack = "" if subject.key == ALL else f", stack {subject.key}"
    title = escape(f"Preview of {subject.project}{stack}")
    run = f", [run]({more})" if more else ""
    summary = f"{first.summary} Commit {code(stamp.commit[:12])}{run}."
    return (replace(first, title=title, summary=summary), *others)


def _markdown(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(path, "it is no UTF-8") from error
    except OSError as error:
        raise UnreadableError(path, error.strerror or type(error).__name__) from error


def _github(typed: Typed) -> GitHub:
    token = os.environ.get("GITHUB_TOKEN", "")
    api = os.environ.get("GITHUB_API_URL") or API
    return GitHub(typed.repo or os.environ.get("GITHUB_REPOSITORY", ""), Transport(token, api))


def _pull(github: GitHub, typed: Typed) -> Pull | None:
    """Return the open pull request; None where there is none (any more).

    With --head GitHub says which pull requests a branch has, and --pr only chooses of them.
    """
    if typed.pr and not _NUMBER.fullmatch(typed.pr):
        raise BadOptionError("--pr", typed.pr, "Give the pull request's number.")
    number = int(typed.pr or 0)
    if not typed.head:
        if not number:
            raise BadOptionError("--pr", typed.pr, "Give the pull request's number, or --head.")
        pull = github.pull(number)
        return pull if pull.open else None
    match = _HEAD.fullmatch(typed.head)
    if match is None:
        raise BadOptionError("--head", typed.head, "Write OWNER/NAME:BRANCH.")
    repository, branch = match.groups()
    pulls = [
        pull
        for pull in github.pulls(repository.split("/")[0], branch)
        if pull.repository.lower() == repository.lower()
    ]
    if not pulls:
        return None
    if number:
        for candidate in pulls:
            if candidate.number == number:
                return candidate
        raise ForeignPullError(number, typed.head)
    if len(pulls) > 1:
        raise WhichPullError(typed.head, [pull.number for pull in pulls])
    return pulls[0]
