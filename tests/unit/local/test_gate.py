import struct

import pytest

from infra.local.doors.gate import Gate, RefusedError

_SCRAM = b"R" + struct.pack("!ii", 23, 10) + b"SCRAM-SHA-256\0\0"
_LET_IN = b"R" + struct.pack("!ii", 8, 0)
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def startup(user: str) -> bytes:
    body = f"user\0{user}\0database\0x\0\0".encode()
    return struct.pack("!ii", len(body) + 8, 196608) + body


def test_nothing_behind_the_startup_packet_passes_before_a_password_is_asked_for() -> None:
    gate = Gate()
    packet = startup("ada")

    assert gate.from_client(packet[:5]) == b""
    assert gate.from_client(packet[5:] + b"Q....") == packet
    assert gate.waits
    assert gate.from_client(b"more") == b""
    assert gate.from_server(_SCRAM[:4]) == b""
    assert gate.from_server(_SCRAM[4:]) == _SCRAM
    assert gate.open
    assert gate.released() == b"Q....more"
    assert gate.from_client(b"p") == b"p"
    assert gate.from_server(_LET_IN) == _LET_IN  # the password was right


def test_who_is_let_in_unasked_is_told_to_go() -> None:
    gate = Gate()
    gate.from_client(startup("ada") + b"Q....")

    with pytest.raises(RefusedError) as refused:
        gate.from_server(_LET_IN + b"S....")

    assert b'user "ada"' in refused.value.answer
    assert b"C28000" in refused.value.answer
    assert gate.released() == b""


@pytest.mark.parametrize("before", [b"N", b"v"])
def test_a_notice_does_not_open(before: bytes) -> None:
    gate = Gate()
    gate.from_client(startup("ada"))
    notice = before + struct.pack("!i", 9) + b"12345"

    assert gate.from_server(notice) == notice
    with pytest.raises(RefusedError):
        gate.from_server(_LET_IN)


def test_a_request_for_tls_within_is_answered_and_the_client_begins_again() -> None:
    gate = Gate()
    packet = startup("postgres")

    assert gate.from_client(_SSL_REQUEST + packet) == _SSL_REQUEST
    assert gate.from_server(b"N") == b"N"
    assert not gate.open
    assert gate.released() == packet
    assert gate.waits
    with pytest.raises(RefusedError):
        gate.from_server(_LET_IN)


def test_an_error_passes() -> None:
    gate = Gate()
    gate.from_client(startup("nobody"))
    error = b"E" + struct.pack("!i", 10) + b"SFATAL"

    assert gate.from_server(error) == error


@pytest.mark.parametrize("vouched", [True, False])
@pytest.mark.parametrize("length", [7, 10_005, 2**31 - 1, -1])
def test_of_a_packet_that_is_none_the_length_alone_passes(length: int, vouched: bool) -> None:  # noqa: FBT001 - a case
    gate = Gate(vouched=vouched)
    head = struct.pack("!i", length)

    assert gate.from_client(head + b"\0\3\0\0user\0cloudsqladmin\0\0") == head
    assert gate.from_client(b"more") == b""
    assert not gate.open


@pytest.mark.parametrize("vouched", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        b"user\0cloudsqladmin\0\0",
        # PostgreSQL stops reading at the empty name, another reader may not
        b"user\0cloudsqladmin\0\0x\0user\0ada\0\0",
    ],
)
def test_nobody_comes_as_the_administrator(words: bytes, vouched: bool) -> None:  # noqa: FBT001 - a case
    packet = struct.pack("!ii", len(words) + 8, 196608) + words
    for before in (b"", _SSL_REQUEST):
        gate = Gate(vouched=vouched)
        if before:
            gate.from_client(before)
            gate.from_server(b"N")

        with pytest.raises(RefusedError):
            gate.from_client(packet)


def test_who_is_vouched_for_waits_for_nothing() -> None:
    gate = Gate(vouched=True)
    packet = startup("ada")

    assert gate.from_client(_SSL_REQUEST + packet) == _SSL_REQUEST
    assert gate.from_server(b"N") == b"N"
    assert gate.released() == packet
    assert gate.open
    assert gate.from_client(b"Q....") == b"Q...."
    assert gate.from_server(_LET_IN) == _LET_IN
