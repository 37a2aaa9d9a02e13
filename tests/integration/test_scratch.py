"""The scratch cluster: what it says when it can't, and that nothing of it stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.db import AS_CONFIGURED, DIAGNOSTIC
from ops.programs import find
from ops.scratch import SUPERUSER, Scratch, ScratchFailedError, scratch


@pytest.fixture(scope="module")
def cluster() -> Iterator[Scratch]:
    with scratch(find(15, stand_in=True)) as made:
        yield made


def test_a_server_has_its_settings_and_ends_with_the_block(cluster: Scratch) -> None:
    with cluster.running({"work_mem": "8MB", "cluster_name": "it's \\ here"}) as database:
        pid = int((cluster.data / "postmaster.pid").read_text().split()[0])
        with database.connect(SUPERUSER, budget=AS_CONFIGURED) as connection:
            shown = connection.execute("SELECT current_setting('work_mem'), version()").fetchone()
            name = connection.execute("SHOW cluster_name").fetchone()
            listens = connection.execute("SHOW listen_addresses").fetchone()
        assert shown is not None
        assert shown[0] == "8MB"
        assert name == ("it's \\ here",)
        assert listens == ("",)
    assert not Path(f"/proc/{pid}").exists()
    with cluster.running({}) as database, database.connect(SUPERUSER, budget=DIAGNOSTIC) as again:
        assert again.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_our_limits_hide_the_servers_own_only_when_asked_to(cluster: Scratch) -> None:
    with cluster.running({"lock_timeout": "7s"}) as database:
        for budget, shown in ((AS_CONFIGURED, "7s"), (DIAGNOSTIC, "100ms")):
            with database.connect(SUPERUSER, budget=budget) as connection:
                assert connection.execute("SHOW lock_timeout").fetchone() == (shown,)


@pytest.mark.parametrize(
    ("settings", "said", "room"),
    [
        ({"work_mem": "lots"}, 'invalid value for parameter "work_mem": "lots"', False),
        ({"wibble": "1"}, 'unrecognized configuration parameter "wibble"', False),
        ({"shared_preload_libraries": "wibble"}, 'could not access file "wibble"', False),
        ({"shared_buffers": "4TB"}, "could not map anonymous shared memory", True),
    ],
)
def test_a_server_that_does_not_start_says_why(
    cluster: Scratch,
    settings: dict[str, str],
    said: str,
    room: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    with pytest.raises(ScratchFailedError) as caught, cluster.running(settings):
        pytest.fail("it started")
    assert said in caught.value.said
    assert str(caught.value).startswith("A scratch PostgreSQL could not start: ")
    assert caught.value.for_want_of_room == room


def test_a_setting_is_asked_for_without_a_start(cluster: Scratch) -> None:
    with pytest.raises(ScratchFailedError), cluster.running({"work_mem": "lots"}):
        pytest.fail("it started")  # and what it was given is forgotten
    assert cluster.ask("shared_buffers", {"shared_buffers": "1TB"}) == "134217728"
    assert cluster.ask("work_mem", {}) == "4096"
    with pytest.raises(ScratchFailedError, match="could not read work_mem: invalid value"):
        cluster.ask("work_mem", {"work_mem": "lots"})
    assert cluster.has_library("auto_explain")
    assert not cluster.has_library("wibble")


def test_the_folder_goes_whatever_happens() -> None:
    folder = Path("unset")

    def break_off() -> None:
        nonlocal folder
        with scratch(find(15, stand_in=True)) as made, made.running({}):
            folder = made.folder
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert folder.name.startswith("pg-scratch-")
    assert not folder.exists()
