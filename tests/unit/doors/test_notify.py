"""The webhook: told of what it wants, never shown, and never in the way."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops import notify
from ops.measures import Measure
from ops.notify import BadHookError, Hook, NotDeliveredError, Notice, When

SECRET = "/services/T0/B0/verysecret"
FAILED = Notice(
    "restore-drill",
    "r1",
    "prod",
    "db-prod",
    "fail",
    "fail. RTO 61.0 s.",
    measures={"rto": Measure(61.0, "s", 60.0)},
    faults=("clone content",),
    evidence="gs://b/r1.json",
    sha256="ab" * 32,
)


class Receiver(ThreadingHTTPServer):
    """Takes notifications, or answers as it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.got: list[tuple[str, str, bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}{SECRET}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, str(self.headers["Content-Type"]), body))
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "FIRST_PAUSE_S", 0.01)


def test_a_notification_is_what_chats_take(receiver: Receiver) -> None:
    assert notify.deliver(Hook(receiver.address), FAILED) == "Notified 127.0.0.1: fail."
    ((path, kind, content),) = receiver.got
    assert (path, kind) == (SECRET, "application/json")
    told = json.loads(content)
    assert told["text"].splitlines() == [
        "restore-drill of db-prod (stack prod): fail. RTO 61.0 s.",
        "- clone content",
        f"Evidence: gs://b/r1.json, SHA-256 {'ab' * 32}",
    ]
    assert told["drill"]["rto_s"] == 61.0


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {}), (status, {"Retry-After": "0"})]
    notify.deliver(Hook(receiver.address), FAILED)
    assert len(receiver.got) == 3


def test_tries_are_bounded(receiver: Receiver) -> None:
    receiver.answers = [(503, {})] * 99
    with pytest.raises(NotDeliveredError, match="it answers 503"):
        notify.deliver(Hook(receiver.address), FAILED)
    assert len(receiver.got) == notify.TRIES
    receiver.answers = [(429, {"Retry-After": "3600"})]
    with pytest.raises(NotDeliveredError, match="429"):
        notify.deliver(Hook(receiver.address), FAILED)
    assert len(receiver.got) == notify.TRIES + 1


@pytest.mark.parametrize("answer", [(404, {}), (400, {}), (302, {"Location": "http://127.0.0.1"})])
def test_what_lasts_is_told_at_once(receiver: Receiver, answer: tuple[int, dict[str, str]]) -> None:
    receiver.answers = [answer]
    with pytest.raises(NotDeliveredError, match=f"answers {answer[0]}") as told:
        notify.deliver(Hook(receiver.address), FAILED)
    assert len(receiver.got) == 1
    assert "verysecret" not in str(told.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226])
def test_every_2xx_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {})]
    assert "Notified" in notify.deliver(Hook(receiver.address), FAILED)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("there", ["", "/elsewhere", "http://127.0.0.2:1/elsewhere"])
def test_no_redirect_is_a_delivery_or_is_followed(
    receiver: Receiver, status: int, there: str
) -> None:
    receiver.answers = [(status, {"Location": there} if there else {})]
    with pytest.raises(NotDeliveredError, match=f"answers {status}, and .* no other address"):
        notify.deliver(Hook(receiver.address), FAILED)
    assert [path for path, _, _ in receiver.got] == [SECRET]


RAW = {
    "switched": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "only to go on": b"HTTP/1.1 100 Continue\r\n\r\n",
    "only hints": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "closed": b"",
    "no http": b"220 mail.example.com ESMTP\r\n",
    "cut": b"HTTP/1.1 2",
    "no number": b"HTTP/1.1 OK\r\n\r\n",
    "odd number": b"HTTP/1.1 999 Odd\r\n\r\n",
    "too low": b"HTTP/1.1 099 Odd\r\n\r\n",
}


