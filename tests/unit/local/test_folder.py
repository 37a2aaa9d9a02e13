from pathlib import Path

import pytest

from infra.local.engine.account import cluster_owner
from infra.local.errors import FolderNameError
from infra.local.folder import Folder, hold


def test_what_stood_in_once_goes_on(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        folder = Folder(tmp_path, lock)
        assert not folder.stands_in(allowed=False)
        assert folder.stands_in(allowed=True)
        assert folder.stands_in(allowed=False)


@pytest.mark.parametrize("name", ['a"b', "$(id)", "`id`", "two\nlines"])
def test_a_name_that_a_shell_would_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FolderNameError, match="Give one without"):
        hold(tmp_path / name, cluster_owner())
    assert not (tmp_path / name).exists()


def test_a_name_with_a_space_and_a_quote_is_held(tmp_path: Path) -> None:
    with hold(tmp_path / "it's here", cluster_owner()).lock as lock:
        assert lock.name.endswith("server.lock")
