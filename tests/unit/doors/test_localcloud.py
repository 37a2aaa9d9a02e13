from pathlib import Path

import pytest

from ops import localcloud
from ops.db import NoPasswordError, PasswordFolder


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b"null", b"5", b'{"url": "u", "pid": [], "port": 1, "pg_port": 2}'],
)
def test_a_damaged_announcement_announces_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "server.json").write_bytes(content)
    assert localcloud.running(tmp_path) is None


def test_a_damaged_password_is_none(tmp_path: Path) -> None:
    (tmp_path / "user").write_bytes(b"\xff")
    with pytest.raises(NoPasswordError, match="user"):
        PasswordFolder(tmp_path).password("user")
