"""Adopting an instance that somebody made by hand on a real local Cloud SQL."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.adopt.adopt import FilesThereError, adopt
from infra.adopt.people import Asked
from infra.adopt.report import Adoption
from infra.adopt.source import NoSourceError, source
from infra.deploy.apply import Deployer
from infra.desired import collect
from infra.drift.check import drift, look
from infra.drift.differences import Finding, differences
from infra.settings import load
from infra.stackfile import ROOT
from ops.checks.result import State
from ops.cloudsql import CloudSql, NoSuchInstanceError
from ops.console import Silent, to_json
from ops.store import FolderStore
from ops.target import Target
from tests.places import local_cloud

PROJECT, NAME, REPLICA = "ai-square-local", "legacy", "legacy-reports"
PASSWORD = "Geheim-geheim-1"
# As gcloud would have sent it, years ago: nothing of it is the project's default.
FLAGS = [
    {"name": "work_mem", "value": "6144"},
    {"name": "shared_buffers", "value": "131072"},
    {"name": "random_page_cost", "value": "1.10"},
    {"name": "log_min_duration_statement", "value": "250"},
    {"name": "max_connections", "value": "60"},
    {"name": "cloudsql.iam_authentication", "value": "on"},
]
BODY: dict[str, Any] = {
    "name": NAME,
    "databaseVersion": "POSTGRES_15",
    "region": "europe-west1",
    "settings": {
        "tier": "db-custom-2-8192",
        "edition": "ENTERPRISE",
        "dataDiskSizeGb": "37",
        "storageAutoResizeLimit": "120",
        "databaseFlags": FLAGS,
        "userLabels": {"team": "data", "cost-center": "42"},
        "maintenanceWindow": {"day": 7, "hour": 0, "updateTrack": "week5"},
        "insightsConfig": {"queryInsightsEnabled": True},
        "ipConfiguration": {"ipv4Enabled": True, "sslMode": "ENCRYPTED_ONLY"},
        "backupConfiguration": {
            "enabled": True,
            "startTime": "02:30",
            "pointInTimeRecoveryEnabled": True,
            "transactionLogRetentionDays": 5,
            "backupRetentionSettings": {"retainedBackups": 14},
        },
    },
}
# What the program gives a replica of its primary's.
SHARED = ("storageAutoResizeLimit", "userLabels", "ipConfiguration")
USERS = ("shop_web", "migrator", "report", "exporter")


@dataclass(frozen=True)
class Place:
    data: Path
    url: str
    cloud: CloudSql


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with local_cloud("asdb") as server:
        cloud = CloudSql(PROJECT, server.url)
        make_by_hand(cloud)
        yield Place(server.data, server.url, cloud)


def make_by_hand(cloud: CloudSql) -> None:
    cloud.wait(cloud.insert(BODY))
    cloud.wait(cloud.insert_database(NAME, "shop"))
    for user in USERS:
        cloud.wait(cloud.insert_user(NAME, user, PASSWORD))
    for email, kind in (
        ("ann@example.com", "CLOUD_IAM_USER"),
        ("job@p.iam.gserviceaccount.com", "CLOUD_IAM_SERVICE_ACCOUNT"),
    ):
        cloud.wait(cloud.insert_iam_user(NAME, email, kind))
    flags = [f | {"value": "8192"} if f["name"] == "work_mem" else f for f in FLAGS]
    cloud.wait(
        cloud.insert(
            {
                "name": REPLICA,
                "region": "europe-west1",
                "masterInstanceName": NAME,
                "settings": {
                    **{k: BODY["settings"][k] for k in SHARED},
                    "tier": "db-custom-4-8192",
                    "databaseFlags": flags,
                },
            }
        )
    )


def adopted(place: Place, out: Path, *, force: bool = False, **asked: str) -> Adoption:
    found = source("legacy", NAME, PROJECT, place.url)
    users = {role: name for role, name in asked.items() if role != "database"}
    who = Asked(asked.get("database", ""), users)
    return adopt(found, who, Silent(), out=out, force=force)


def test_an_adopted_instance_shows_no_difference(place: Place, tmp_path: Path) -> None:
    before = [place.cloud.instance(name).body for name in (NAME, REPLICA)]
    done = adopted(place, tmp_path)
    assert done.differences == ()
    assert done.cannot == ()
    assert done.instances == (NAME, REPLICA)
    assert [place.cloud.instance(name).body for name in (NAME, REPLICA)] == before

    settings = load("legacy", tmp_path)
    live = {name: found for name in (NAME, REPLICA) if (found := look(place.cloud, name)[0])}
    assert len(live) == 2
    assert differences(collect(settings), live) == ()
    target = Target("legacy", settings, tmp_path, place.data)
    drifted = drift(target)
    assert (drifted.differences, drifted.state) == ((), State.UNKNOWN)
    (unread,) = drifted.unread  # adopting sets no passwords, so nobody can ask for settings yet
    assert "Settings of roles and databases were not read." in unread.why


def test_the_deployer_would_do_nothing_but_set_passwords(place: Place, tmp_path: Path) -> None:
    adopted(place, tmp_path)
    settings = load("legacy", tmp_path)
    deployer = Deployer(settings, place.cloud, FolderStore(tmp_path / "record"), Silent())
    decided, _ = deployer.decide(collect(settings))
    assert {(s.action, s.kind, s.name) for s in decided.steps} == {
        ("change", "user", user) for user in USERS
    }
    assert {c.property for step in decided.steps for c in step.changes} == {"password"}


def test_the_stack_file_says_it_in_peoples_words(place: Place, tmp_path: Path) -> None:
    done = adopted(place, tmp_path)
    lines = (tmp_path / "Pulumi.legacy.yaml").read_text().splitlines()
    assert lines[0].startswith(f"# Taken from the live {PROJECT}:{NAME} on 20")
    for line in (
        "  gcp:region: europe-west1",
        "  ai-square-db:tier: db-custom-2-8192",
        "  ai-square-db:diskSizeGb: 37",
        "  ai-square-db:maintenanceDay: sun",
        "    cost-center: '42'",
        "    shared_buffers: 1GB",
        "    work_mem: 6MB",
        "    random_page_cost: 1.1",
        "  ai-square-db:appUser: shop_web  # guessed from its name",
        "      tier: db-custom-4-8192",
        "    ann@example.com: readonly",
    ):
        assert line in [one.replace(" #", "  #").replace("   #", "  #") for one in lines]
    text = "\n".join(lines)
    # what the project says anyway is not said again
    for default in ("iamAuthentication", "edition", "diskType", "pointInTimeRecovery", "zone"):
        assert f"ai-square-db:{default}:" not in text
    assert PASSWORD not in text + to_json(done)
    assert done.passwords == tuple(sorted(USERS))
    assert "locked out" in (tmp_path / "adoption.legacy.md").read_text()


def test_the_import_list_names_what_the_program_declares(place: Place, tmp_path: Path) -> None:
    done = adopted(place, tmp_path)
    listed = json.loads((tmp_path / "import.legacy.json").read_text())["resources"]
    ids = {entry["name"]: entry["id"] for entry in listed}
    assert ids == {
        "instance": f"projects/{PROJECT}/instances/{NAME}",
        "replica-reports": f"projects/{PROJECT}/instances/{REPLICA}",
        "database": f"projects/{PROJECT}/instances/{NAME}/databases/shop",
        "owner-user": f"{PROJECT}/{NAME}/migrator",
        "app-user": f"{PROJECT}/{NAME}/shop_web",
        "readonly-user": f"{PROJECT}/{NAME}/report",
        "monitor-user": f"{PROJECT}/{NAME}/exporter",
        "iam-ann@example.com": f"{PROJECT}/{NAME}/ann@example.com",
        "iam-job@p.iam.gserviceaccount.com": f"{PROJECT}/{NAME}/job@p.iam",
    }
    declared = {(r.type, r.name) for r in collect(load("legacy", tmp_path)).resources}
    assert {(entry["type"], entry["name"]) for entry in listed} <= declared
    assert done.imports.created == ()


def test_a_user_can_be_left_out_to_keep_its_password(place: Place, tmp_path: Path) -> None:
    done = adopted(place, tmp_path, app="shop_app")
    assert "shop_web" not in done.passwords
    assert {(d.name, d.finding) for d in done.differences} == {
        ("shop_app", Finding.MISSING),
        ("shop_web", Finding.UNDECLARED),
    }
    assert done.imports.created == ("app-user",)


def test_nothing_is_overwritten_unasked(place: Place, tmp_path: Path) -> None:
    mine = tmp_path / "Pulumi.legacy.yaml"
    mine.write_text("config: {}\n")
    with pytest.raises(FilesThereError, match="--force"):
        adopted(place, tmp_path)
    assert mine.read_text() == "config: {}\n"
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]


EXISTING = """# Ours, by hand.
config:
  gcp:project: ai-square-local
  gcp:region: asia-east1  # was moved
  gcp:sqlCustomEndpoint: {url}/sql/v1beta4/
  gcp:accessToken: any
  ai-square-db:instance: legacy
  ai-square-db:drillLeaseMinutes: 3  # impatient
  ai-square-db:tier: db-custom-1-3840
  ai-square-db:flags:
    # in pages it would be 131072
    shared_buffers: 1024MB
    max_connections: 200
    log_lock_waits: on
  ai-square-db:iamUsers:
    ann@example.com: owner
