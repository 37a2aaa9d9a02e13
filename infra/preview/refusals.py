"""What GitHub refuses, as sentences with a remedy; never with the token in them."""

from ops.errors import BadInputError, OpsError

API = "https://api.github.com"


class GitHubError(OpsError):
    """GitHub refused, or could not be asked."""


class TokenMissingError(BadInputError):
    """There is no token."""

    def __init__(self) -> None:
        super().__init__(
            "There is no token for GitHub's API. Set GITHUB_TOKEN; in a workflow:"
            " env: GITHUB_TOKEN: ${{ github.token }}."
        )


class BadRepositoryError(BadInputError):
    """It is no name of a repository."""

    def __init__(self, value: str) -> None:
        super().__init__(f"{value!r} is no repository. Write it as OWNER/NAME.")


class BadApiUrlError(BadInputError):
    """The token may not be sent there."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"GITHUB_API_URL is {url!r}: the token goes to https addresses alone."
            f" Leave it unset for {API}."
        )


class TokenRefusedError(GitHubError):
    """401."""

    def __init__(self) -> None:
        super().__init__(
            "GitHub does not accept GITHUB_TOKEN (401): it is wrong, expired or revoked."
            " Give the job a new one."
        )


class NotPermittedError(GitHubError):
    """403, and no limit of rates."""

    def __init__(self, what: str, accepted: str, answer: str) -> None:
        needs = accepted or "pull_requests=write (in a workflow: permissions: pull-requests: write)"
        super().__init__(
            f"GITHUB_TOKEN may not {what} (403{answer}). It needs one of these permissions:"
            f" {needs}."
        )


class LockedError(GitHubError):
    """403 of a conversation that takes no comments."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"GitHub does not {what}: its conversation is locked. Unlock it, or read the report"
            " in the run's artifact."
        )


class NotThereError(GitHubError):
    """404 or 410: also what the token may not read."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(
            f"GitHub can't {what} ({status}): it is not there, or the token may not read the"
            " repository. Check --repo, --pr and the token's repositories."
        )


class NotTakenError(GitHubError):
    """422: GitHub read it and did not take it."""

    def __init__(self, what: str, answer: str) -> None:
        super().__init__(f"GitHub did not {what} (422{answer}). Look at what was sent to it.")


class UnexpectedAnswerError(GitHubError):
    """An answer that is no answer of the API."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"GitHub's answer can't be used: it was asked to {what} and {why}."
            " Is GITHUB_API_URL the address of its API?"
        )


class UnavailableError(GitHubError):
    """GitHub was busy, or the connection broke, until patience ended.

    Whether a call that changes something was carried out is not known.
    """

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"GitHub could not {what}: {why}. Run the job again later.")


class LimitedError(GitHubError):
    """The token's limit of rates lasts longer than patience; nothing was carried out."""

    def __init__(self, what: str, wait_s: float) -> None:
        super().__init__(
            f"GitHub could not {what}: the token's rate limit asks to wait {wait_s:.0f} s."
            " Run the job again after that."
        )
