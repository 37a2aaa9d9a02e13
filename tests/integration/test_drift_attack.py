"""Every field of an instance and of its users, changed through the real local Admin API.

Each change is found by drift, or is on the list of what the API fills in, or is refused; then it
is taken back as the remedy says, and nothing is left. DRIFT_CASES=1000 for the long attack.
"""

import json
import os
import random
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import (  # type: ignore[import-untyped]  # it ships no types
    Descriptor,
    FieldDescriptor,
)

from infra.apidefaults import DEFAULTS, fills_in
from infra.changes import body_leaves
from infra.deploy.apply import deploy, destroy
from infra.desired import Desired, collect
from infra.drift.check import look
from infra.drift.differences import Difference, Remedy, differences
from infra.drift.undeclared import Memberships
from infra.settings import load
from ops.cloudsql import CloudSql
from ops.cloudsql.model import operation as operation_of
from ops.console import Silent
from ops.target import Target
from tests.places import local_cloud

NAME = "ai-square-db"
CASES = int(os.environ.get("DRIFT_CASES", "4"))
WHOLE = CASES > 100  # then every field is tried; else a sample, and those that were passed over
SEED = int(os.environ.get("DRIFT_SEED", "14"))
# Each of them restarts PostgreSQL or takes it away: once each below, not at random.
SLOW = re.compile(r"settings\.(tier|edition|activationPolicy|availabilityType|dataDisk\w+)$")
COUNTERS = {"settings.settingsVersion", "etag"}
# What a change may do that drift passes over, with the reason in infra/apidefaults.py.
LISTED = {
    "settings.backupConfiguration.replicationLogArchivingEnabled",
    "settings.backupConfiguration.transactionalLogStorageState",
    "settings.connectionPoolConfig.poolerCount",
    "settings.finalBackupConfig.retentionDays",
    "settings.insightsConfig.queryPlansPerMinute",
    "settings.insightsConfig.queryStringLength",
    "settings.insightsConfig.recordApplicationTags",
    "settings.insightsConfig.recordClientAddress",
    "settings.ipConfiguration.requireSsl",
    "settings.ipConfiguration.serverCertificateRotationMode",
    "settings.locationPreference.zone",
    "settings.backupConfiguration.transactionLogRetentionDays",
    "geminiConfig.entitled",
}
PASSED_OVER = {
    "settings.acceleratedReplicaMode",
    "settings.backupConfiguration.backupTier",
    "settings.backupConfiguration.location",
    "settings.dataApiAccess",
    "settings.ipConfiguration.authorizedNetworks[].value",
    "settings.ipConfiguration.enablePrivatePathForGoogleCloudServices",
    "settings.ipConfiguration.privateNetwork",
    "settings.passwordValidationPolicy.enablePasswordPolicy",
    "settings.replicationLagMaxSeconds",
}
OUTPUT = ("ipAddresses.", "gceZone", "secondaryGceZone")
TEXTS = ("by-hand", "projects/p/global/networks/other", "192.0.2.0/24", "12:00", "asia-east1-c")
ROLES = ("pg_monitor", "pg_read_all_data", "pg_write_all_data", "ai_square_owner", "by_hand")


@dataclass(frozen=True)
class Place:
    """A deployed stack, and what it declares."""

    target: Target
    cloud: CloudSql
    url: str
    desired: Desired

    def body(self) -> Mapping[str, Any]:
        return self.cloud.instance(NAME).body

    def found(self) -> tuple[Difference, ...]:
        live, unread = look(self.cloud, NAME)
        assert live is not None
        assert unread == ()
        memberships = Memberships.of(self.target.settings)
        return differences(self.desired, {NAME: live}, memberships=memberships)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with local_cloud("asdb") as server:
        target = Target("local", load("local"), server.data / "ops", server.data)
        deploy(target, Silent())
        yield Place(target, target.cloud(), server.url, collect(target.settings))
        destroy(target, Silent(), yes=True)


def fields(kind: Descriptor, path: str = "") -> Iterator[tuple[str, FieldDescriptor]]:
    """Yield every field of a message and of the messages in it, by its path."""
    for field in kind.fields:
        inner, whole = field.message_type, f"{path}{field.json_name}"
        plain = inner is None or not inner.full_name.startswith("google.cloud")
        if plain or inner.GetOptions().map_entry:
            yield whole, field
        else:
            yield from fields(inner, f"{whole}{'[]' if field.is_repeated else ''}.")


def every_field() -> dict[str, FieldDescriptor]:
    from google.cloud import sqladmin_v1beta4

    every = dict(fields(sqladmin_v1beta4.DatabaseInstance.pb().DESCRIPTOR))
    return {path: field for path, field in every.items() if field.name != "kind"}  # no setting


def values(path: str, field: FieldDescriptor, now: object, rng: random.Random) -> Iterator[object]:
    """Yield values of a field's type that are another one than it has."""
    inner = field.message_type
    name = inner.name if inner is not None else ""
    if name.endswith("Entry"):
        yield {"by-hand": "x"}
    elif field.enum_type is not None:
        words = [value.name for value in field.enum_type.values if value.number and value.name]
        others = [word for word in words if word != now]
        yield from rng.sample(others, k=min(3, len(others)))
    elif name == "BoolValue" or field.type == FieldDescriptor.TYPE_BOOL:
        yield now is not True
    elif name in {"Timestamp", "Duration"}:
        yield {"Timestamp": "2031-01-01T00:00:00Z", "Duration": "3600s"}[name]
    elif name or field.type in {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64}:
        yield from (rng.choice((1, 3, 5)), 2000, 400)
    elif field.type == FieldDescriptor.TYPE_DOUBLE:
        yield 0.5
    else:
        yield from TEXTS if "settings" in path else TEXTS[:1]


