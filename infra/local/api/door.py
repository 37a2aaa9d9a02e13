"""What every request passes: who may ask, what a body may be, and how an answer is written."""

import json
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from infra.local.api.errors import ApiError
from infra.local.model import Body

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BODY_LIMIT_BYTES = 1_000_000
_GZIP = ("gzip", "x-gzip")
_GZIP_FORMAT = 16 + zlib.MAX_WBITS  # zlib's number for gzip's header and trailer alone
_FORM = "application/x-www-form-urlencoded"
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
        ApiError: As for ``read_body``, and 400 for what is not JSON.
    """
    return parse_json(await read_body(request))


def parse_json(text: bytes) -> object:
    """Return what a body's text means; an empty object where there is none.

    Raises:
        ApiError: 400 for what is not JSON.
    """
    if not text.strip():
        return {}
    try:
        value: object = json.loads(text)
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # fails for half a character
    except (ValueError, RecursionError):
        raise ApiError(400, "parseError", "Invalid JSON payload received: Parse Error.") from None
    return value


async def read_body(request: Request) -> bytes:
    """Return a request's body, decompressed.

    Raises:
        ApiError: 413 for more of it than a request needs, before and after decompression;
            415 for an encoding other than gzip, 400 for a body that is not in its encoding.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT_BYTES:
            raise _too_large()
    if not body or encoding in ("", "identity"):
        return body
    if encoding not in _GZIP:
        raise ApiError(
            415,
            "unsupportedMediaType",
            f"Content-Encoding {encoding:.80} is not supported. Send the body as gzip, or plain.",
        )
    return _decompress(body)


def _decompress(body: bytes) -> bytes:
    """Return the content of a body in gzip's format."""
    decompressor = zlib.decompressobj(_GZIP_FORMAT)
    try:
        # One byte more than the limit shows that it is exceeded, however much would follow.
        content = decompressor.decompress(body, _BODY_LIMIT_BYTES + 1)
    except zlib.error:
        raise _not_gzip() from None
    if len(content) > _BODY_LIMIT_BYTES:
        raise _too_large()
    if not decompressor.eof or decompressor.unused_data:
        raise _not_gzip()
    return content


def _too_large() -> ApiError:
    return ApiError(413, "uploadTooLarge", "Request payload size exceeds the limit.")


def _not_gzip() -> ApiError:
    return ApiError(
        400, "badRequest", "The request body is not valid gzip, as its Content-Encoding names it."
    )


def has_query(request: Request) -> bool:
    """Return whether a request's body is a query: a POST that means GET, with a long one.

    Google's clients send what makes an address longer than 2,048 characters in this way.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "GET" and kind == _FORM


def parse_query(body: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a query that is a request's body."""
    return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)


def answer_of(body: Body, code: int = 200, *, pretty: bool = True) -> Response:
    """Return an answer, indented as the API's are unless prettyPrint=false asks otherwise."""
    text = json.dumps(body, ensure_ascii=False, indent=2 if pretty else None)
    return Response(
        f"{text}\n", code, headers=_HEADERS, media_type="application/json; charset=UTF-8"
    )
