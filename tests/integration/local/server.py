"""A local Cloud SQL for tests: started, spoken to, killed, and gone afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from google.api_core.client_options import ClientOptions
from google.cloud import sqladmin_v1beta4 as sqladmin
from google.oauth2.credentials import Credentials

from tests import places

# A parsed answer, or one of the SDK's messages: tests look into it freely.
Json: TypeAlias = Any

PROJECT = "demo"
PASSWORD = "geheim"
TOKEN = {"Authorization": "Bearer any"}
START_LIMIT_S = 60
DONE_LIMIT_S = 60
SETTINGS: Mapping[str, Json] = {
    "tier": "db-custom-2-7680",
    "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json

    @property
    def reason(self) -> str:
        return str(self.body["error"]["errors"][0]["reason"])


class LocalServer:
    """One server on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(
        self, *options: str, user: int | None = None, group: int | None = None
    ) -> "LocalServer":
        with (self.data.parent / "server.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.local", "--data", self.data, "--port", "0", *options],
                stderr=log,
                text=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        announcement = self.data / "server.json"
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            with suppress(FileNotFoundError):  # the last server's goes when this one begins
                facts = json.loads(announcement.read_text())
                if facts["pid"] == self.process.pid:
                    self.url = facts["url"]
                    return self
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_and_start(self) -> None:
        self.kill()
        self.start()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def log(self) -> str:
        return (self.data.parent / "server.log").read_text()

    def ask(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; a path without a leading version lies below the project."""
        full = path if path.startswith(("/sql/", "/v1", "/local/")) else _below_project(path)
        request = urllib.request.Request(  # noqa: S310 - the server's own http address
            self.url + full,
            method=verb,
            data=None if body is None else json.dumps(body).encode(),
            headers=dict(TOKEN if headers is None else headers),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.load(error))

    def get(self, path: str) -> Json:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.body

    def begin(self, verb: str, path: str, body: object = None) -> Json:
        answer = self.ask(verb, path, body)
        assert answer.status == 200, answer.body
        return answer.body

    def done(self, operation: Json) -> Json:
        """Wait for an operation and return it, failed or not."""
        deadline = time.monotonic() + DONE_LIMIT_S
        while operation["status"] != "DONE":
            assert time.monotonic() < deadline, operation
            time.sleep(0.05)
            operation = self.get(f"/operations/{operation['name']}")
        return operation

    def do(self, verb: str, path: str, body: object = None) -> Json:
        """Carry out an operation that must succeed."""
        operation = self.done(self.begin(verb, path, body))
        assert "error" not in operation, operation["error"]
        return operation

    def create(self, name: str, **settings: object) -> Json:
        return self.do("POST", "/instances", instance_body(name, **settings))

    def clone(self, source: str, name: str, point_in_time: str | None = None) -> Json:
        return self.do("POST", f"/instances/{source}/clone", clone_body(name, point_in_time))

    def delete(self, *names: str) -> None:
        begun = [self.begin("DELETE", f"/instances/{name}") for name in names]
        for operation in begun:
            assert "error" not in self.done(operation)

    def names(self) -> dict[str, str]:
        found = self.get("/instances").get("items", [])
        return {one["name"]: one["state"] for one in found}

    def status(self, name: str) -> Json:
        every = self.get("/local/v1/status")["instances"]
        return next(one for one in every if one["name"] == name)

    @contextmanager
    def connect(
        self, name: str, database: str = "postgres", *, user: str = "postgres"
    ) -> Iterator[psycopg.Connection]:
        address = self.get(f"/instances/{name}")["ipAddresses"][0]["ipAddress"]
        with psycopg.connect(
            host=address, user=user, password=PASSWORD, dbname=database, autocommit=True
        ) as connection:
            yield connection

    def options(self) -> dict[str, Json]:
        """Return what google-cloud-sql's REST clients need."""
        return {
            "transport": "rest",
            "credentials": Credentials("any"),  # type: ignore[no-untyped-call]  # as shipped
            "client_options": ClientOptions(api_endpoint=self.url),
        }

    def instances(self) -> sqladmin.SqlInstancesServiceClient:
        return sqladmin.SqlInstancesServiceClient(**self.options())

    def wait(self, operation: Json) -> Json:
        """Wait for an operation with the SDK."""
        client = sqladmin.SqlOperationsServiceClient(**self.options())
        deadline = time.monotonic() + DONE_LIMIT_S
        while operation.status.name != "DONE":
            assert time.monotonic() < deadline, operation
            time.sleep(0.05)
            request = sqladmin.SqlOperationsGetRequest(project=PROJECT, operation=operation.name)
            operation = client.get(request=request)
        assert not operation.error.errors, operation.error
        return operation


def _below_project(path: str) -> str:
    return f"/sql/v1beta4/projects/{PROJECT}{path}"


def instance_body(name: str, **settings: object) -> dict[str, Json]:
    return {
        "name": name,
        "databaseVersion": "POSTGRES_15",
        "region": "asia-east1",
        "rootPassword": PASSWORD,
        "settings": {**SETTINGS, **settings},
    }


def clone_body(name: str, point_in_time: str | None = None) -> dict[str, Json]:
    context = {"destinationInstanceName": name}
    if point_in_time is not None:
        context["pointInTime"] = point_in_time
    return {"cloneContext": context}


@contextmanager
def data_folder() -> Iterator[Path]:
    """Yield a data folder that the clusters' user can enter.

    On disk, where the server's users have theirs: in memory all is done before a kill.
    """
    with places.folder("lcsql", places.DISK) as top:
        yield top / "data"


@contextmanager
def small_disk(size_mb: int) -> Iterator[Path]:
    """Yield a data folder that is a file system of this size, in memory; skip without root."""
    with data_folder() as data:
        data.mkdir(mode=0o711)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m,mode=711", "none", str(data)]
        if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
            pytest.skip("a small file system can't be mounted here")
        try:
            yield data
        finally:
            subprocess.run(["umount", data], check=True)


@contextmanager
def running() -> Iterator[LocalServer]:
    """Yield a running server; nothing of it is left afterwards."""
    with data_folder() as data:
        server = LocalServer(data)
        try:
            yield server.start()
        finally:
            # Killed tests too: the next start adopts the clusters, and stops them at its end.
            if server.process is not None and server.process.poll() is not None:
                server.start()
            assert server.stop() == 0
            assert working_in(data) == []


def working_in(data: Path) -> list[int]:
    """Return the processes whose working directory lies below a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = str((process / "cwd").readlink())
        except OSError:
            continue
        if here.startswith(f"{data}/"):
            found.append(int(process.name))
    return found
