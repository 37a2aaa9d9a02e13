"""A small GitHub: pull requests and their comments over HTTP, as its REST API serves them.

What it says (statuses, messages, headers, pages of 30 unless asked for up to 100, the limit
of a comment's length) follows https://docs.github.com/en/rest; faults are put in on purpose.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "ai-square/db"
LONGEST = 65_536
INTEGRATION = "Resource not accessible by integration"


@dataclass(frozen=True)
class User:
    """Who a token belongs to."""

    login: str
    type: str = "User"
    writes: bool = True


@dataclass
class Fault:
    """What some calls meet instead of, or after, being served.

    Attributes:
        method: Of the calls.
        path: A pattern that their path contains.
        status: Of the answer; 0 cuts the connection.
        count: How many calls meet it.
        headers: Of the answer.
        message: Of the answer.
        served: Whether the call is carried out all the same.
    """

    method: str
    path: str
    status: int
    count: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    served: bool = False


class Hub:
    """The state of one GitHub.

    Attributes:
        users: By their tokens.
        pulls: By their numbers, as the API shows them.
        comments: By their ids, as the API shows them.
        calls: Every call, as "METHOD path".
        faults: In force.
        before: Called with method and path before a call is served.
    """

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self.before: Callable[[str, str], None] = lambda *_: None
        self.url = ""
        self._lock = threading.Lock()
        self._next = 1000

    def pull(self, number: int, head: str, branch: str = "topic", fork: str = "") -> None:
        """Open a pull request."""
        name = fork or REPOSITORY
        self.pulls[number] = {
            "number": number,
            "state": "open",
            "head": {
                "sha": head,
                "ref": branch,
                "label": f"{name.split('/')[0]}:{branch}",
                "repo": {"full_name": name},
            },
        }

    def comment(self, number: int, user: User, body: str) -> dict[str, Any]:
        """Store a comment."""
        with self._lock:
            self._next += 1
            made = {
                "id": self._next,
                "user": {"login": user.login, "type": user.type},
                "body": body,
                "issue": number,
            }
            self.comments[self._next] = made
            return made

    def bodies(self, number: int) -> list[str]:
        """Return the texts of a pull request's comments, the oldest first."""
        return [one["body"] for _, one in sorted(self.comments.items()) if one["issue"] == number]

    def meets(self, method: str, path: str) -> Fault | None:
        """Return the fault that a call meets, and use it up."""
        with self._lock:
            for fault in self.faults:
                if fault.count and fault.method == method and re.search(fault.path, path):
                    fault.count -= 1
                    return fault
        return None


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def refused(status: int, message: str, **more: Any) -> Reply:  # noqa: ANN401 - JSON
    return Reply(status, {"message": message, "status": str(status), **more})


class Handler(BaseHTTPRequestHandler):
    """Serves one call."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = json.loads(self.rfile.read(length)) if length else {}
        self.hub.calls.append(f"{self.command} {self.path}")
        self.hub.before(self.command, self.path)
        fault = self.hub.meets(self.command, self.path)
        reply = Reply(0) if fault and not fault.served else self._reply(data)
        if fault:
            said = {"message": fault.message} if fault.message else None
            reply = Reply(fault.status, said, fault.headers)
        if not reply.status:
            self.close_connection = True
            self.connection.close()
            return
        self._answer(reply)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _answer(self, reply: Reply) -> None:
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reply(self, data: dict[str, Any]) -> Reply:
        user = self.hub.users.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if user is None:
            return refused(HTTPStatus.UNAUTHORIZED, "Bad credentials")
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/user":
            if user.type == "Bot":
                return refused(HTTPStatus.FORBIDDEN, INTEGRATION)
            return Reply(HTTPStatus.OK, {"login": user.login, "type": user.type})
        rest = re.sub(f"^/(repos/{REPOSITORY}|repositories/1)(?=/)", "", url.path)
        if rest == url.path:
            return refused(HTTPStatus.NOT_FOUND, "Not Found")
        for pattern, serve in (
            (r"/pulls", self._pulls),
            (r"/pulls/(\d+)", self._pull),
            (r"/issues/(\d+)/comments", self._comments),
            (r"/issues/comments/(\d+)", self._comment),
        ):
            if match := re.fullmatch(pattern, rest):
                return serve(user, query, data, *map(int, match.groups()))
        return refused(HTTPStatus.NOT_FOUND, "Not Found")

    def _pulls(self, _user: User, query: dict[str, str], _data: object) -> Reply:
        found = [
            one
            for one in self.hub.pulls.values()
            if one["state"] == query["state"] and one["head"]["label"] == query["head"]
        ]
        return Reply(HTTPStatus.OK, found)

    def _pull(self, _user: User, _query: object, _data: object, number: int) -> Reply:
        pull = self.hub.pulls.get(number)
        return Reply(HTTPStatus.OK, pull) if pull else refused(HTTPStatus.NOT_FOUND, "Not Found")

    def _comments(
        self, user: User, query: dict[str, str], data: dict[str, Any], number: int
    ) -> Reply:
        if number not in self.hub.pulls:
            return refused(HTTPStatus.NOT_FOUND, "Not Found")
        if self.command == "POST":
            if reply := self._refusal(user, data):
                return reply
            return Reply(HTTPStatus.CREATED, self.hub.comment(number, user, data["body"]))
        size = min(int(query.get("per_page", 30)), 100)
        page = int(query.get("page", 1))
        all_ = [one for _, one in sorted(self.hub.comments.items()) if one["issue"] == number]
        last = max(1, -(-len(all_) // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page == 1:
            del links["prev"], links["first"]
        if page >= last:
            del links["next"], links["last"]
        # As GitHub does: by the repository's number, whatever it was asked by.
        base = f"{self.hub.url}/repositories/1/issues/{number}/comments?per_page={size}&page="
        link = ", ".join(f'<{base}{at}>; rel="{name}"' for name, at in links.items())
        headers = {"Link": link} if link else {}
        return Reply(HTTPStatus.OK, all_[(page - 1) * size : page * size], headers)

    def _comment(self, user: User, _query: object, data: dict[str, Any], identity: int) -> Reply:
        comment = self.hub.comments.get(identity)
        if comment is None:
            return refused(HTTPStatus.NOT_FOUND, "Not Found")
        if self.command == "GET":
            return Reply(HTTPStatus.OK, comment)
        if reply := self._refusal(user, data if self.command == "PATCH" else {"body": "-"}):
            return reply
        if self.command == "DELETE":
            self.hub.comments.pop(identity, None)
            return Reply(HTTPStatus.NO_CONTENT)
        comment["body"] = data["body"]
        return Reply(HTTPStatus.OK, comment)

    def _refusal(self, user: User, data: dict[str, Any]) -> Reply | None:
        if not user.writes:
            needs = {"X-Accepted-GitHub-Permissions": "issues=write; pull_requests=write"}
            return Reply(HTTPStatus.FORBIDDEN, {"message": INTEGRATION}, needs)
        if len(data["body"]) > LONGEST:
            why = f"body is too long (maximum is {LONGEST} characters)"
            return refused(422, "Validation Failed", errors=[{"message": why}])
        return None


@contextmanager
def serving(hub: Hub) -> Iterator[None]:
    """Serve a GitHub on a free port of loopback."""
    handler = type("Handler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
