from pathlib import Path

import pytest

from infra.stackfile import UnknownStackError
from ops import localcloud
from ops.db import LibpqPasswords, NoPasswordError
from ops.target import NotLocalError, load


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCAL_CLOUDSQL_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("INVOKE_STACK", raising=False)
    return tmp_path


def test_the_stack_is_the_option_then_the_environment_then_local(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load("").stack == "local"
    monkeypatch.setenv("INVOKE_STACK", "staging")
    assert load("").stack == "staging"
    assert load("prod").stack == "prod"


def test_an_unknown_stack_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownStackError, match="local, prod, staging"):
        load("production")


def test_the_local_stack_keeps_its_records_beside_the_data(folder: Path) -> None:
    target = load("local")
    assert (target.local, target.state) == (folder, folder / "ops" / "local")
    with pytest.raises(NoPasswordError, match=r"local\.deploy"):
        target.passwords().password(target.owner)
    with pytest.raises(localcloud.NotRunningError, match=r"local\.up"):
        target.cloud()


def test_a_cloud_stack_has_no_local_server_and_leaves_passwords_to_libpq(folder: Path) -> None:
    target = load("prod")
    assert target.state == folder / "state" / "ai-square-db" / "prod"
    assert isinstance(target.passwords(), LibpqPasswords)
    with pytest.raises(NotLocalError, match="-s local"):
        target.server()


@pytest.mark.parametrize("given", ["x", "70000", "-1"])
def test_a_port_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_CLOUDSQL_PORT", given)
    with pytest.raises(localcloud.BadPortError, match="0 and 65535"):
        localcloud.port_from("LOCAL_CLOUDSQL_PORT", 8765)
