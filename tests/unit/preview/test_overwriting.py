"""Files that no preview made are not overwritten unasked; earlier reports are."""

from pathlib import Path

import pytest

from infra.preview.ask import MARKER, REPORTS, Asked, answer
from ops.console import Silent
from ops.guard import UnansweredError

NOTHING = "no-such-revision"  # ends the comparison right after the question


def ask(folder: Path, *, yes: bool = False) -> None:
    answer(Asked("local", NOTHING, "", "", "", engine=False, out=str(folder), yes=yes), Silent())


@pytest.mark.parametrize("name", REPORTS)
def test_a_file_of_somebody_else_asks(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UnansweredError, match=name):
        ask(tmp_path)
    with pytest.raises(Exception, match=NOTHING):
        ask(tmp_path, yes=True)
    assert (tmp_path / name).read_text() == "mine"


def test_an_earlier_report_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(Exception, match=NOTHING):
        ask(tmp_path)
    for name in REPORTS:
        (tmp_path / name).write_text(f"{MARKER}\n")
    with pytest.raises(Exception, match=NOTHING):
        ask(tmp_path)
