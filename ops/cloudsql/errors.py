"""What the Admin API refuses, and what becomes of an operation, as sentences."""

from http import HTTPStatus

from ops.cloudsql.model import Operation
from ops.errors import OpsError

LOG_IN = "Log in again: `gcloud auth application-default login`."


class ApiError(OpsError):
    """The Admin API refused a call.

    Attributes:
        status: the HTTP status.
        reason: the API's word for it, by which callers tell cases apart.
        retry_after_s: how long the API asks to wait before the next try; 0 where it doesn't.
    """

    def __init__(
        self, call: str, status: int, reason: str, message: str, retry_after_s: float = 0.0
    ) -> None:
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s
        sentence = f"Cloud SQL refused to {call}: {message.rstrip('.')} ({reason})."
        super().__init__(f"{sentence} {_remedy(status, reason, message)}".rstrip())


def _remedy(status: int, reason: str, message: str) -> str:
    """Return what to do about a refusal; empty where its own words say it."""
    if status == HTTPStatus.UNAUTHORIZED:
        return LOG_IN
    if status == HTTPStatus.FORBIDDEN and "quota" in f"{reason} {message}".lower():
        return "Remove what is not needed, or have the project's quota raised."
    if status == HTTPStatus.FORBIDDEN:
        return "Grant the account that runs this the Cloud SQL role that the call needs."
    return ""


class ExpiredCredentialsError(OpsError):
    """The Google credentials were good once."""

    def __init__(self, call: str) -> None:
        super().__init__(f"The Google credentials were refused on the way to {call}. {LOG_IN}")


class NoSuchInstanceError(OpsError):
    """The project has no instance of that name."""

    def __init__(self, project: str, name: str) -> None:
        super().__init__(
            f"There is no instance {name!r} in project {project}. "
            "Provision it with `pulumi up` (local: `invoke local.deploy`), or correct the stack's "
            "`ai-square-db:instance`."
        )


class UnreachableError(OpsError):
    """Nothing answers at the Admin API's address."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(
            f"The Cloud SQL Admin API at {endpoint} does not answer. "
            "For the local one run `invoke local.up`; else check the network."
        )


class NoCredentialsError(OpsError):
    """There are no Google credentials on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "There are no Google credentials here. Run `gcloud auth application-default login`, "
            "or run where a service account is attached."
        )


# The local Cloud SQL was stopped while the operation ran.
_INTERRUPTED = "OPERATION_INTERRUPTED"


class OperationFailedError(OpsError):
    """An operation ended with an error.

    Attributes:
        operation: as it ended.
        interrupted: whether the service went away under it: that says nothing of the data.
    """

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.interrupted = any(code == _INTERRUPTED for code, _ in operation.errors)
        text = "; ".join(f"{code}: {message}" for code, message in operation.errors)
        super().__init__(
            f"Cloud SQL's operation {operation.type} on {operation.instance} failed: "
            f"{text.rstrip('.')} (operation {operation.id})."
        )


class WaitTimeoutError(OpsError):
    """An operation still runs when our patience ends."""

    def __init__(self, operation: Operation, limit_s: float) -> None:
        self.operation = operation
        super().__init__(
            f"Operation {operation.id} ({operation.type} on {operation.instance}) still runs after "
            f"{limit_s:.0f} s and goes on. Follow it with `gcloud sql operations wait "
            f"{operation.id}`."
        )
