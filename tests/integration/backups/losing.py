"""A proxy before the Admin API that carries a change out and loses its answer."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Loss(StrEnum):
    """What becomes of the answer to a change."""

    CUT = "cut"
    HALF = "half"
    PAGE = "page"
    NAMELESS = "nameless"
    REQUEST_TIMEOUT = "408"
    BUG = "500"
    BAD_GATEWAY = "502"
    OVERLOADED = "503"
    GATEWAY_TIMEOUT = "504"


class Losing:
    """What the proxy does, and what it did.

    Attributes:
        loss: of the answer to the next change; None for none.
        before: whether the change is lost too, before it is carried out.
        away: whether nobody answers from the next loss on.
        changes: how many changes were carried out.
        url: the proxy's.
    """

    def __init__(self) -> None:
        self.loss: Loss | None = None
        self.before = self.away = self.silent = False
        self.changes = 0
        self.url = ""

    @property
    def is_armed(self) -> bool:
        """Return whether the next change loses its answer."""
        return self.loss is not None

    def heal(self) -> None:
        """Be a network again."""
        self.loss, self.before, self.away, self.silent, self.changes = None, False, False, False, 0


class _Handler(BaseHTTPRequestHandler):
    state: Losing
    address: str

    def _answer(self) -> None:
        state, body = self.state, self.rfile.read(int(self.headers.get("Content-Length") or 0))
        loss = state.loss if self.command != "GET" else None
        if state.silent:
            self._lose(Loss.CUT, b"")
            return
        if loss is not None:
            state.loss, state.silent = None, state.away
        if loss is not None and state.before:
            self._lose(loss, b"{}")
            return
        status, content = self._forward(body)
        if loss is None:
            self._send(status, content, len(content))
        else:
            self._lose(loss, content)

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection(self.address)) as connection:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
        if self.command != "GET" and answer.status < 300:
            self.state.changes += 1
        return answer.status, content

    def _lose(self, loss: Loss, content: bytes) -> None:
        answers = {
            Loss.HALF: (200, content[: len(content) // 2], len(content)),
            Loss.PAGE: (200, b"<html>Please wait", 17),
            Loss.NAMELESS: (200, b"{}", 2),
        }
        if loss in answers:
            self._send(*answers[loss])
        elif loss is not Loss.CUT:
            self._send(int(loss), b"<html>Oops", 10)
        self.close_connection = True

    def _send(self, status: int, content: bytes, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        pass


@contextmanager
def losing(to: str) -> Iterator[Losing]:
    """Yield a proxy before the server at an address."""
    state = Losing()
    handler = type("Handler", (_Handler,), {"state": state, "address": urlsplit(to).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
