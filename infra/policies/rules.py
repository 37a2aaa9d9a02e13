"""All rules, in the order of the table of published checks, and what of it is not ours.

The table is the union of CIS Google Cloud Foundations v5 (section 6), Checkov, Trivy,
KICS, Prowler, CloudSploit, Cloud Foundation Fabric and policy-library; rows 38 to 58 are
ours alone. Every row has at least one rule. Ids that ask about MySQL alone are left out.
"""

from collections.abc import Mapping
from types import MappingProxyType

from infra.policies import (
    access,
    backups,
    flags,
    lognoise,
    logs,
    machine,
    network,
    survival,
    upkeep,
)
from infra.policies.rule import Rule

ROWS = range(1, 59)
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "CKV2_GCP_20": "point-in-time recovery by MySQL's binary log",
        "CIS 6.1.1": "MySQL's root without a password; PostgreSQL's side is password-policy",
        "CKV2_GCP_7": "as CIS 6.1.1",
        "anyHostRootAccess": "MySQL's root@%; PostgreSQL users have no host",
        "CIS v2 6.2.9": "gone since v3; private-address asks it by Prowler's name",
    }
)
"""Ids of rows that apply, whose own question does not apply to PostgreSQL, and why."""

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            rule
            for topic in (
                network,
                access,
                backups,
                survival,
                logs,
                lognoise,
                machine,
                flags,
                upkeep,
            )
            for rule in topic.RULES
        ),
        key=lambda rule: rule.row,
    )
)
BY_ID: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in RULES})
