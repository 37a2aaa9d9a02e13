"""Errors in the Admin API's shape, all in one place."""

import json
from typing import Any

from infra.local.model import Body

# google.rpc codes beside the HTTP ones, as the API sends them.
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"


class ApiError(Exception):
    """A request that is refused.

    Attributes:
        code: HTTP status.
        reason: What clients tell errors apart by, as ``instanceDoesNotExist``.
        message: A sentence.
        violations: Fields of the request with what is wrong about each.
        headers: Of the response.
    """

    def __init__(
        self, code: int, reason: str, message: str, violations: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.headers: dict[str, str] = {}
        super().__init__(message)

    def body(self) -> Body:
        """Return the response's body."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
            "status": _STATUS.get(self.code, "UNKNOWN"),
        }
        if self.violations:
            violations = [{"field": field, "description": why} for field, why in self.violations]
            error["details"] = [{"@type": _BAD_REQUEST, "fieldViolations": violations}]
        return {"error": error}


def invalid(message: str) -> ApiError:
    """Return the error of a request that can't be meant."""
    return ApiError(400, "invalid", f"Invalid request: {message}")


def unknown_field(name: str, path: str) -> ApiError:
    """Return the error of a field that the message does not have."""
    return _not_json(f"Unknown name {_excerpt(name)} at '{path}': Cannot find field.", path)


def unknown_parameter(name: str) -> ApiError:
    """Return the error of a query parameter that the method does not have."""
    return _not_json(
        f"Unknown name {_excerpt(name)}: Cannot bind query parameter. Field '{name:.80}' could not "
        "be found in request message."
    )


def _not_json(why: str, path: str = "") -> ApiError:
    message = f"Invalid JSON payload received. {why}"
    return ApiError(400, "badRequest", message, violations=((path, message),))


def bad_value(path: str, kind: str, value: object, why: str | None = None) -> ApiError:
    """Return the error of a value that is not of its field's type."""
    message = f"Invalid value at '{path}' ({kind}), {why or _excerpt(value)}"
    return ApiError(400, "badRequest", message, violations=((path, message),))


def _excerpt(value: object) -> str:
    return json.dumps(value, default=str)[:80]


def no_instance() -> ApiError:
    """Return the error of an instance that is not there."""
    return ApiError(404, "instanceDoesNotExist", "The Cloud SQL instance does not exist.")


def not_found(what: str) -> ApiError:
    """Return the error of another thing that is not there."""
    return ApiError(404, "notFound", f"{what} does not exist.")


def in_progress(what: str) -> ApiError:
    """Return the error of an instance that another operation works on."""
    return ApiError(
        409,
        "operationInProgress",
        "Operation failed because another operation was already in progress. "
        f"Try your request after the current operation is complete ({what}).",
    )


def already_exists() -> ApiError:
    """Return the error of an instance name that is taken."""
    return ApiError(409, "instanceAlreadyExists", "The Cloud SQL instance already exists.")


def stale() -> ApiError:
    """Return the error of a settings version that is not the newest."""
    return ApiError(412, "staleData", "Condition does not match.")


def not_valid(why: str) -> ApiError:
    """Return the error of an operation that can't be done to this instance."""
    return ApiError(400, "invalidOperation", f"This operation isn't valid for this instance: {why}")


def unimplemented(method: str) -> ApiError:
    """Return the error of a method that the local Cloud SQL does not have."""
    return ApiError(
        501, "notImplemented", f"The local Cloud SQL does not implement the method {method}."
    )
