"""Every field of an instance and of what is in it, changed through the real local Admin API.

Each change is found by drift, and nothing else is, unless it is on the lists of these tests, which
are written from the API's reference and do not use the product's; or it is refused. Then it is
taken back as the remedy says, and nothing is left. DRIFT_CASES=1000 for the long attack.
"""

import json
import os
import random
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.descriptor import (  # type: ignore[import-untyped]  # it ships no types
    Descriptor,
    FieldDescriptor,
)

from infra import apidefaults
from infra.body import instance_body, update_body
from infra.changes import body_leaves
from infra.deploy.apply import deploy, destroy
from infra.desired import INSTANCE, Desired, collect
from infra.drift.check import look
from infra.drift.differences import Difference, Finding, Remedy, differences
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
# A case takes half a second: a thousand of them are longer than any other test may take.
pytestmark = pytest.mark.timeout(7200 if WHOLE else 300)
# Each of them restarts PostgreSQL or takes it away, or stays: once each, not at random.
SLOW = re.compile(r"settings\.(tier|edition|activationPolicy|availabilityType|dataDisk\w+)$")
COUNTERS = {"settings.settingsVersion", "etag"}
_BACKUP, _INSIGHTS = "settings.backupConfiguration", "settings.insightsConfig"
# Output only by the API's reference, or a copy of what another field says.
LISTED = {
    f"{_BACKUP}.replicationLogArchivingEnabled",  # the log's archive: pointInTimeRecoveryEnabled
    f"{_BACKUP}.transactionalLogStorageState",
    "settings.connectionPoolConfig.poolerCount",
    "settings.ipConfiguration.requireSsl",  # sslMode
    "settings.locationPreference.zone",  # of every instance: this stack declares none
    "geminiConfig.entitled",
    "geminiConfig.flagRecommenderEnabled",
}
# Defaults by the API's reference: who sends one changes nothing.
USUAL = {
    f"{_BACKUP}.backupTier": "STANDARD",
    f"{_INSIGHTS}.queryStringLength": "1024",
    f"{_INSIGHTS}.queryPlansPerMinute": "5",
    "settings.dataApiAccess": "DISALLOW_DATA_API",
    "settings.ipConfiguration.serverCertificateRotationMode": "NO_AUTOMATIC_ROTATION",
    "settings.ipConfiguration.serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
    "settings.connectorEnforcement": "NOT_REQUIRED",
    "settings.pricingPlan": "PER_USE",
    "settings.replicationType": "SYNCHRONOUS",
}
# What has no effect while another field is off.
SWITCHED = {
    f"{_BACKUP}.transactionLogRetentionDays": f"{_BACKUP}.pointInTimeRecoveryEnabled",
    "settings.finalBackupConfig.retentionDays": "settings.finalBackupConfig.enabled",
    f"{_INSIGHTS}.queryPlansPerMinute": f"{_INSIGHTS}.queryInsightsEnabled",
    f"{_INSIGHTS}.queryStringLength": f"{_INSIGHTS}.queryInsightsEnabled",
    f"{_INSIGHTS}.recordApplicationTags": f"{_INSIGHTS}.queryInsightsEnabled",
    f"{_INSIGHTS}.recordClientAddress": f"{_INSIGHTS}.queryInsightsEnabled",
}
NOTHING = {"", "0", "false"}  # what the API leaves out
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
        """Return what drift finds; a note is no finding."""
        live, unread = look(self.cloud, NAME)
        assert live is not None
        assert unread == ()
        memberships = Memberships.of(self.target.settings)
        every = differences(self.desired, {NAME: live}, memberships=memberships)
        return tuple(d for d in every if d.finding is not Finding.NOTE)


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


