"""The server and the words of the tests of exports and imports."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.local.server import PASSWORD, Json, LocalServer, running

BUCKET = "moves"


@contextmanager
def moving_server() -> Iterator[LocalServer]:
    """A server with the instance src, full, and two databases."""
    with running() as server:
        server.create("src", backupConfiguration={"enabled": False})
        server.ask("POST", "/local/v1/buckets", {"name": BUCKET})
        for name in ("app", "copy"):
            server.do("POST", "/instances/src/databases", {"name": name})
        server.do("POST", "/instances/src/users", {"name": "Odd \\user", "password": PASSWORD})
        with server.connect("src", "app") as connection:
            connection.execute("CREATE SCHEMA s")
            connection.execute("CREATE TABLE s.item (id integer PRIMARY KEY, name text)")
            connection.execute("COMMENT ON TABLE s.item IS 'kept'")
            connection.execute("CREATE TABLE other (id integer)")
            connection.execute("INSERT INTO s.item VALUES (1, 'a,\"b'), (2, NULL), (3, 'c\\\nd')")
        yield server


def uri(name: str) -> str:
    return f"gs://{BUCKET}/{name}"


def stored(server: LocalServer, name: str) -> Path:
    return server.data / "buckets" / BUCKET / name


def put(server: LocalServer, name: str, content: bytes) -> str:
    stored(server, name).write_bytes(content)
    return uri(name)


def export_body(name: str, database: str = "app", **more: Json) -> dict[str, Json]:
    context = {"uri": uri(name), "fileType": "SQL", "databases": [database]}
    return {"exportContext": context | more}


def import_body(address: str, **more: Json) -> dict[str, Json]:
    return {"importContext": {"uri": address, "fileType": "SQL", "database": "copy"} | more}


def export(server: LocalServer, name: str, database: str = "app", **more: Json) -> Json:
    body = export_body(name, database, **more)
    return server.done(server.begin("POST", "/instances/src/export", body))


def bring_in(server: LocalServer, address: str, **more: Json) -> Json:
    return server.done(server.begin("POST", "/instances/src/import", import_body(address, **more)))


def why(operation: Json) -> str:
    return str(operation["error"]["errors"][0]["message"])


def rows(
    server: LocalServer, query: str, database: str = "copy", user: str = "postgres"
) -> list[tuple[Json, ...]]:
    with server.connect("src", database, user=user) as connection:
        return connection.execute(query).fetchall()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)
