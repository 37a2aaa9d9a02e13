"""The data disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.keys import Keys, Rule, key, keys

if TYPE_CHECKING:
    from infra.settings.declared import Declared


class DiskKeys(Keys):
    """Keys of the data disk."""

    disk_size_gb: int = Field(
        100,
        ge=10,
        le=65_536,
        description="Size of the disk in GB at creation; it grows by itself and never shrinks.",
    )
    disk_type: Literal["PD_SSD", "PD_HDD"] = Field("PD_SSD", description="Kind of the disk.")
    disk_autoresize: bool = Field(
        default=True, description="Whether a disk that fills is grown by Cloud SQL."
    )
    disk_autoresize_limit_gb: int = Field(
        500, ge=0, le=65_536, description="Size in GB at which growing ends; 0 for no limit."
    )


def step_gb(size_gb: int) -> int:
    """Return by how much Cloud SQL grows a disk of a size that fills.

    https://cloud.google.com/sql/docs/postgres/instance-settings#threshold
    """
    return min(5 + size_gb // 25, 25)


@dataclass(frozen=True, slots=True)
class Disk:
    """The data disk.

    Attributes:
        size_gb: At creation; a disk that grew stays grown.
        type: ``PD_SSD`` or ``PD_HDD``.
        autoresize: Whether Cloud SQL grows it when it fills.
        autoresize_limit_gb: Where growing ends; 0 for never.
    """

    size_gb: int
    type: str
    autoresize: bool
    autoresize_limit_gb: int


def disk(d: "Declared") -> Disk:
    """Return the disk's settings."""
    return Disk(d.disk_size_gb, d.disk_type, d.disk_autoresize, d.disk_autoresize_limit_gb)


def _limit(d: "Declared") -> Iterator[str]:
    if 0 < d.disk_autoresize_limit_gb < d.disk_size_gb:
        yield (
            f"{key('disk_autoresize_limit_gb')}: {d.disk_autoresize_limit_gb} is less than"
            f" diskSizeGb ({d.disk_size_gb}). Raise the limit, or write 0 for none."
        )


RULES: tuple[Rule, ...] = ((keys("disk_size_gb", "disk_autoresize_limit_gb"), _limit),)
