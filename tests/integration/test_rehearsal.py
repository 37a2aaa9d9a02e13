"""What `invoke local.up / env / down` say where things are not as usual."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra import rehearsal
from ops import localcloud
from ops.target import Target, load

PG_PORT = "5494"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    parent = Path(tempfile.mkdtemp(prefix="rehearsal-"))
    parent.chmod(0o755)  # the clusters' user has to pass through
    yield replace(load("local"), local=parent / "data")
    localcloud.stop(parent / "data", wipe=True)
    shutil.rmtree(parent)


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
    with pytest.raises(localcloud.RefusedError, match="lower-case"):
        rehearsal.bucket(target, "", "Exports")


def test_a_wipe_says_what_went(target: Target) -> None:
    rehearsal.up(target, "", "0", PG_PORT)
    assert "removed: instances, backups, evidence" in str(
        rehearsal.down(target, "", wipe=True).blocks()[0]
    )
    again = str(rehearsal.down(target, "", wipe=True).blocks()[0])
    assert again == f"Nothing was running for the local Cloud SQL of {target.local}."
