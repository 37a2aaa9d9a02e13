"""Imports whose process ends before Cloud SQL's does: the next command knows of them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ops.backups import importerrors, importing
from ops.invocation import Invocation
from ops.journal import unfinished
from tests.integration.backups.dumps import END, bring_in, execute, put

PATIENCE_S = 30.0
# Its rows take two seconds to come in.
SLOW = b"""
CREATE FUNCTION public.nap() RETURNS integer LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(2)';
CREATE TABLE public.napping (id integer PRIMARY KEY, n integer DEFAULT public.nap());
INSERT INTO public.napping (id) VALUES (1);
"""


def _is_begun(run: Invocation) -> bool:
    journals = unfinished(run.target.store, importing.ROOM)
    return any(entry.operation for journal in journals for entry in journal.entries())


@pytest.mark.parametrize(("cut", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_import_whose_process_ends_early_is_known_to_the_next(
    run: Invocation, fresh: str, cut: signal.Signals, code: int
) -> None:
    uri = put(run, "slow.sql", SLOW + END)
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", "backup.import", "--uri", uri, "--database", fresh],
        env={**os.environ, "LOCAL_CLOUDSQL_DIR": str(run.target.server().data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE_S
    while not _is_begun(run):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(cut)
    words, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, words
    assert "Traceback" not in words
    assert ("Cloud SQL may go on importing" in words) is (cut is signal.SIGINT)
    with pytest.raises(importerrors.ImportedAlreadyError, match="still runs"):
        bring_in(run, uri, fresh)
    run.cloud.wait(run.cloud.operations(run.target.instance)[0])
    with pytest.raises(importerrors.ImportedAlreadyError, match="not compared with the file"):
        bring_in(run, uri, fresh)
    execute(run, fresh, "DO $$BEGIN ASSERT (SELECT count(*) = 1 FROM napping); END$$")
    with pytest.raises(importerrors.TablesThereError):  # once told; the tables still tell
        bring_in(run, uri, fresh)
    assert unfinished(run.target.store, importing.ROOM) == ()