def harmless(path: str, value: str, live: Mapping[str, str]) -> bool:
    """Tell whether a value may be passed over, by the lists of these tests alone."""
    path = re.sub(r"\.\d+(?=\.|$)", "", path)
    return (
        value in NOTHING
        or value.endswith("_UNSPECIFIED")
        or path in LISTED
        or path.startswith(OUTPUT)
        or USUAL.get(path) == value
        or (path in SWITCHED and live.get(SWITCHED[path]) != "true")
    )


def judged(place: Place, before: Mapping[str, Any]) -> int:
    """Assert that drift finds every change, and nothing else; return how many it finds."""
    after = place.body()
    live, changes = dict(body_leaves(after)), changed(before, after)
    found = {difference.property for difference in place.found()}
    assert found <= changes.keys()
    for path, (_, value) in changes.items():
        assert path in found or harmless(path, value, live), f"{path} is {value}, and no drift"
    return len(found)


def taken_back(place: Place) -> None:
    """Carry out the remedies of drift: deploy, and patch; nothing of them is left.

    The API refuses some before others: a private network goes when there is another way in.
    """
    for _ in range(3):
        found = place.found()
        if any(d.remedy in {Remedy.DEPLOY, Remedy.LOSES} for d in found):
            (resource, *_) = place.desired.of_type(INSTANCE)
            ignored = ("settings.dataDiskSizeGb",)
            send(place, update_body(instance_body(resource), place.body(), ignored), method="PUT")
        for difference in found:
            if difference.remedy is Remedy.TAKE_BACK:
                send(place, json.loads(re.findall(r"`([^`]+)`", difference.resolve)[0]))
        if not any(d.remedy is Remedy.TAKE_BACK for d in place.found()):
            return
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


@pytest.mark.parametrize(
    ("table", "key", "entry"),
    [
        ("OWN", "settings.dataApiAccess", "by mistake"),
        ("DEFAULTS", "settings.dataApiAccess", ("ALLOW_DATA_API",)),
        (
            "WITHOUT_EFFECT",
            "settings.dataApiAccess",
            "settings.retainBackupsOnDelete",
        ),
    ],
)
def test_an_entry_too_many_in_the_product_s_list_is_noticed(
    place: Place, monkeypatch: pytest.MonkeyPatch, table: str, key: str, entry: object
) -> None:
    before = place.body()
    assert send(place, {"settings": {"dataApiAccess": "ALLOW_DATA_API"}})
    try:
        assert judged(place, before) == 1
        more = {**getattr(apidefaults, table), key: entry}
        monkeypatch.setattr(apidefaults, table, more)
        with pytest.raises(AssertionError, match="dataApiAccess is ALLOW_DATA_API, and no drift"):
            judged(place, before)
    finally:
        restore(place, before)


@pytest.mark.skipif(not WHOLE, reason="test_drift tries most of them; restarts take long")
@pytest.mark.parametrize(
    "settings",
    [
        {"tier": "db-custom-2-3840"},
        {"tier": "db-perf-optimized-N-2", "edition": "ENTERPRISE_PLUS"},
        {"availabilityType": "REGIONAL"},
        {"activationPolicy": "NEVER"},
        {"dataDiskType": "PD_HDD"},
        {"dataDiskProvisionedIops": "4000"},
        {"dataDiskProvisionedThroughput": "200"},
        {"dataDiskSizeGb": "11"},  # stays: no disk shrinks
    ],
)
def test_what_restarts_is_found(place: Place, settings: dict[str, str]) -> None:
    before = place.body()
    if not send(place, {"settings": settings}):
        pytest.skip("the API refuses it")
    live, _ = look(place.cloud, NAME)
    assert live is not None
    found = {d.property for d in differences(place.desired, {NAME: live})}
    assert found >= {f"settings.{name}" for name in settings}
    if "dataDiskSizeGb" not in settings:
        restore(place, before)
        assert place.found() == ()


Expected = set[tuple[str, str, str]]  # kind, name, and property
Act = tuple[str, Callable[[], bool], Callable[[], bool], Expected]


