"""What every request passes: who may ask, what a body may be, and how an answer is written."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from infra.local.api.errors import ApiError
from infra.local.model import Body

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BODY_LIMIT_BYTES = 1_000_000
_HEADERS = {"cache-control": "private", "x-content-type-options": "nosniff"}


def check_caller(headers: Mapping[str, str]) -> None:
    """Let in who addresses this machine and carries a token; the token is not looked at.

    A browser that a foreign page sends here has neither: its Host header is that of the
    page's own name when the name was bent to 127.0.0.1, and it can't add a token.

    Raises:
        ApiError: 403 for another host or a page of another host, 401 without a token.
    """
    if not _is_loopback(headers.get("host", "")):
        raise ApiError(403, "forbidden", "The local Cloud SQL answers to loopback hosts alone.")
    origin = headers.get("origin")
    if origin is not None and not _is_loopback(origin.partition("://")[2]):
        raise ApiError(403, "forbidden", "The local Cloud SQL answers no page of another site.")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(
            401,
            "required",
            "Login Required: send a bearer token; here one of any value is accepted.",
        )


def _is_loopback(authority: str) -> bool:
    try:
        return urlsplit(f"//{authority}").hostname in _LOOPBACK
    except ValueError:
        return False


async def read_json(request: Request) -> object:
    """Return a request's body; an empty object where there is none.

    Raises:
        ApiError: 400 for what is not JSON, 413 for more of it than a request needs.
    """
    text = b""
    async for chunk in request.stream():
        text += chunk
        if len(text) > _BODY_LIMIT_BYTES:
            raise ApiError(413, "uploadTooLarge", "Request payload size exceeds the limit.")
    if not text.strip():
        return {}
    try:
        found: object = json.loads(text)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # fails for half a character
    except (ValueError, RecursionError):
        raise ApiError(400, "parseError", "Invalid JSON payload received: Parse Error.") from None
    return found


def answer_of(body: Body, code: int = 200, *, pretty: bool = True) -> Response:
    """Return an answer, indented as the API's are unless prettyPrint=false asks otherwise."""
    text = json.dumps(body, ensure_ascii=False, indent=2 if pretty else None)
    return Response(
        f"{text}\n", code, headers=_HEADERS, media_type="application/json; charset=UTF-8"
    )
