"""What is said of a disk: whether it still grows by itself."""

from dataclasses import replace

import pytest

from infra.disk.grow import Growth

GROWTH = Growth("local", "db", 10, 20, 20, applied=True, limit_gb=50)


@pytest.mark.parametrize(
    ("limit_gb", "autoresize", "said"),
    [
        (50, True, ""),
        (0, True, ""),  # no limit
        (25, True, ""),  # a whole step of 5 GB
        (24, True, "4 GB left to grow by itself, less than a step of 5 GB"),
        (20, True, "0 GB left to grow by itself"),
        (20, False, "does not grow by itself: a full disk stops db"),
    ],
)
def test_a_disk_at_its_limit_is_said_not_to_grow(
    limit_gb: int,
    autoresize: bool,  # noqa: FBT001 - the instance's own switch
    said: str,
) -> None:
    for growth in (GROWTH, replace(GROWTH, applied=False), replace(GROWTH, before_gb=20)):
        text = " ".join(
            map(str, replace(growth, limit_gb=limit_gb, autoresize=autoresize).blocks())
        )
        assert (said in text) if said else ("by itself" not in text)
