"""What `invoke local.up / env / down` say where things are not as usual."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra import localfaults, rehearsal, smalldisk
from ops import localcloud
from ops.arguments import BadArgumentError
from ops.localserver import RefusedError
from ops.target import Target, load
from tests.places import folder

PG_PORT = "5494"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with folder("rehearsal") as parent:
        yield replace(load("local"), local=parent / "data")
        localcloud.stop(parent / "data", wipe=True)


def test_a_server_on_another_port_is_not_taken_for_the_one_asked_for(target: Target) -> None:
    up = rehearsal.up(target, "", "0", PG_PORT)
    assert rehearsal.up(target, "", "0", PG_PORT).pid == up.pid
    assert rehearsal.up(target, "", "", "").pid == up.pid
    with pytest.raises(rehearsal.RunsElsewhereError, match="--port"):
        rehearsal.up(target, "", "1", "")
    with pytest.raises(rehearsal.RunsElsewhereError, match="--pg-port 5494 and not 5495"):
        rehearsal.up(target, "", "", "5495")


def test_an_older_way_to_a_database_is_taken_out_of_the_shell(target: Target) -> None:
    rehearsal.up(target, "", "0", PG_PORT)
    lines = rehearsal.environment(target).blocks()
    assert str(lines[0]).startswith("#")
    assert lines[1] == "unset PGHOST PGDATABASE PGUSER PGPASSFILE"
    assert f"export PGPORT={PG_PORT}" in lines
    assert "PGHOST" not in rehearsal.environment(target).document()


def test_a_bucket_is_made_once_and_a_bad_name_refused(target: Target) -> None:
    rehearsal.up(target, "", "0", PG_PORT)
    made = rehearsal.bucket(target, "", "exports")
    assert made == rehearsal.bucket(target, "", "exports")
    assert made.folder.is_dir()
    with pytest.raises(RefusedError, match="lower-case"):
        rehearsal.bucket(target, "", "Exports")


def test_faults_are_put_in_force_shown_and_lifted(target: Target) -> None:
    rehearsal.up(target, "", "0", PG_PORT)
    options = {"kind": "slow", "match": "flags.*", "share": "0.5", "seconds": "0.2", "count": "3"}
    added = rehearsal.faults(target, "", clear=False, options=options)
    about = "flags.*, share 0.5, seed 0, at most 3, 0.2 s"
    assert [(one.kind, one.about, one.hits) for one in added.faults] == [("slow", about, 0)]
    status = rehearsal.status(target)
    assert status.faults == added.faults
    assert status.blocks()[-1] == added.blocks()[0]

    for wrong, error, said in (
        ({"kind": "nope"}, RefusedError, "Use one of: unavailable"),
        ({"kind": "lost-wal", "instance": "n"}, RefusedError, "does not exist"),
        ({"kind": "slow", "count": "few"}, BadArgumentError, "--count is 'few'"),
        ({"free_mb": "3"}, localfaults.NothingAddedError, "--free-mb without a fault"),
    ):
        with pytest.raises(error, match=said):
            rehearsal.faults(target, "", clear=False, options=wrong)

    lifted = rehearsal.faults(target, "", clear=True, options={"kind": "busy", "match": ""})
    assert [(one.id, one.kind) for one in lifted.faults] == [(1, "busy")]
    none = rehearsal.faults(target, "", clear=True, options={})
    assert none.blocks() == ("No faults on demand.",)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_a_small_disk_is_there_from_up_to_wipe(target: Target) -> None:
    assert target.local is not None
    data = target.local.with_name("small")
    try:
        smalldisk.mount(data, "150")
    except smalldisk.CannotMountError as error:
        pytest.skip(str(error))
    rehearsal.up(target, str(data), "0", PG_PORT, "150")
    full = {"kind": "full-disk", "free_mb": "1"}
    rehearsal.faults(target, str(data), clear=False, options=full)
    assert shutil.disk_usage(data).free < 2 << 20
    assert rehearsal.down(target, str(data), wipe=True, yes=True).wiped
    assert not data.exists()
    target.local.mkdir(exist_ok=True)
    (target.local / "mine").touch()
    with pytest.raises(smalldisk.CannotMountError, match="has content"):
        smalldisk.mount(target.local, "150")
    (target.local / "mine").unlink()


def test_a_wipe_says_what_went(target: Target) -> None:
    rehearsal.up(target, "", "0", PG_PORT)
    assert "removed: instances, backups, evidence" in str(
        rehearsal.down(target, "", wipe=True, yes=True).blocks()[0]
    )
    assert target.local is not None
    target.local.mkdir()
    with pytest.raises(localcloud.NotADataFolderError):  # before a question
        rehearsal.down(target, "", wipe=True)
    target.local.rmdir()
    again = str(rehearsal.down(target, "", wipe=True, yes=True).blocks()[0])
    assert again == f"Nothing was running for the local Cloud SQL of {target.local}."
