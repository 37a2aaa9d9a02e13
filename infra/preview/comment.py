"""The one comment of a pull request: found again, replaced in place, never by an older run.

GitHub changes a comment unconditionally (If-Match is not read), so two runs at once are
settled afterwards, by rules that both follow whatever the other has done: the comment
with the lowest id stays, the newest run's text wins, the others go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from infra.preview.github import Account, Comment, GitHub, Pull
from infra.preview.refusals import NotThereError, UnavailableError
from infra.preview.stamp import Stamp, Subject, marker, stamp_of
from ops.console import Table
from ops.errors import OpsError

# Whom comments made with a workflow's GITHUB_TOKEN are by. Brackets are in no person's login.
ACTIONS = "github-actions[bot]"
CREATE_TRIES = 3
CREATE_PAUSE_S = 5.0

Text = Callable[[str], str]  # from the hidden first line to the comment's whole Markdown


class NotHeadError(OpsError):
    """A commit that is not the newest was previewed by hand."""

    def __init__(self, commit: str, pull: Pull) -> None:
        super().__init__(
            f"{commit[:12]} is not the newest commit of #{pull.number} ({pull.head[:12]} is)."
            " Preview that one, or say with --run which workflow run this is."
        )


class Done(StrEnum):
    """What became of a comment."""

    CREATED = "created"
    UPDATED = "updated"
    OUTDATED = "left, since a newer commit or run has it"
    NOWHERE = "not posted, since no open pull request has this commit's branch"


@dataclass(frozen=True, slots=True)
class Posted:
    """The outcome.

    Attributes:
        done: What became of the comment.
        pull: The pull request's number; None where there is none.
        comment: The comment's id; None where there is none.
        removed: How many others of the same subject were deleted.
    """

    done: Done
    pull: int | None = None
    comment: int | None = None
    removed: int = 0

    def blocks(self) -> Sequence[Table | str]:
        """Return one line."""
        where = "" if self.pull is None else f" of #{self.pull}"
        removed = f" Duplicates deleted: {self.removed}." if self.removed else ""
        return (f"The comment{where} was {self.done}.{removed}",)


@dataclass(frozen=True, slots=True)
class _Own:
    """A comment of the subject, by us."""

    comment: Comment
    stamp: Stamp


def post(
    github: GitHub, pull: Pull, subject: Subject, stamp: Stamp, text: Text, author: str = ""
) -> Posted:
    """Post or replace a pull request's comment of a subject.

    Args:
        github: The repository.
        pull: The pull request, as it was when the run looked it up.
        subject: Whose comment it is.
        stamp: Of this run; without a number it must be of the newest commit.
        text: Makes the Markdown.
        author: Login that our comments are by; empty for the token's own.

    Raises:
        NotHeadError: No run's number was given, and the commit is not the newest.
        infra.preview.refusals.GitHubError: GitHub refuses, or can't be asked.
    """
    account = Account(author, bot=author.endswith("[bot]")) if author else _own_account(github)
    by_hand = stamp.run == 0
    if by_hand and pull.head != stamp.commit:
        raise NotHeadError(stamp.commit, pull)
    comments = _own_comments(github, pull.number, subject, account)
    if comments and by_hand:
        newest = max(own.stamp.order for own in comments)
        stamp = Stamp(stamp.commit, *newest)
    if comments and (_newer(comments, stamp) or pull.head != stamp.commit):
        done = Done.OUTDATED
    else:
        body = text(marker(subject, stamp))
        done = _replace(github, comments, subject, stamp, body) or Done.CREATED
        if done is Done.CREATED:
            # What the API did not tell before: whom the token of some app posts as.
            account = _create(github, pull.number, subject, stamp, body, account)
    comment, removed = _settle(github, _own_comments(github, pull.number, subject, account))
    return Posted(done, pull.number, comment, removed)


def _own_account(github: GitHub) -> Account:
    return github.whoami() or Account(ACTIONS, bot=True)


def _own_comments(github: GitHub, number: int, subject: Subject, account: Account) -> list[_Own]:
    """Return our comments of the subject, the lowest id first.

    Anybody may copy the hidden line; nobody else can write as this account.
    """
    comments = []
    for comment in github.comments(number):
        stamp = stamp_of(comment.body, subject)
        same = comment.author.login.lower() == account.login.lower()
        if stamp is not None and same and comment.author.bot == account.bot:
            comments.append(_Own(comment, stamp))
    return sorted(comments, key=lambda own: own.comment.id)


def _newer(comments: Sequence[_Own], stamp: Stamp) -> bool:
    return any(own.stamp.order > stamp.order for own in comments)


def _replace(
    github: GitHub, comments: Sequence[_Own], subject: Subject, stamp: Stamp, body: str
) -> Done | None:
    """Replace the first comment; None where there is none, or it was deleted meanwhile."""
    if not comments:
        return None
    identity = comments[0].comment.id
    try:
        now = stamp_of(github.comment(identity).body, subject)
        if now is not None and now.order > stamp.order:
            return Done.OUTDATED
        github.update(identity, body)
    except NotThereError:
        return None
    return Done.UPDATED


def _create(
    github: GitHub, number: int, subject: Subject, stamp: Stamp, body: str, account: Account
) -> Account:
    """Post a comment once, though answers may be lost; return whom it is by."""
    for left in reversed(range(CREATE_TRIES)):
        try:
            return github.create(number, body).author
        except UnavailableError:
            # It may be there in spite of that: another one would be a duplicate.
            if any(own.stamp == stamp for own in _own_comments(github, number, subject, account)):
                break
            if not left:
                raise
            github.transport.wait(CREATE_PAUSE_S)
    return account


def _settle(github: GitHub, comments: Sequence[_Own]) -> tuple[int | None, int]:
    """Leave one comment with the newest text; return its id and how many others were deleted."""
    if not comments:
        return None, 0
    first, *others = comments
    newest = max(comments, key=lambda own: (own.stamp.order, -own.comment.id))
    if newest is not first:
        github.update(first.comment.id, newest.comment.body)
    for other in others:
        github.delete(other.comment.id)
    return first.comment.id, len(others)