@pytest.mark.parametrize("answer", RAW.values(), ids=RAW.keys())
def test_an_answer_that_says_no_2xx_is_no_delivery(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    def close(handler: Handler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.wfile.write(answer)
        handler.close_connection = True

    monkeypatch.setattr(Handler, "do_POST", close)
    with pytest.raises(NotDeliveredError) as told:
        notify.deliver(Hook(receiver.address), FAILED, patience_s=0.2)
    assert "verysecret" not in str(told.value)


def test_a_receiver_that_does_not_speak_tls_is_told(receiver: Receiver) -> None:
    hook = Hook(receiver.address.replace("http://", "https://"))
    with pytest.raises(NotDeliveredError, match="TLS") as told:
        notify.deliver(hook, FAILED, patience_s=0.2)
    assert "verysecret" not in str(told.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://127.0.0.1:9", "http://[::1]:9"])
def test_a_receiver_out_of_reach_is_told_without_its_address(url: str) -> None:
    hook = Hook(url + SECRET)
    with pytest.raises(NotDeliveredError, match="can't be reached") as told:
        notify.deliver(hook, FAILED, patience_s=0.2)
    assert "verysecret" not in f"{told.value}{hook!r}{told.value.__cause__!r}"


def test_a_receiver_that_does_not_answer_costs_a_bounded_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "ANSWER_LIMIT_S", 0.05)
    held = threading.Event()
    monkeypatch.setattr(Handler, "do_POST", lambda _: held.wait(5))
    with pytest.raises(NotDeliveredError, match="in time"):
        notify.deliver(Hook(receiver.address), FAILED, patience_s=0.2)
    held.set()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://x/y",
        "hooks.slack.com/x",
        "https:///",
        "https://[",
        "https://a b",
    ],
)
def test_an_address_that_is_not_safe_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadHookError) as told:
        notify.hook("always", environment={notify.URL: f"{url}verysecret"})
    assert "verysecret" not in str(told.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_http_is_for_this_machine(host: str) -> None:
    assert notify.hook("always", environment={notify.URL: f"http://{host}:1/x"}) is not None


def test_the_address_comes_from_a_file_or_from_nowhere(tmp_path: Path) -> None:
    assert notify.hook("always", environment={}) is None
    path = tmp_path / "url"
    path.write_text("https://hooks.example.com/x\n")
    found = notify.hook("problems", environment={notify.URL_FILE: str(path)})
    assert found == Hook("https://hooks.example.com/x", When.PROBLEMS)
    assert "hooks.example.com/x" not in repr(found)
    with pytest.raises(BadHookError, match="No such file"):
        notify.hook("always", environment={notify.URL_FILE: str(tmp_path / "none")})


def test_problems_alone_are_told_where_that_is_wanted() -> None:
    passed = Notice("k", "r", "s", "i", "pass", "pass.")
    assert Hook("https://x", When.ALWAYS).wants(passed)
    assert not Hook("https://x", When.PROBLEMS).wants(passed)
    assert Hook("https://x", When.PROBLEMS).wants(FAILED)


def test_a_team_has_its_own_template(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("{{ verdict }} {{ run }}: {{ faults | join(', ') }}")
    environment = {notify.URL: receiver.address, notify.TEMPLATE_FILE: str(tmp_path / "t")}
    found = notify.hook("always", "{{ stack }}", environment)
    assert found is not None
    notify.deliver(found, FAILED)
    ((_, kind, content),) = receiver.got
    assert (kind, content) == ("text/plain; charset=utf-8", b"fail r1: clone content")
    assert notify.body("{{ stack }}", FAILED) == b"prod"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ run.__class__.__mro__ }}",
        "{{ run.x() }}",
        "{% for x in range(9999999) %}{% endfor %}",
        "{{ 1 / 0 }}",
        "{{ run",
        "{% include '/etc/passwd' %}",
        "{{ 'x' * 300000 }}",
    ],
)
def test_a_template_that_is_wrong_is_told(template: str) -> None:
    with pytest.raises(BadHookError, match="template"):
        notify.body(template, FAILED)


def test_what_a_drill_says_mentions_nobody_in_a_chat() -> None:
    evil = Notice("k", "r", "s", "i", "fail", '<!channel> & "quoted"\n', faults=("<@U1>",) * 12)
    told = json.loads(notify.body(notify.DEFAULT, evil))
    assert "<" not in told["text"]
    assert "&lt;!channel&gt; &amp;" in told["text"]
    assert "and 2 more" in told["text"]
    assert told["drill"]["summary"] == '<!channel> & "quoted"\n'
