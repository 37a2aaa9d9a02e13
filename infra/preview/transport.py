"""Calls of GitHub's REST API: the token, the waits, and what is said when it refuses.

The token goes into one header, only ever to the API's own host, and into no message.
"""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from infra.preview.refusals import (
    API,
    BadApiUrlError,
    GitHubError,
    LimitedError,
    LockedError,
    NotPermittedError,
    NotTakenError,
    NotThereError,
    TokenMissingError,
    TokenRefusedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from ops.statuses import DOUBTFUL

VERSION = "2022-11-28"  # https://docs.github.com/en/rest/about-the-rest-api/api-versions
PAGES = 100  # GitHub takes 2,500 comments an issue: a list that goes on and on is none of its own
ANSWER_LIMIT_S = 30.0
TRIES = 5
MOVES = 3  # a repository that was renamed is redirected once
BACKOFF_S = 1.0  # doubled with each try
# "Wait for at least one minute before retrying" after a secondary limit without Retry-After:
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
SECONDARY_WAIT_S = 60.0
PATIENCE_S = 180.0  # all waits of one call together
_MOVED = frozenset({301, 302, 307, 308})
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib would send the token to wherever an answer points."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


@dataclass(slots=True)
class Transport:
    """The API of one GitHub, with one token.

    Attributes:
        token: Sent in the header of every call.
        api: Where the API is, without a last slash.
        wait: Lets so many seconds pass.
    """

    token: str = field(repr=False)
    api: str = API
    wait: Callable[[float], None] = time.sleep
    _opener: urllib.request.OpenerDirector = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check what decides where the token goes; raises BadInputError."""
        if not self.token:
            raise TokenMissingError
        self.api = self.api.rstrip("/")
        parts = urlsplit(self.api)
        loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parts.hostname or not (parts.scheme == "https" or loopback):
            raise BadApiUrlError(self.api)
        # Proxies set for the machine can't see loopback.
        proxies = [urllib.request.ProxyHandler({})] if loopback else []
        self._opener = urllib.request.build_opener(_Stay, *proxies)

    def pages(self, path: str, what: str) -> Iterator[Any]:
        """Yield the entries of a list from all of its pages.

        Args:
            path: Of the API, with its query.
            what: What is being done, for messages.

        Raises:
            GitHubError: GitHub refuses, can't be asked, or gives no list of pages.
        """
        url, seen = self.api + path, set[str]()
        while url:
            seen.add(url)
            answer = self._call("GET", url, what)
            page = _parsed(answer, what)
            if not isinstance(page, list):
                raise UnexpectedAnswerError(what, "it is no list")
            yield from page
            link = _NEXT.search(answer.headers.get("link", ""))
            url = "" if link is None else link[1]
            if url and not self._is_of_api(url):
                raise UnexpectedAnswerError(what, "its next page is elsewhere")
            if url in seen or len(seen) > PAGES:
                raise UnexpectedAnswerError(what, "its pages have no end")

    def json(
        self, method: str, path: str, what: str, body: object = None, tries: int = TRIES
    ) -> Any:  # noqa: ANN401 - JSON
        """Return what a call answers; see `call`."""
        return _parsed(self.call(method, path, what, body, tries), what)

    def call(
        self, method: str, path: str, what: str, body: object = None, tries: int = TRIES
    ) -> Answer:
        """Return a good answer, after waits where GitHub asks for them or breaks down.

        Args:
            method: Of HTTP.
            path: Of the API.
            what: What is being done, for messages.
            body: Sent as JSON.
            tries: How often where GitHub breaks down. A limit of rates refuses before anything
                is done: after it every call is made again, as long as patience lasts.

        Raises:
            GitHubError: GitHub refuses, or can't be asked.
        """
        return self._call(method, self.api + path, what, body, tries)

    def _call(
        self, method: str, url: str, what: str, body: object = None, tries: int = TRIES
    ) -> Answer:
        waited, broken, moves = 0.0, 0, 0
        while True:
            try:
                answer = self._once(method, url, body)
            except (OSError, http.client.HTTPException) as error:
                why, pause = _broken(error), BACKOFF_S * 2**broken
                broken += 1
            else:
                if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    return answer
                if answer.status in _MOVED and moves < MOVES:
                    moves += 1
                    url = self._moved(answer, what)
                    continue
                limited = _limited(answer)
                if answer.status in DOUBTFUL:
                    pause_asked = _number(answer.headers.get("retry-after")) or 0.0
                    why = f"it answers {answer.status}"
                    pause = max(pause_asked, BACKOFF_S * 2**broken)
                    broken += 1
                elif limited is None:
                    raise self._refused(answer, what)
                elif waited + limited > PATIENCE_S:
                    raise LimitedError(what, limited)
                else:
                    why, pause = "its rate limit is used up", limited
            waited += pause
            if broken >= tries or waited > PATIENCE_S:
                raise UnavailableError(what, why)
            self.wait(pause)

    def _once(self, method: str, url: str, body: object) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": VERSION,
            "User-Agent": "ai-square-db",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - its host is checked: __post_init__, _ours
        try:
            with self._opener.open(request, timeout=ANSWER_LIMIT_S) as answer:
                return _read(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return _read(answer)

    def _is_of_api(self, url: str) -> bool:
        target, own = urlsplit(url), urlsplit(self.api)
        return (target.scheme, target.netloc) == (own.scheme, own.netloc)

    def _moved(self, answer: Answer, what: str) -> str:
        to = answer.headers.get("location", "")
        if not self._is_of_api(to):
            raise UnexpectedAnswerError(what, "it points elsewhere")
        return to

    def _refused(self, answer: Answer, what: str) -> GitHubError:
        message = self._safe(_message(answer))
        detail = f": {message}" if message else ""
        match answer.status:
            case HTTPStatus.UNAUTHORIZED:
                return TokenRefusedError()
            case HTTPStatus.FORBIDDEN if "locked" in message.lower():
                return LockedError(what)
            case HTTPStatus.FORBIDDEN:
                accepted = answer.headers.get("x-accepted-github-permissions", "")
                return NotPermittedError(what, self._safe(accepted), detail)
            case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
                return NotThereError(what, answer.status)
            case HTTPStatus.UNPROCESSABLE_ENTITY:
                return NotTakenError(what, detail)
        return UnexpectedAnswerError(what, f"it says {answer.status}{detail}")

    def _safe(self, text: str) -> str:
        """Return a foreign text as one short line without the token."""
        line = " ".join(text.replace(self.token, "***").split())
        return "".join(character for character in line if character.isprintable())[:200]


def _read(answer: http.client.HTTPResponse | urllib.error.HTTPError) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(answer.status or 0, headers, answer.read())


def _parsed(answer: Answer, what: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise UnexpectedAnswerError(what, "it is no JSON") from error


def _message(answer: Answer) -> str:
    """Return the API's own words about a refusal; empty where it has none."""
    try:
        document = json.loads(answer.body)
        parts = [document["message"], *(error["message"] for error in document.get("errors", ()))]
    except (ValueError, TypeError, KeyError, AttributeError):
        parts = re.findall(rb'"message"\s*:\s*"([^"]*)"', answer.body)[:1]
        return b"".join(parts).decode(errors="replace")
    return "; ".join(map(str, parts))


def _limited(answer: Answer) -> float | None:
    """Return how long to wait where a limit of rates refused; None where something else did."""
    if answer.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    if (after := _number(answer.headers.get("retry-after"))) is not None:
        return after
    if answer.headers.get("x-ratelimit-remaining") == "0":
        reset = _number(answer.headers.get("x-ratelimit-reset"))
        return SECONDARY_WAIT_S if reset is None else max(0.0, reset - time.time()) + 1
    secondary = "rate limit" in _message(answer).lower()
    if secondary or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return SECONDARY_WAIT_S
    return None


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _broken(error: OSError | http.client.HTTPException) -> str:
    """Return why a connection broke, without an address: a proxy's may have a password in it."""
    reason = getattr(error, "reason", None)
    inner = reason if isinstance(reason, Exception) else error
    return f"the connection broke ({type(inner).__name__})"
