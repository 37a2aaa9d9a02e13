import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import lease as leases
from ops.lease import BadLeaseError, Lease, LeaseHeldError, hold
from ops.store import FolderStore

TTL = timedelta(minutes=5)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def _leave(store: FolderStore, **changes: object) -> None:
    """Leave a lease behind as a killed process would."""
    left = replace(leases._lease(TTL), **changes)  # type: ignore[arg-type]  # keywords by name
    store.put("leases/drill.json", json.dumps(asdict(left)).encode())


def test_a_second_holder_is_refused_by_name(store: FolderStore) -> None:
    with hold(store, "drill", TTL), pytest.raises(LeaseHeldError, match="process"):
        hold(store, "drill", TTL).__enter__()
    assert store.keys("leases") == ()


def test_the_lease_of_a_dead_process_is_taken_over(store: FolderStore) -> None:
    _leave(store, pid=2**22 + 1)  # above the kernel's highest process id
    with hold(store, "drill", TTL):
        pass


def test_an_expired_lease_from_another_machine_is_taken_over(store: FolderStore) -> None:
    _leave(store, host="elsewhere", until=datetime(2020, 1, 1, tzinfo=UTC).isoformat())
    with hold(store, "drill", TTL):
        pass


def test_a_live_lease_from_another_machine_holds(store: FolderStore) -> None:
    _leave(store, host="elsewhere", pid=2**22 + 1)
    with pytest.raises(LeaseHeldError, match="elsewhere"):
        hold(store, "drill", TTL).__enter__()


def test_a_held_lease_is_renewed(store: FolderStore) -> None:
    with hold(store, "drill", timedelta(seconds=1.5)) as lease:
        time.sleep(2)
        stored = store.get("leases/drill.json")
        assert stored is not None
        now = Lease(**json.loads(stored.content))
        assert now.token == lease.token
        assert now.until > lease.until


def test_a_lost_lease_is_not_released_for_its_new_holder(store: FolderStore) -> None:
    with hold(store, "drill", TTL):
        _leave(store, token="another")
    assert store.keys("leases") == ("leases/drill.json",)


DAMAGED = (b"", b"{", b"\xff", b"[]", b"null", b'{"token": 1}')


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_lease_is_named_with_its_remedy(store: FolderStore, content: bytes) -> None:
    store.put("leases/drill.json", content)
    with pytest.raises(BadLeaseError, match=r"leases/drill\.json can't be read.*remove it"):
        hold(store, "drill", TTL).__enter__()
    assert store.keys("leases") == ("leases/drill.json",)


@pytest.mark.parametrize("until", ["never", "2020-01-01T00:00:00"])
def test_a_lease_that_ends_at_no_time_is_damaged(store: FolderStore, until: str) -> None:
    _leave(store, until=until)
    with pytest.raises(BadLeaseError):
        hold(store, "drill", TTL).__enter__()


@pytest.mark.parametrize("content", DAMAGED)
def test_a_lease_damaged_while_it_is_held_is_left_alone(store: FolderStore, content: bytes) -> None:
    with hold(store, "drill", TTL):
        store.put("leases/drill.json", content)
    assert store.keys("leases") == ("leases/drill.json",)
