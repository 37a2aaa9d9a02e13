"""What the instance is: version, edition, tier, place, key, labels."""

import re
from collections.abc import Mapping
from typing import get_args

from infra.policies.limits import BACKUP_PLACES, LABELS, REGIONS, VCPUS_MOST
from infra.policies.rule import (
    Answer,
    Ids,
    Rule,
    Seen,
    Severity,
    aside,
    broken,
    either,
    fine,
    unknown,
)
from infra.policies.subject import Origin, Subject
from infra.settings.backup import usual_location
from infra.settings.instance import InstanceKeys
from ops.tiers import BadTierError, parse_tier

# What the program takes is less than what Cloud SQL offers.
VERSIONS = get_args(InstanceKeys.model_fields["database_version"].annotation)
LATEST = 18  # of the majors that Cloud SQL offers, as CKV_GCP_79 asks
_TIERS = re.compile(r"db-(?:custom|perf-optimized-N)-(?P<vcpus>\d+)(?:-\d+)?")


def _latest(s: Subject) -> Answer:
    version = s.text("databaseVersion")
    return either(version == f"POSTGRES_{LATEST}", version)


def _edition(s: Subject) -> Answer:
    edition = s.text("settings.edition")
    return either(bool(edition), edition or "left to the API: PostgreSQL 16 and later get Plus")


def _key(s: Subject) -> Answer:
    own = s.has("diskEncryptionConfiguration.kmsKeyName")
    return either(own, "a customer-managed key" if own else "Google's key")


def _labels(s: Subject) -> Answer:
    labels = s.get("settings.userLabels") or {}
    missing = [label for label in LABELS if not labels.get(label)]
    return either(not missing, f"no {', '.join(missing)}" if missing else ", ".join(LABELS))


def _place(s: Subject) -> Answer:
    region = s.text("region")
    if s.is_replica:  # has no backups
        return either(region in REGIONS, region or "none")
    backups = s.text("settings.backupConfiguration.location")
    place = backups or usual_location(region)
    if not place:
        return unknown(f"{region or 'no region'}; its backups are where Cloud SQL chooses")
    away = [place for place in s.facts.backup_places or () if place not in BACKUP_PLACES]
    words = f"{region}, its backups in {', '.join(dict.fromkeys((place, *away)))}"
    good = region in REGIONS and place in BACKUP_PLACES and not away
    if good and s.origin is Origin.LIVE and s.facts.backup_places is None:
        return unknown(f"{words}; where those are that were taken earlier is not known")
    return either(good, words)


def _buckets(s: Subject) -> Answer:
    buckets: Mapping[str, str] = s.fact("buckets")
    away = [f"{name} in {place}" for name, place in buckets.items() if place not in REGIONS]
    words = ", ".join(buckets) or "no buckets"
    return broken("; ".join(away)) if away else fine(words)


def _machine(s: Subject) -> Answer:
    tier = s.text("settings.tier")
    match = _TIERS.fullmatch(tier)
    if match is None:
        return broken(f"{tier}: cores are shared, or its kind is not ours")
    return either(int(match["vcpus"]) <= VCPUS_MOST, tier)


def _grammar(s: Subject) -> Answer:
    tier = s.text("settings.tier")
    if _TIERS.fullmatch(tier) is None:
        return aside(f"{tier} is of another kind: see allowed-machine")
    try:
        parse_tier(tier, s.text("settings.edition") or "ENTERPRISE")
    except BadTierError as error:
        return broken(str(error))
    return fine(tier)


RULES = (
    Rule(
        id="customer-managed-key",
        row=10,
        title="The disk is encrypted with a customer-managed key",
        severity=Severity.LOW,
        ask=_key,
        remedy="Set kmsKey (this replaces the instance), or waive it.",
        ids=Ids(prowler=("cmek_encryption_enabled",), cloudsploit=("sqlCMKEncryption",)),
    ),
    Rule(
        id="latest-major",
        row=30,
        title=f"PostgreSQL is the latest major version, {LATEST}",
        severity=Severity.LOW,
        ask=_latest,
        remedy=(
            f"Waive it: the program takes {', '.join(VERSIONS)} as databaseVersion. Raise it to"
            " the last of them after a rehearsed upgrade."
        ),
        ids=Ids(checkov=("CKV_GCP_79",), cloudsploit=("postgresqlLatestVersion",)),
    ),
    Rule(
        id="labels",
        row=33,
        title=f"Labels are there: {', '.join(LABELS)}",
        severity=Severity.LOW,
        ask=_labels,
        remedy=f"Set labels: {', '.join(f'{label}: VALUE' for label in LABELS)}.",
        ids=Ids(cloudsploit=("sqlInstanceLabelsAdded",)),
    ),
    Rule(
        id="allowed-region",
        row=36,
        title=(
            f"The instance is in {', '.join(REGIONS)}, its backups in {' or '.join(BACKUP_PLACES)}"
        ),
        severity=Severity.HIGH,
        ask=_place,
        remedy=(
            "Set gcp:region to an allowed one, or allow it in infra/policies/limits.py;"
            " a replica's region stands in replicas. For backups, set backupLocation: asia, and"
            " delete those that are elsewhere: `invoke backup.verify` names them."
        ),
        ids=Ids(google=("gcp_sql_location_v1",)),
    ),
    Rule(
        id="allowed-bucket-place",
        row=36,
        title=f"Exports and evidence are in {', '.join(REGIONS)}",
        severity=Severity.HIGH,
        ask=_buckets,
        remedy="Declare the bucket in an allowed region: it is made in gcp:region.",
        seen=Seen.DECLARED,
        of_replicas=False,
    ),
    Rule(
        id="allowed-machine",
        row=37,
        title=f"Cores are the instance's own, at most {VCPUS_MOST}",
        severity=Severity.MEDIUM,
        ask=_machine,
        remedy="Set tier: db-custom-VCPU-MB, or raise the limit in infra/policies/limits.py.",
        ids=Ids(google=("gcp_sql_instance_type_v1",)),
    ),
    Rule(
        id="explicit-edition",
        row=39,
        title="The edition is said, and not left to the API",
        severity=Severity.MEDIUM,
        ask=_edition,
        remedy="Set edition: ENTERPRISE.",
        seen=Seen.DECLARED,
    ),
    Rule(
        id="tier-grammar",
        row=45,
        title="The tier is a machine that Cloud SQL makes in this edition",
        severity=Severity.HIGH,
        ask=_grammar,
        remedy="Set tier: db-custom-VCPU-MB, or db-perf-optimized-N-VCPU on ENTERPRISE_PLUS.",
    ),
)
