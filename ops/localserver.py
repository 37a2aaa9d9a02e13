"""A running local Cloud SQL, asked over HTTP for what only a rehearsal can know or do."""

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ops.errors import BadInputError, OpsError

ANSWER_LIMIT_S = 10.0


class AwayError(OpsError, ConnectionError):
    """The local Cloud SQL does not answer; who looks whether it runs takes it as what it is."""

    def __init__(self, server: "Server", error: Exception) -> None:
        super().__init__(
            f"The local Cloud SQL at {server.url} does not answer ({type(error).__name__}). See "
            "`invoke local.status`, and start it with `invoke local.up`."
        )


class RefusedError(BadInputError):
    """The local Cloud SQL can't do what it was asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message.removeprefix("Invalid request: "))


@dataclass(frozen=True, slots=True)
class Server:
    """A running local Cloud SQL.

    Attributes:
        url: the Admin API's root, ``http://127.0.0.1:PORT``.
        pid: its process.
        port: of the Admin API.
        pg_port: of PostgreSQL on every instance's own address.
        data: the folder with its state and its clusters.
    """

    url: str
    pid: int
    port: int
    pg_port: int
    data: Path

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Call one of the server's own endpoints (below ``/local/v1``); return its JSON."""
        # http.client and not a client library: proxies set for the machine must not see loopback
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT_S)
        with contextlib.closing(connection):
            try:
                connection.request(
                    method,
                    f"/local/v1/{path}",
                    body=None if body is None else json.dumps(body),
                    headers={"Authorization": "Bearer local", "Content-Type": "application/json"},
                )
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise AwayError(self, error) from error
            if answer.status in {http.client.BAD_REQUEST, http.client.NOT_FOUND}:
                raise RefusedError(_refusal(content))
            if answer.status > http.client.BAD_REQUEST:
                raise OSError(f"{method} {path} answered {answer.status}: {content[:200]!r}")
            return json.loads(content or b"{}")

    def now(self) -> datetime:
        """Return the time by this server's clock, which may have been set forward."""
        return datetime.fromisoformat(str(self.ask("GET", "clock")["now"]))

    def database_time(self, moment: datetime) -> datetime:
        """Return what PostgreSQL's clock, which can't be set, said when this server's said so."""
        path = f"clock?told={quote(moment.isoformat())}"
        return datetime.fromisoformat(str(self.ask("GET", path)["machine"]))

    def instance(self, name: str) -> "LocalInstance | None":
        """Return where an instance's cluster lies, or None where there is no such instance."""
        for facts in self.ask("GET", "status")["instances"]:
            if facts["name"] == name:
                return LocalInstance(
                    name=name,
                    state=facts["state"],
                    address=facts["address"],
                    port=facts["port"],
                    home=Path(facts["home"]),
                    archive=Path(facts["archive"]),
                    socket=Path(facts["socket"]),
                    owner=facts["owner"],
                )
        return None


@dataclass(frozen=True, slots=True)
class LocalInstance:
    """What only a rehearsal can know of an instance: its files.

    Attributes:
        name: the instance's.
        state: as the Admin API says it.
        address: its 127.x.y.z.
        port: PostgreSQL's.
        home: the cluster's data directory (PGDATA).
        archive: the folder of its archived WAL.
        socket: the folder of its Unix socket, where ``cloudsqladmin`` may connect as peer.
        owner: the operating system's user that runs it.
    """

    name: str
    state: str
    address: str
    port: int
    home: Path
    archive: Path
    socket: Path
    owner: str


def _refusal(content: bytes) -> str:
    try:
        return str(json.loads(content)["error"]["message"])
    except (ValueError, KeyError, TypeError):  # another server listens there now
        return f"the answer was {content[:200]!r}."