def acts(place: Place, rng: random.Random) -> Iterator[Act]:
    """Yield what somebody may do to users and databases: the object, do, undo, what differs."""
    before = {account.name: account.roles for account in place.cloud.accounts(NAME)}
    logins = dict(place.target.settings.users.by_role())

    def call(path: str, method: str, body: Mapping[str, Any] | None = None) -> Callable[[], bool]:
        return lambda: send(place, body or {}, path, method)

    login = rng.choice(list(logins.values()))
    role = rng.choice(ROLES)
    kept = "".join(f"&databaseRoles={name}" for name in before[login])
    usual = role in before[login] or (role, login) == ("pg_monitor", logins["monitor"])
    yield (
        login,
        call(f"/users?name={login}&databaseRoles={role}", "PUT"),
        call(f"/users?name={login}&revokeExistingRoles=true{kept}", "PUT"),
        set() if usual else {("user", login, f"databaseRoles.{role}")},
    )
    gone = rng.choice(list(logins.values()))
    password = {"name": gone, "password": "S3cret-of-a-test!"}
    yield (
        gone,
        call(f"/users?name={gone}", "DELETE"),
        call("/users", "POST", password),
        {("user", gone, "")},
    )
    new = rng.choice(("eve", "cloudsqlhelper", "pgbouncer", "ai_square_app2", "Owner"))
    body = {"name": new, "password": "S3cret-of-a-test!", "databaseRoles": [role]}
    yield (
        new,
        call("/users", "POST", body),
        call(f"/users?name={new}", "DELETE"),
        {("user", new, "")},
    )
    kind, mail = rng.choice(
        (("CLOUD_IAM_USER", "eve@example.com"), ("CLOUD_IAM_SERVICE_ACCOUNT", "bot@p.iam"))
    )
    yield (
        mail,
        call("/users", "POST", {"name": mail, "type": kind}),
        call(f"/users?name={mail}", "DELETE"),
        {("user", mail, "")},
    )
    beside = rng.choice(("shop", "postgres2", "ai_square_old"))
    yield (
        beside,
        call("/databases", "POST", {"name": beside}),
        call(f"/databases/{beside}", "DELETE"),
        {("database", beside, "")},
    )
    ours = place.target.settings.database
    charset, collation = rng.choice((("SQL_ASCII", "C"), ("UTF8", "C"), ("LATIN1", "C")))
    as_it_was = next(d for d in place.cloud.database_details(NAME) if d.name == ours)
    whole = {"name": ours, "charset": as_it_was.charset, "collation": as_it_was.collation}
    odd = {"name": ours, "charset": charset, "collation": collation}
    drop, make = call(f"/databases/{ours}", "DELETE"), call("/databases", "POST", whole)
    if rng.random() < 0.5:
        yield ours, drop, make, {("database", ours, "")}
    else:
        yield (
            ours,
            lambda: drop() and send(place, odd, "/databases", "POST"),
            lambda: drop() and make(),
            {("database", ours, name) for name in odd if odd[name] != whole[name]},
        )


def test_users_and_databases_changed_by_hand(place: Place) -> None:
    rng = random.Random(SEED)  # noqa: S311 - cases, no secrets
    for _ in range(max(CASES // 4, 8)):
        expected: Expected = set()
        undo: list[Callable[[], bool]] = []
        touched: set[str] = set()
        for thing, act, back, different in rng.sample(list(acts(place, rng)), k=rng.randint(1, 3)):
            if thing not in touched and act():  # else a role that is not there, or a type
                touched.add(thing)
                expected |= different
                undo.append(back)
        gone = {f"databaseRoles.{name}" for kind, name, prop in expected if not prop}
        expected = {one for one in expected if one[2] not in gone}  # a role goes with its members
        found = {(str(d.kind), d.name, d.property) for d in place.found()}
        assert found == expected
        assert all(back() for back in undo)
        assert place.found() == ()
