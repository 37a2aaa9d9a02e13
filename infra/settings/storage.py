"""Buckets: where exports go, and where drills leave their evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from infra.settings.keys import BucketName, Keys, Rule, key, keys
from infra.settings.stack import ENDPOINT, is_local

if TYPE_CHECKING:
    from infra.settings.declared import Declared


class StorageKeys(Keys):
    """Keys of the buckets."""

    export_bucket: BucketName = Field("", description="Bucket that exports go to; empty for none.")
    export_retention_days: int = Field(
        30, ge=1, le=3650, description="Days after which an export is deleted."
    )
    export_locked_days: int = Field(
        7, ge=0, le=3650, description="Days for which nobody can delete an export; 0 for none."
    )
    evidence_bucket: BucketName = Field(
        "",
        description="Bucket for leases, journals and evidence of scheduled jobs; empty for none.",
    )
    evidence_locked_days: int = Field(
        0, ge=0, le=3650, description="Days for which nobody can delete evidence; 0 for none."
    )


@dataclass(frozen=True, slots=True)
class Storage:
    """The buckets.

    Attributes:
        exports: Name of the exports' bucket; None for none.
        export_retention_days: After which an export is deleted.
        export_locked_days: For which nobody can delete one; 0 for none.
        evidence: Name of the bucket of leases, journals and evidence; None for none.
        evidence_locked_days: For which nobody can delete evidence; 0 for none.
    """

    exports: str | None
    export_retention_days: int
    export_locked_days: int
    evidence: str | None
    evidence_locked_days: int


def storage(d: "Declared") -> Storage:
    """Return the buckets' settings."""
    return Storage(
        exports=d.export_bucket or None,
        export_retention_days=d.export_retention_days,
        export_locked_days=d.export_locked_days,
        evidence=d.evidence_bucket or None,
        evidence_locked_days=d.evidence_locked_days,
    )


def _buckets(d: "Declared") -> Iterator[str]:
    for name, value in (("export_bucket", d.export_bucket), ("evidence_bucket", d.evidence_bucket)):
        if value and is_local(d):
            yield (
                f"{key(name)}: the local stack declares no buckets. Leave it out;"
                " `invoke local.bucket` makes one."
            )
    if d.export_bucket and d.export_bucket == d.evidence_bucket:
        yield (
            f"{key('evidence_bucket')}: {d.evidence_bucket} is the exports' bucket, whose objects"
            " are deleted. Give evidence its own."
        )
    if d.export_locked_days > d.export_retention_days:
        yield (
            f"{key('export_locked_days')}: {d.export_locked_days} is more than"
            f" exportRetentionDays ({d.export_retention_days}): exports would be locked past"
            " their deletion."
        )


RULES: tuple[Rule, ...] = (
    (
        (
            ENDPOINT,
            *keys(
                "export_bucket",
                "evidence_bucket",
                "export_locked_days",
                "export_retention_days",
            ),
        ),
        _buckets,
    ),
)
