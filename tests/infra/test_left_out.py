"""What a stack file sets and then leaves out: sent explicitly, or shown as what it is.

An input that is optional and computed in the provider is not sent where it is left out: it
stays. A program that leaves it out says something that never arrives.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from infra.desired import Desired, collect
from infra.effects.effect import Effect
from infra.effects.instances import input_path
from infra.effects.leftout import WAYS, way
from infra.effects.table import rows, without_indexes
from infra.preview.difference import differences
from infra.settings import SettingsError
from infra.settings.declared import Declared
from infra.settings.keys import NAMESPACE
from infra.settings.validation import validate
from infra.stackfile import read_config

PLUS = {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2"}
RING = "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k"
FULL: dict[str, Any] = {
    "zone": "asia-east1-a",
    "secondaryZone": "asia-east1-b",
    "kmsKey": RING,
    "databaseVersion": "POSTGRES_16",
    "diskType": "PD_HDD",
    "networkRangeAddress": "10.80.0.0",
    "denyMaintenanceStart": "12-20",
    "denyMaintenanceEnd": "01-10",
    "serverCaMode": "CUSTOMER_MANAGED_CAS_CA",
    "serverCaPool": "projects/p/locations/asia-east1/caPools/c",
    "iamUsers": {"a@b.com": "readonly"},
    "replicas": {"r": {"zone": "asia-east1-c", "kmsKey": RING, "tier": "db-custom-4-15360"}},
    "notifyWebhook": "notify",
    "runnerTimeZone": "Asia/Taipei",
}
CASES: Mapping[str, dict[str, Any]] = {
    "full": FULL,
    "as committed": {},
    "plus": {**PLUS, "dataCache": True, "connectionPooling": True, "replicas": {"r": {"nodes": 3}}},
    "plus without": {**PLUS, "replicas": {"r": {}}},
    "psc": {"networkMode": "PSC", "pscConsumerProjects": ["other"], "replicas": {"r": {}}},
    "bare": {
        "availability": "ZONAL",
        "diskAutoresize": False,
        "backupEnabled": False,
        "pointInTimeRecovery": False,
        "finalBackupDays": 0,
        "retainBackupsOnDelete": False,
        "maintenanceDay": "",
        "queryInsights": False,
        "passwordMinLength": 0,
        "iamAuthentication": False,
        "exportLockedDays": 0,
        "labels": {},
        "replicas": {"r": {}},
    },
}
OF_TASKS = {"notifyTemplate", "drillCostCapUsd", "changeDays", "changeHours", "evidenceLockedDays"}


@cache
def declared(case: str, without: str = "") -> Desired:
    """Return what prod declares with a case's values, one of them back at its default."""
    values = {**read_config("prod"), **{f"{NAMESPACE}:{k}": v for k, v in CASES[case].items()}}
    if without:
        values[without] = next(
            field.default for field in Declared.model_fields.values() if field.alias == without
        )
    return collect(validate("prod", values))


def changes() -> Iterator[tuple[str, Desired, Desired]]:
    """Yield pairs of declarations: every case with every other, and each value taken back."""
    for case in CASES:
        for other in CASES:
            if case != other:
                yield f"{case} to {other}", declared(case), declared(other)
    for key in FULL:
        try:
            yield f"without {key}", declared("full"), declared("full", f"{NAMESPACE}:{key}")
        except SettingsError:
            continue  # it can't be taken back alone; the pairs of cases do


def leaves(value: object, path: str = "") -> Iterator[str]:
    """Yield every path of inputs, blocks included; an entry of a list goes with its entry."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            here = f"{path}.{name}" if path else str(name)
            yield here
            yield from leaves(item, here)


def left_out(before: Desired, after: Desired) -> Iterator[tuple[str, str, str]]:
    """Yield what both sides have, and one sets and the other does not: type, name, path."""
    there = {(one.type, one.name): one for one in after.resources}
    for one in before.resources:
        other = there.get((one.type, one.name))
        if other is None:
            continue
        for path in sorted({*leaves(one.inputs)} - {*leaves(other.inputs)}):
            row = rows().get((one.type, path))
            if row is not None and row.optional_computed:
                yield one.type, one.name, path


def test_what_is_left_out_stays_and_is_shown_so() -> None:
    found: set[tuple[str, str]] = set()
    for what, before, after in changes():
        lost = tuple(left_out(before, after))
        if not lost:
            continue
        shown = {
            (one.type, one.name, without_indexes(input_path(change.property))): change
            for one in differences(before, after)
            for change in one.changes
        }
        for kind, name, path in lost:
            found.add((kind, path))
            below = [
                change
                for (type_, resource, place), change in shown.items()
                if (type_, resource) == (kind, name)
                and (place == path or place.startswith(f"{path}."))
            ]
            assert below, (what, name, path)
            for change in below:
                assert change.effect is Effect.STAY, (what, name, path, change)
                assert change.consequence is not None
                assert way(kind, path) in change.consequence.why
    assert found == WAYS.keys()


def test_cases_set_everything_that_is_empty_by_default() -> None:
    tried = {f"{NAMESPACE}:{key}" for case in CASES.values() for key in case}
    tried |= read_config("prod").keys()
    empty = {str(f.alias) for f in Declared.model_fields.values() if not f.default}
    of_tasks = {f"{NAMESPACE}:{key}" for key in OF_TASKS}  # they declare nothing
    assert {key for key in empty - tried if key.startswith(NAMESPACE)} <= of_tasks
