"""The Admin API's client against a server that answers what each test wants."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from google.auth.exceptions import RefreshError

from ops.cloudsql import ApiError, CloudSql, ExpiredCredentialsError, UnreachableError
from ops.errors import OpsError

Answer = Callable[[str, str], tuple[int, object]]


class CalledOffError(OpsError):
    """Whoever waits does not want to any more."""

    def __init__(self) -> None:
        super().__init__("Called off.")


def refusal(status: int, reason: str, message: str = "No.") -> tuple[int, object]:
    error = {"message": message, "reason": reason}
    return status, {"error": {"code": status, "message": message, "errors": [error]}}


@contextmanager
def answering(answer: Answer) -> Iterator[CloudSql]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answer(self.command, self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield CloudSql("project", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        (403, "quotaExceeded", "quota raised"),
        (403, "notAuthorized", "Grant the account"),
        (400, "invalid", r"No \(invalid\)\.$"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, reason: str, told: str) -> None:
    with (
        answering(lambda *_: refusal(status, reason)) as cloud,
        pytest.raises(ApiError, match=told) as caught,
    ):
        cloud.delete("db")
    assert caught.value.status == status


def test_credentials_that_are_not_taken_any_more_tell_to_log_in() -> None:
    with (
        answering(lambda *_: refusal(401, "authError")) as cloud,
        pytest.raises(ExpiredCredentialsError, match="application-default login"),
    ):
        cloud.delete("db")


def test_a_wait_for_another_operation_is_told_once_and_can_be_called_off() -> None:
    lines: list[str] = []
    since = time.monotonic()

    def each() -> None:
        if time.monotonic() - since > 1:
            raise CalledOffError

    with (
        answering(lambda *_: refusal(409, "operationInProgress")) as cloud,
        pytest.raises(CalledOffError),
    ):
        cloud.bounded(each=each, tell=lines.append).delete("db")
    assert lines == ["Another operation is under way: waiting to delete instance db"]


def test_a_bounded_wait_for_another_operation_ends() -> None:
    with (
        answering(lambda *_: refusal(409, "operationInProgress")) as cloud,
        pytest.raises(ApiError, match="operationInProgress"),
    ):
        cloud.bounded(busy_s=0).delete("db")


def test_a_wait_for_an_operation_can_be_called_off() -> None:
    running = {"name": "op", "operationType": "CLONE", "status": "RUNNING", "targetId": "db"}
    with answering(lambda *_: (200, running)) as cloud, pytest.raises(CalledOffError):
        cloud.bounded(each=_at_once).wait(cloud.delete("db"))


def _at_once() -> None:
    raise CalledOffError


def test_an_answer_cut_off_is_a_network_that_fails() -> None:
    with answering(lambda *_: (200, {})) as cloud:
        endpoint = cloud.bounded()
    with pytest.raises(UnreachableError):
        endpoint.find("db")


def test_a_token_that_cannot_be_renewed_tells_to_log_in() -> None:
    cloud = CloudSql("project", "http://127.0.0.1:1")

    def refused(*_: object, **__: object) -> None:
        raise RefreshError("invalid_grant")  # type: ignore[no-untyped-call]  # google-auth is untyped

    cloud.__dict__["_instances"] = type("Client", (), {"get": staticmethod(refused)})
    with pytest.raises(ExpiredCredentialsError, match="Log in again"):
        cloud.find("db")
