from pathlib import Path

from infra.local.folder import Folder


def test_what_stood_in_once_goes_on(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        folder = Folder(tmp_path, lock)
        assert not folder.stands_in(asked=False)
        assert folder.stands_in(asked=True)
        assert folder.stands_in(asked=False)
