import os
import socket
from pathlib import Path

import pytest

from infra.local.addresses import Addresses, holder_of
from infra.local.errors import PostgresPortInUseError


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def data(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "server.lock").touch()
    return folder


def test_an_instance_gets_the_same_address_again_and_others_another(
    tmp_path: Path, port: int
) -> None:
    addresses = Addresses(data(tmp_path, "a"), port, tmp_path / "claims")
    first = addresses.claim("demo/main")
    assert first.startswith("127.")
    assert not first.startswith("127.0.")
    assert addresses.claim("demo/other") != first
    addresses.release(first)
    assert addresses.claim("demo/main") == first
    assert len(addresses.used()) == 2


def test_another_servers_claim_stands_until_its_folder_is_gone(tmp_path: Path, port: int) -> None:
    other_data = data(tmp_path, "other")
    other = Addresses(other_data, port, tmp_path / "claims")
    mine = Addresses(data(tmp_path, "mine"), port, tmp_path / "claims")
    taken = other.claim("demo/main")

    assert not mine.hold(taken)
    assert mine.claim("demo/main", preferred=taken) != taken
    mine.release(taken)
    assert other.used() == (taken,)

    mine.sweep()
    assert other.used() == (taken,)
    (other_data / "server.lock").unlink()
    mine.sweep()
    assert other.used() == ()
    assert mine.hold(taken)


def test_an_address_that_something_listens_on_is_passed_over(tmp_path: Path, port: int) -> None:
    addresses = Addresses(data(tmp_path, "a"), port, tmp_path / "claims")
    wanted = addresses.claim("demo/main")
    addresses.release(wanted)
    with socket.socket() as listener:
        listener.bind((wanted, port))
        listener.listen()

        assert addresses.claim("demo/main") != wanted
        assert holder_of(port, wanted) is not None


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")],  # noqa: S104 - what is to be found
)
def test_a_listener_on_all_addresses_is_named(
    tmp_path: Path, family: socket.AddressFamily, address: str
) -> None:
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        addresses = Addresses(data(tmp_path, "a"), listener.getsockname()[1], tmp_path / "claims")

        with pytest.raises(PostgresPortInUseError, match=f"pid {os.getpid()}"):
            addresses.claim("demo/main")
