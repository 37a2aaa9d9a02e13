import json
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import lease as leases
from ops.lease import Lease, LeaseHeldError, hold
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
