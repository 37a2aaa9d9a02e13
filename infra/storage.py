"""Buckets: where exports go, and where the jobs leave leases, journals and evidence.

Deleting one would take its objects along, so nothing here ever does: ``force_destroy`` is
off, and Pulumi's protection goes with the instance's.
"""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import sql, storage

from infra.settings import Settings

DAY_S = 24 * 3600
SOFT_DELETE_DAYS = 7  # https://cloud.google.com/storage/docs/soft-delete: 7 to 90
VERSION_DAYS = 30  # for which a replaced object can be had again
# An export writes new objects and reads nothing; only parallel ones list and delete too:
# https://cloud.google.com/sql/docs/postgres/import-export/import-export-sql
EXPORT_WRITER = "roles/storage.objectCreator"


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets that a stack declares; None for one that it has not."""

    exports: storage.Bucket | None
    evidence: storage.Bucket | None


def declare_buckets(settings: Settings, instance: sql.DatabaseInstance) -> Buckets:
    """Declare the buckets, and let the instance's service account write exports."""
    declared = settings.storage
    exports = evidence = None
    if declared.exports is not None:
        exports = _bucket(
            settings,
            "exports",
            declared.exports,
            locked_days=declared.export_locked_days,
            deleted_after_days=declared.export_retention_days,
        )
        storage.BucketIAMMember(
            "exports-writer",
            bucket=exports.name,
            role=EXPORT_WRITER,
            member=pulumi.Output.concat("serviceAccount:", instance.service_account_email_address),
        )
    if declared.evidence is not None:
        evidence = _bucket(
            settings, "evidence", declared.evidence, locked_days=declared.evidence_locked_days
        )
    return Buckets(exports, evidence)


def _bucket(
    settings: Settings,
    key: str,
    name: str,
    *,
    locked_days: int,
    deleted_after_days: int | None = None,
) -> storage.Bucket:
    """Declare a bucket that is private, in the stack's region, and keeps what it has.

    A lock and versions exclude each other
    (https://cloud.google.com/storage/docs/object-versioning): objects that nobody can
    replace need none. Without a lock the versions before a change stay.
    """
    return storage.Bucket(
        f"{key}-bucket",
        name=name,
        project=settings.project,
        location=settings.region.upper(),  # as the API tells it: no difference for ever
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        force_destroy=False,
        versioning=storage.BucketVersioningArgs(enabled=locked_days == 0),
        retention_policy=_lock(locked_days),
        soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
            retention_duration_seconds=SOFT_DELETE_DAYS * DAY_S
        ),
        lifecycle_rules=_lifecycle(deleted_after_days, versions=locked_days == 0),
        labels=dict(settings.instance.labels),
        opts=pulumi.ResourceOptions(protect=settings.instance.deletion_protection),
    )


def _lock(days: int) -> storage.BucketRetentionPolicyArgs | None:
    if days == 0:
        return None
    return storage.BucketRetentionPolicyArgs(retention_period=str(days * DAY_S), is_locked=True)


def _lifecycle(
    deleted_after_days: int | None, *, versions: bool
) -> list[storage.BucketLifecycleRuleArgs]:
    """Return when objects go: old ones, old versions, and uploads that never ended."""
    condition = storage.BucketLifecycleRuleConditionArgs
    rules = [_rule("AbortIncompleteMultipartUpload", condition(age=1))]
    if deleted_after_days is not None:
        rules.append(_rule("Delete", condition(age=deleted_after_days)))
    if versions:
        old = condition(days_since_noncurrent_time=VERSION_DAYS, with_state="ARCHIVED")
        rules.append(_rule("Delete", old))
    return rules


def _rule(
    action: str, condition: storage.BucketLifecycleRuleConditionArgs
) -> storage.BucketLifecycleRuleArgs:
    return storage.BucketLifecycleRuleArgs(
        action=storage.BucketLifecycleRuleActionArgs(type=action), condition=condition
    )
