"""A repository's pull requests and their comments, through GitHub's REST API."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from infra.preview.refusals import (
    BadRepositoryError,
    NotPermittedError,
    NotThereError,
    UnexpectedAnswerError,
)
from infra.preview.transport import Transport

PER_PAGE = 100  # the most that the API gives
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}$)[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Who wrote a comment.

    Attributes:
        login: As ``octocat`` or ``github-actions[bot]``.
        bot: Whether it is an app's.
    """

    login: str
    bot: bool


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment of a pull request."""

    id: int
    author: Account
    body: str


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request.

    Attributes:
        number: Of it.
        head: The newest commit.
        repository: That the head is in, as ``owner/name``; empty where it was deleted.
        open: Whether it can still be merged.
    """

    number: int
    head: str
    repository: str
    open: bool


@dataclass(frozen=True, slots=True)
class GitHub:
    """One repository.

    Attributes:
        repository: As ``owner/name``.
        transport: How it is called.
    """

    repository: str
    transport: Transport

    def __post_init__(self) -> None:
        """Check what becomes part of every address; raises BadRepositoryError."""
        if not _REPOSITORY.fullmatch(self.repository):
            raise BadRepositoryError(self.repository)

    def whoami(self) -> Account | None:
        """Return whose token this is; None for an app's, which the API does not tell."""
        try:
            user = self.transport.json("GET", "/user", "say whose token this is")
        except NotPermittedError:
            return None
        return _account(user)

    def pull(self, number: int) -> Pull:
        """Return a pull request."""
        return _pull(self.transport.json("GET", f"{self._base}/pulls/{number}", f"find #{number}"))

    def pulls(self, owner: str, branch: str) -> tuple[Pull, ...]:
        """Return the open pull requests whose head is a branch of an owner's repository."""
        query = urlencode({"state": "open", "head": f"{owner}:{branch}", "per_page": PER_PAGE})
        path = f"{self._base}/pulls?{query}"
        return tuple(map(_pull, self.transport.pages(path, "list the pull requests of a branch")))

    def comments(self, number: int) -> Iterator[Comment]:
        """Yield every comment of a pull request, the oldest first, from all pages."""
        path = f"{self._base}/issues/{number}/comments?per_page={PER_PAGE}"
        yield from map(_comment, self.transport.pages(path, f"list the comments of #{number}"))

    def comment(self, identity: int) -> Comment:
        """Return a comment as it is now."""
        path = f"{self._base}/issues/comments/{identity}"
        return _comment(self.transport.json("GET", path, f"read comment {identity}"))

    def create(self, number: int, body: str) -> Comment:
        """Post a comment; not repeated, since two tries may make two comments."""
        path = f"{self._base}/issues/{number}/comments"
        return _comment(
            self.transport.json("POST", path, f"comment on #{number}", {"body": body}, tries=1)
        )

    def update(self, identity: int, body: str) -> Comment:
        """Replace a comment's text."""
        path = f"{self._base}/issues/comments/{identity}"
        return _comment(
            self.transport.json("PATCH", path, f"update comment {identity}", {"body": body})
        )

    def delete(self, identity: int) -> None:
        """Delete a comment; one that is gone is deleted."""
        try:
            path = f"{self._base}/issues/comments/{identity}"
            self.transport.call("DELETE", path, f"delete comment {identity}")
        except NotThereError:
            return

    @property
    def _base(self) -> str:
        return f"/repos/{quote(self.repository)}"


def _account(fields: Any) -> Account:  # noqa: ANN401 - JSON
    try:
        return Account(str(fields["login"]), bot=fields.get("type") == "Bot")
    except (TypeError, KeyError, AttributeError):
        return Account("", bot=False)  # a deleted account's comment has no user


def _comment(fields: Any) -> Comment:  # noqa: ANN401 - JSON
    try:
        return Comment(int(fields["id"]), _account(fields.get("user")), fields.get("body") or "")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UnexpectedAnswerError("read a comment", "it is none") from error


def _pull(fields: Any) -> Pull:  # noqa: ANN401 - JSON
    try:
        head = fields["head"]
        repository = (head.get("repo") or {}).get("full_name", "")
        return Pull(int(fields["number"]), str(head["sha"]), repository, fields["state"] == "open")
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UnexpectedAnswerError("read a pull request", "it is none") from error
