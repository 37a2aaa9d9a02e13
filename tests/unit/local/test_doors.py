"""A door before a plain socket: who ends, who waits, and who may come in."""

import contextlib
import logging
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from infra.local.doors import Doors, Opening
from infra.local.engine.account import own
from infra.local.engine.certificates import ephemeral_certificate
from infra.local.engine.keyring import Keyring, Ring, rotated, with_upcoming
from infra.local.engine.process import Runner

ADDRESS = "127.254.3.7"
MUCH = 8_000_000
HELLO = struct.pack("!ii", 17, 196608) + b"user\0ada\0"


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    made = Ring(tmp_path / "tls", Runner(own()))
    made.furnish("demo:main")
    return made


class House:
    """What lies behind the door: a socket that one conversation is held on at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(20)

    def visitor(self) -> socket.socket:
        found, _ = self.listener.accept()
        found.settimeout(20)
        return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "s")
    yield made
    made.listener.close()


@pytest.fixture
def doors(port: int, ring: Ring, house: House) -> Iterator[Doors]:
    made = Doors(port)
    made.settle([Opening("main", ADDRESS, ring, lambda: house.path)])
    yield made
    made.stop()


def shown(ring: Ring, folder: Path, *, login: bool, **valid: float) -> Path:
    """Return a file with a certificate and its key."""
    authority = ring.read().ephemeral_authority
    public = x509.load_pem_x509_certificate(authority.cert.encode()).public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    cert = ephemeral_certificate(
        authority, pem.decode(), timedelta(**valid or {"hours": 1}), login=login
    )
    path = folder / "shown.pem"
    path.write_text(cert + authority.key)
    return path


@contextlib.contextmanager
def visit(
    ring: Ring,
    port: int,
    folder: Path,
    trusted: Keyring | None = None,
    *,
    login: bool = True,
    **valid: float,
) -> Iterator[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=(trusted or ring.read()).active.authority.cert)
    context.load_cert_chain(shown(ring, folder, login=login, **valid))
    with (
        socket.create_connection((ADDRESS, port), timeout=20) as plain,
        context.wrap_socket(plain, suppress_ragged_eofs=False) as tls,
    ):
        yield tls


def all_of(talking: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ssl.SSLZeroReturnError):  # both have taken leave
        while data := talking.recv(65536):
            said += data
    return said


@pytest.mark.usefixtures("doors")
def test_a_client_that_has_said_all_still_hears_the_answer(
    ring: Ring, house: House, port: int, tmp_path: Path
) -> None:
    with visit(ring, port, tmp_path) as tls:
        tls.sendall(HELLO + b"question")
        with house.visitor() as visitor:
            tls.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                tls.unwrap()  # TLS's farewell, in one direction
            tls.settimeout(20)
            assert all_of(visitor) == HELLO + b"question"
            visitor.sendall(b"answer")
        assert all_of(tls) == b"answer"


@pytest.mark.usefixtures("doors")
def test_a_client_that_goes_before_it_is_asked_for_a_password_leaves_no_trace(
    ring: Ring, house: House, port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with visit(ring, port, tmp_path, login=False) as tls, house.visitor() as visitor:
        tls.sendall(HELLO + b"said too early")
        tls.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            tls.unwrap()
        assert all_of(visitor) == HELLO
        visitor.sendall(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0")
        visitor.close()
        tls.settimeout(20)
        assert b"SCRAM" in all_of(tls)
    assert caplog.records == []


@pytest.mark.usefixtures("doors")
def test_who_does_not_listen_makes_the_other_wait(
    ring: Ring, house: House, port: int, tmp_path: Path
) -> None:
    with visit(ring, port, tmp_path) as tls, house.visitor() as visitor:
        tls.sendall(HELLO)
        assert visitor.recv(100) == HELLO
        for talker, listener in ((tls, visitor), (visitor, tls)):
            talking = threading.Thread(target=talker.sendall, args=(bytes(MUCH),))
            talking.start()
            talking.join(0.3)
            assert talking.is_alive()  # nobody keeps that much in between
            heard = 0
            while heard < MUCH:
                heard += len(listener.recv(65536))
            talking.join()
            assert heard == MUCH


@pytest.mark.usefixtures("doors")
def test_an_expired_certificate_and_one_of_another_instance_are_refused(
    ring: Ring, port: int, tmp_path: Path
) -> None:
    other = Ring(tmp_path / "other", Runner(own()))
    other.furnish("demo:other")
    with (
        visit(ring, port, tmp_path, seconds=0) as tls,
        pytest.raises(ssl.SSLError, match="EXPIRED"),
    ):
        all_of(tls)
    with (
        visit(other, port, tmp_path, ring.read()) as tls,
        pytest.raises(ssl.SSLError, match="ALERT"),
    ):
        all_of(tls)


def test_a_rotation_counts_for_who_comes_after_it(
    doors: Doors, ring: Ring, house: House, port: int, tmp_path: Path
) -> None:
    before = ring.read()
    with visit(ring, port, tmp_path) as tls, house.visitor() as visitor:
        ring.write(rotated(with_upcoming(before, "demo:main"), None))
        doors.settle([Opening("main", ADDRESS, ring, lambda: house.path)])

        with pytest.raises(ssl.SSLError, match="VERIFY"), visit(ring, port, tmp_path, before):
            pass
        with visit(ring, port, tmp_path), house.visitor():
            pass
        tls.sendall(HELLO)
        assert visitor.recv(100) == HELLO


def test_a_port_that_is_taken_is_told_once_and_tried_again(
    ring: Ring, port: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    doors = Doors(port)
    opening = Opening("main", ADDRESS, ring, lambda: tmp_path / "none")
    with socket.create_server(("0.0.0.0", port)), caplog.at_level(logging.WARNING):  # noqa: S104 - the case
        doors.settle([opening])
        doors.settle([opening])
        assert not doors.is_open("main")
    ours = f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"
    [told] = [record.getMessage() for record in caplog.records]
    assert told == f"No door for connectors on {ADDRESS}: port {port} is taken by {ours}."
    doors.settle([opening])
    assert doors.is_open("main")
    doors.settle([])
    assert not doors.is_open("main")
    doors.stop()


def test_the_keyring_is_closed_to_others_and_made_once(ring: Ring) -> None:
    before = ring.read()
    made = {path: path.read_text() for path in ring.folder.iterdir()}
    for name in ("server.pem", "trusted.pem", "revoked.pem"):
        (ring.folder / name).write_text("")  # as after a power failure
    ring.furnish("demo:main")

    assert ring.read() == before
    assert {path.name for path in ring.folder.iterdir()} == {path.name for path in made}
    assert (ring.folder / "server.pem").read_text() == made[ring.folder / "server.pem"]
    assert "X509 CRL" in (ring.folder / "revoked.pem").read_text()
    modes = {path.name: path.stat().st_mode & 0o777 for path in ring.folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert ring.folder.stat().st_mode & 0o777 == 0o700
