"""Machine types: which ones Cloud SQL makes."""

import pytest

from ops.tiers import BadTierError, parse_tier


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("db-f1-micro", "its name is not db-custom-VCPU-MB"),
        ("db-custom-3-7680", "1 or an even number"),
        ("db-custom-98-614400", "up to 96"),
        ("db-custom-2-7700", "multiple of 256"),
        ("db-custom-1-3584", "at least 3840"),
        ("db-custom-1-7680", "0.9 to 6.5 GB of memory a vCPU"),
        ("db-custom-16-7680", "0.9 to 6.5 GB of memory a vCPU"),
    ],
)
def test_tiers_that_are_not_made(name: str, why: str) -> None:
    with pytest.raises(BadTierError, match=why):
        parse_tier(name)


def test_tiers_that_are_made() -> None:
    assert parse_tier("db-custom-1-3840").vcpus == 1
    assert parse_tier("db-custom-2-13312").memory_mb == 13312
    assert parse_tier("db-custom-96-638976").vcpus == 96
