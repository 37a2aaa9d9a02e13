"""Through the connectors' door beside PostgreSQL's own port with TLS, and without.

Run with the project's Python: .venv/bin/python -m bench.door
"""

import json
import socket
import ssl
import statistics
import struct
import tempfile
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pg8000.dbapi  # type: ignore[import-untyped]  # it ships no types
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.stand import stand
from ops.cloudsql import CloudSql

PROJECT = "bench"
PASSWORD = "bench"  # noqa: S105 - of an instance that lives for a minute
NAME = "door"
_TRIPS = 2000
_COPY = "COPY (SELECT repeat('x', 8000) FROM generate_series(1, 20000)) TO STDOUT"
_WAYS = ("door", "direct, TLS", "direct, plain")
_READY = b"Z\0\0\0\5I"
_LOGINS = 30
_RUNS = 5
_DOOR = 3307
_BUFFER_BYTES = 256 * 1024


def _make(api: CloudSql) -> str:
    body = {
        "name": NAME,
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "rootPassword": PASSWORD,
        "settings": {"tier": "db-custom-1-3840", "edition": "ENTERPRISE"},
    }
    api.wait(api.insert(body))
    return api.instance(NAME).address


def _context(url: str) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    path = f"/sql/v1beta4/projects/{PROJECT}/instances/{NAME}"
    request = urllib.request.Request(  # noqa: S310 - the server's own http address
        f"{url}{path}:generateEphemeralCert",
        data=json.dumps({"public_key": public.decode()}).encode(),
        headers={"Authorization": "Bearer any"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        cert = json.load(answer)["ephemeralCert"]["cert"]
    context = _unverified()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with tempfile.NamedTemporaryFile() as pem:
        pem.write(cert.encode() + b"\n" + private)
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the server is timed, not trusted
    return context


def _login(address: str, way: str, context: ssl.SSLContext) -> socket.socket:
    """Return a socket on which PostgreSQL waits for statements; its TLS, if any, is within."""
    there: dict[str, Any] = {"host": address}
    if way == "door":
        there = {"sock": context.wrap_socket(socket.create_connection((address, _DOOR)))}
    elif way == "direct, TLS":
        there["ssl_context"] = _unverified()
    connection = pg8000.dbapi.Connection("postgres", password=PASSWORD, **there)
    found: socket.socket = connection._usock  # noqa: SLF001 - no driver's own work is to be timed
    return found


def _ask(there: socket.socket, statement: str) -> int:
    """Send a statement, and return how many bytes the whole answer had."""
    text = statement.encode() + b"\0"
    there.sendall(b"Q" + struct.pack("!i", len(text) + 4) + text)
    received, tail = 0, b""
    while not tail.endswith(_READY):
        data = there.recv(_BUFFER_BYTES)
        received += len(data)
        tail = (tail + data)[-len(_READY) :]
    return received


def _trip(there: socket.socket) -> float:
    begun = time.monotonic()
    for _ in range(_TRIPS):
        _ask(there, "SELECT 1")
    return (time.monotonic() - begun) / _TRIPS


def _bulk(there: socket.socket) -> float:
    begun = time.monotonic()
    received = _ask(there, _COPY)
    return (time.monotonic() - begun) * 1e9 / received


def main() -> None:
    """Print the figures of the three ways, and the ratios to the direct ones."""
    with stand(5432) as stood:
        server = stood.server
        address = _make(CloudSql(PROJECT, server.url))
        _report(address, _context(server.url))


def _report(address: str, context: ssl.SSLContext) -> None:
    def within(measure: Callable[[socket.socket], float]) -> Callable[[str], float]:
        def measured(way: str) -> float:
            with _login(address, way, context) as there:
                return measure(there)

        return measured

    def logins(way: str) -> float:
        begun = time.monotonic()
        for _ in range(_LOGINS):
            _login(address, way, context).close()
        return (time.monotonic() - begun) / _LOGINS

    for what, measure in (
        ("round trip, s", within(_trip)),
        ("login, s", logins),
        ("a GB out, s", within(_bulk)),
    ):
        runs = [{way: measure(way) for way in _WAYS} for _ in range(_RUNS)]
        for way in _WAYS:
            median = statistics.median(run[way] for run in runs)
            ratio = statistics.median(run["door"] / run[way] for run in runs)
            print(f"{what:<14} {way:<14} median {median:10.6f}   door {ratio:5.2f}x of it")


if __name__ == "__main__":
    main()
