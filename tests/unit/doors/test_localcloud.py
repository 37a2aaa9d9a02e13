import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ops import localcloud
from ops.db import NoPasswordError, PasswordFolder
from tests.places import folder


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"null", b"5", b'{"url": "u", "pid": [], "port": 1, "pg_port": 2}'],
)
def test_a_damaged_announcement_announces_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "server.json").write_bytes(content)
    assert localcloud.running(tmp_path) is None


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder that the clusters' user can enter."""
    with folder("localcloud") as found:
        yield found


def test_a_start_that_is_interrupted_leaves_no_server(parent: Path) -> None:
    data = parent / "data"
    start = "import sys; from pathlib import Path; from ops import localcloud as l; "
    start += "l.ensure(Path(sys.argv[1]), port=0, pg_port=5492)"
    caller = subprocess.Popen([sys.executable, "-c", start, data], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not _of(data):
        assert time.monotonic() < deadline
        time.sleep(0.005)

    caller.send_signal(signal.SIGINT)

    caller.wait(60)
    assert _of(data) == []


def test_an_interrupt_in_the_midst_of_the_start_leaves_no_server(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def interrupted(*arguments: object, **options: object) -> object:
        made = start(*arguments, **options)  # type: ignore[call-overload]  # as it was called
        signal.raise_signal(signal.SIGINT)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", interrupted)
        with pytest.raises(KeyboardInterrupt):
            localcloud.ensure(parent / "data", port=0, pg_port=5492)
    assert _of(parent / "data") == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _of(data: Path) -> list[str]:
    """Return the servers on a data folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"infra.local" in words and str(data).encode() in words:
                found.append(process.name)
    return found


def test_a_damaged_password_is_none(tmp_path: Path) -> None:
    (tmp_path / "user").write_bytes(b"\xff")
    with pytest.raises(NoPasswordError, match="user"):
        PasswordFolder(tmp_path).password("user")
