import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import lease as leases
from ops.lease import BadLeaseError, Holding, Lease, LeaseHeldError, LeaseLostError, hold
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
    with hold(store, "drill", timedelta(seconds=1.5)) as held:
        time.sleep(2)
        stored = store.get("leases/drill.json")
        assert stored is not None
        now = Lease(**json.loads(stored.content))
        assert now.token == held.lease.token
        assert now.until > held.lease.until


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


def _expired(held: Holding) -> Holding:
    """Return a lease as its holder finds it that was suspended for an hour."""
    held._renewed = tuple(clock - 3600 for clock in held._renewed)  # type: ignore[assignment]  # two
    return held


def test_a_lease_that_nobody_took_meanwhile_is_ours_again(store: FolderStore) -> None:
    with hold(store, "drill", TTL) as held:
        stored = store.get(held.key)
        assert stored is not None
        _leave(store, token=held.lease.token, until=datetime(2020, 1, 1, tzinfo=UTC).isoformat())
        _expired(held).check()
        after = store.get(held.key)
        assert after is not None
        assert datetime.fromisoformat(json.loads(after.content)["until"]) > datetime.now(UTC)
        assert held._age_s() < 60


@pytest.mark.parametrize("fate", ["held", "released", "damaged"])
def test_a_lease_that_others_had_meanwhile_is_lost_for_good(store: FolderStore, fate: str) -> None:
    with hold(store, "drill", TTL) as held:
        if fate == "held":
            _leave(store, token="another", host="elsewhere", pid=7)
        elif fate == "damaged":
            store.put(held.key, b"{")
        else:
            store.delete(held.key)
        words = {
            "held": "process 7 on elsewhere",
            "released": "is gone",
            "damaged": "can't be read",
        }
        held.check()  # renewed lately: not looked at
        for look in (held.confirm, _expired(held).check, held.check):
            with pytest.raises(LeaseLostError, match=words[fate]) as lost:
                look()
            assert lost.value.exit_code == 4
    assert store.keys("leases") == (() if fate == "released" else ("leases/drill.json",))


def test_a_lost_lease_stays_lost_though_the_other_has_ended(store: FolderStore) -> None:
    with hold(store, "drill", TTL) as held:
        store.delete(held.key)
        with pytest.raises(LeaseLostError):
            held.confirm()
        _leave(store, token=held.lease.token)
        with pytest.raises(LeaseLostError):
            held.check()


def test_a_store_out_of_reach_is_borne_until_the_lease_has_ended(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise PermissionError("not now")

    with hold(store, "drill", TTL) as held, monkeypatch.context() as patch:
        patch.setattr(FolderStore, "get", away)
        held.confirm()
        with pytest.raises(LeaseLostError, match="can't be read"):
            _expired(held).check()


def test_the_renewer_outlives_a_store_that_is_away(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = FolderStore.get
    failed: list[str] = []

    def away_once(self: FolderStore, key: str) -> object:
        if not failed:
            failed.append(key)
            raise PermissionError("not now")
        return original(self, key)

    with hold(store, "drill", timedelta(seconds=3.6)) as held:
        monkeypatch.setattr(FolderStore, "get", away_once)
        time.sleep(2.6)
        assert failed
        held.confirm()
        assert held._until > held.lease.until


def test_a_suspended_holder_says_so_when_it_wakes(tmp_path: Path) -> None:
    """A process of its own is stopped, its lease expires and is taken, and it goes on."""
    program = (
        "import sys, time\n"
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from ops.lease import LeaseLostError, hold\n"
        "from ops.store import FolderStore\n"
        "with hold(FolderStore(Path(sys.argv[1])), 'drill', timedelta(seconds=1)) as held:\n"
        "    print('held', flush=True)\n"
        "    while True:\n"
        "        try:\n"
        "            held.check()\n"
        "        except LeaseLostError as error:\n"
        "            print(error, flush=True)\n"
        "            break\n"
        "        time.sleep(0.01)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        store, deadline = FolderStore(tmp_path), time.monotonic() + 10
        while True:
            try:
                with hold(store, "drill", TTL):
                    process.send_signal(signal.SIGCONT)
                    said = process.stdout.readline()
                break
            except LeaseHeldError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    assert f"process {os.getpid()} on" in said
    assert "is not proven" in said