"""


def test_a_stack_file_keeps_its_comments_and_its_own_keys(place: Place, tmp_path: Path) -> None:
    stack_file = tmp_path / "Pulumi.legacy.yaml"
    stack_file.write_text(EXISTING.format(url=place.url))
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    found = source("legacy", root=tmp_path, endpoint=place.url)
    done = adopt(found, Asked(), Silent(), force=True, root=tmp_path)
    assert done.differences == ()
    text = stack_file.read_text()
    for kept in (
        "# Ours, by hand.",
        "# was moved",
        "drillLeaseMinutes: 3  # impatient",
        "# in pages it would be 131072\n    shared_buffers: 1024MB",
        "max_connections: 60",
        "ann@example.com: owner",
    ):
        assert kept in text
    assert "region: europe-west1" in text
    assert "log_lock_waits" not in text
    assert "tier: db-custom-2-8192" in text
    same = source("legacy", root=tmp_path, endpoint=place.url)
    again = adopt(same, Asked(), Silent(), force=True, root=tmp_path)
    assert again.differences == ()
    assert stack_file.read_text() == text


def test_what_is_not_there_is_a_sentence(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NoSourceError, match="--project has to be given"):
        source("unheard-of")
    with pytest.raises(NoSuchInstanceError):
        adopt(source("legacy", "nope", PROJECT, place.url), Asked(), Silent(), out=tmp_path)
    assert list(tmp_path.iterdir()) == []
