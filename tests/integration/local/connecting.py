"""The clients that connect: connectors, the Auth Proxy, psql, and bare TLS to a door."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.oauth2.credentials import Credentials

from tests.integration.local.server import PASSWORD, PROJECT, Json, LocalServer

PROXY_VERSION = "v2.27.0"
_PROXY = f"github.com/GoogleCloudPlatform/cloud-sql-proxy/v2@{PROXY_VERSION}"
TERMINATE = b"X\0\0\0\4"
_BUILD_LIMIT_S = 600
_START_LIMIT_S = 30


class Login(Credentials):
    """A person's credentials that can be renewed, as IAM login does, without Google."""

    def refresh(self, _request: object) -> None:
        self.token = "login"
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


@contextmanager
def loop_on_a_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def connection_name(name: str) -> str:
    return f"{PROJECT}:asia-east1:{name}"


def address_of(local: LocalServer, name: str) -> str:
    return str(local.get(f"/instances/{name}")["ipAddresses"][0]["ipAddress"])


def psql(statement: str, **parameters: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one statement; the password is in the environment."""
    conninfo = " ".join(f"{name}='{value}'" for name, value in parameters.items())
    return subprocess.run(
        ["psql", "--no-psqlrc", "--no-password", "-At", "-c", statement, conninfo],
        env={**os.environ, "PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": "10"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def auth_proxy() -> Path:
    """Return the Cloud SQL Auth Proxy, built once for this user, or skip."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "ai-square-db" / f"go-bin-{PROXY_VERSION}"
    program = folder / "cloud-sql-proxy"
    if program.exists():
        return program
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        pytest.skip("Go, which builds the Cloud SQL Auth Proxy, is not on this machine")
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    done = subprocess.run(
        # Nobody debugs it or waits for what it computes: a third less to build.
        [go, "install", "-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w", _PROXY],
        env={**os.environ, "GOBIN": str(fresh), "CGO_ENABLED": "0", "GOGC": "400"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_LIMIT_S,
    )
    if done.returncode != 0:
        pytest.skip(f"the Cloud SQL Auth Proxy can't be built here: {done.stderr[-200:]}")
    folder.mkdir(parents=True, exist_ok=True)
    (fresh / "cloud-sql-proxy").replace(program)
    shutil.rmtree(fresh)
    return program


@contextmanager
def proxied(local: LocalServer, name: str, *options: str) -> Iterator[int]:
    """Run the Auth Proxy before an instance; yield the port that it listens on."""
    program = auth_proxy()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [
            program,
            f"--sqladmin-api-endpoint={local.url}/",
            "--token=any",
            "--enable-builtin-metrics=false",  # which go to Google
            f"--port={port}",
            *options,
            connection_name(name),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + _START_LIMIT_S
        while not _listens(port):
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ephemeral(local: LocalServer, name: str, **more: str) -> tuple[str, str]:
    """Return an ephemeral certificate of an instance and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    body = {"public_key": pem_of(key.public_key()), **more}
    answer: Json = local.begin("POST", f"/instances/{name}:generateEphemeralCert", body)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return answer["ephemeralCert"]["cert"] + "\n", private.decode()


def pem_of(key: Any) -> str:  # noqa: ANN401 - any of cryptography's many kinds
    public: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def talk(
    local: LocalServer,
    certificate: tuple[str, str] | None,
    said: bytes,
    folder: Path,
    name: str = "door",
) -> bytes:
    """Say something behind an instance's door; return all that is answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    settings = local.get(f"/instances/{name}/connectSettings")
    context.load_verify_locations(cadata=settings["serverCaCert"]["cert"])
    if certificate is not None:
        pem = folder / "shown.pem"
        pem.write_text("".join(certificate))
        context.load_cert_chain(pem)
    answer = b""
    with (
        socket.create_connection((address_of(local, name), 3307), timeout=10) as plain,
        context.wrap_socket(plain) as tls,
    ):
        tls.sendall(said + TERMINATE)
        while data := tls.recv(8192):
            answer += data
    return answer


def startup(user: str, **more: str) -> bytes:
    """Return PostgreSQL's startup packet."""
    words: dict[str, Any] = {"user": user, "database": "postgres", **more}
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in words.items()) + b"\0"
    return (len(body) + 8).to_bytes(4, "big") + (196608).to_bytes(4, "big") + body