def nested(path: str, value: object, field: FieldDescriptor) -> dict[str, Any]:
    """Return the body that sets one field."""
    if field.is_repeated and not isinstance(value, dict):
        value = [value]
    for part in reversed(path.split(".")):
        value = {part.removesuffix("[]"): [value] if part.endswith("[]") else value}
    assert isinstance(value, dict)
    return value


def at(body: Mapping[str, Any], path: str) -> object:
    value: Any = body
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def send(place: Place, body: Mapping[str, Any], path: str = "", method: str = "PATCH") -> bool:
    """Send a body as it is, nulls too, which the SDK leaves out; tell whether the API took it."""
    request = urllib.request.Request(  # noqa: S310 - the local server's own address
        f"{place.url}/sql/v1beta4/projects/{place.cloud.project}/instances/{NAME}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer any", "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            operation = json.load(answer)
    except urllib.error.HTTPError:
        return False
    place.cloud.wait(operation_of(operation))
    return True


def restore(place: Place, before: Mapping[str, Any]) -> None:
    settings = {k: v for k, v in before["settings"].items() if k != "settingsVersion"}
    kept = ("diskEncryptionConfiguration", "geminiConfig", "tags")
    more = {name: before[name] for name in kept if name in before}
    assert send(place, {"settings": settings, **more}, method="PUT")


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    old, new = dict(body_leaves(before)), dict(body_leaves(after))
    paths = (old.keys() | new.keys()) - COUNTERS
    return {p: (old.get(p, ""), new.get(p, "")) for p in paths if old.get(p) != new.get(p)}


def judged(place: Place, before: Mapping[str, Any]) -> int:
    """Assert that every change is found or listed; return how many are found."""
    after = place.body()
    live = dict(body_leaves(after))
    found = {difference.property for difference in place.found()}
    for path, (_, value) in changed(before, after).items():
        if path in found:
            continue
        assert path not in live or fills_in(path, live), f"{path} is {value}, and no drift"
        usual = value in DEFAULTS.get(path, ())  # said, and what the API fills in anyway
        output = path.startswith(OUTPUT) or path in LISTED or usual
        assert output or value == "", f"{path} is {value}: on no list of these tests"
    return len(found)


def taken_back(place: Place) -> None:
    """Carry out the remedies that are bodies of instances.patch; nothing of them is left."""
    bodies = [
        json.loads(re.findall(r"`([^`]+)`", difference.resolve)[0])
        for difference in place.found()
        if difference.remedy is Remedy.TAKE_BACK
    ]
    for body in bodies:
        send(place, body)
    assert [d for d in place.found() if d.remedy is Remedy.TAKE_BACK] == []


def test_what_was_just_deployed_has_no_difference(place: Place) -> None:
    assert place.found() == ()


def test_every_field_is_found_or_listed_or_refused(place: Place) -> None:
    rng, before = random.Random(SEED), place.body()  # noqa: S311 - cases, no secrets
    taken: set[str] = set()
    table = {path: field for path, field in every_field().items() if not SLOW.search(path)}
    chosen = list(table) if WHOLE else [*sorted(PASSED_OVER), *rng.sample(list(table), k=8)]
    for path in chosen:
        field = table[path]
        now = at(before, path)
        if any(send(place, nested(path, v, field)) for v in values(path, field, now, rng)):
            if judged(place, before):
                taken.add(path)
            taken_back(place)
            restore(place, before)
            assert place.found() == (), path
    assert taken >= PASSED_OVER  # the local server keeps these: tried, and not only refused
    assert all(path.startswith(("settings.", "geminiConfig.", "diskEnc", "tags")) for path in taken)


def test_several_fields_at_once(place: Place) -> None:
    rng, before = random.Random(SEED), place.body()  # noqa: S311 - cases, no secrets
    table = {path: field for path, field in every_field().items() if not SLOW.search(path)}
    settings = [path for path in table if path.startswith("settings.")]
    for _ in range(CASES):
        for path in rng.sample(settings, k=rng.randint(1, 4)):
            for value in list(values(path, table[path], at(before, path), rng))[:1]:
                send(place, nested(path, value, table[path]))
        judged(place, before)
        taken_back(place)
        restore(place, before)
        assert place.found() == ()


def users(place: Place) -> dict[str, tuple[str, ...]]:
    return {one.name: one.roles for one in place.cloud.accounts(NAME)}


def test_roles_of_users(place: Place) -> None:
    rng, before = random.Random(SEED), users(place)  # noqa: S311 - cases, no secrets
    logins = dict(place.target.settings.users.by_role())
    for _ in range(max(CASES // 4, 6)):
        login, role = rng.choice(list(logins.values())), rng.choice(ROLES)
        query = f"/users?name={login}&databaseRoles={role}"
        if not send(place, {}, query, "PUT"):
            continue  # a role that is not there, or the user's own
        usual = {"pg_monitor"} if login == logins["monitor"] else set()
        new = set(users(place)[login]) - set(before[login]) - usual
        found = {(difference.name, difference.property) for difference in place.found()}
        assert found == {(login, f"databaseRoles.{name}") for name in new}
        roles = "".join(f"&databaseRoles={name}" for name in before[login])
        assert send(place, {}, f"/users?name={login}&revokeExistingRoles=true{roles}", "PUT")
        assert place.found() == ()
