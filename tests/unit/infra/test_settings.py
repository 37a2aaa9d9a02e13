"""Settings: the three stacks as they are, and everything wrong told at once."""

import json
from datetime import time
from pathlib import Path

import pytest
import yaml

from infra.settings import ChangeWindow, SettingsError, load
from infra.settings.declared import config_section, engine_values
from infra.settings.validation import validate
from infra.stackfile import ROOT, StackFileError, UnknownStackError, read_config, stacks
from tests.unit.infra.declared import GOOD, problems, write


def test_the_context_is_in_the_stack_files() -> None:
    prod, staging, local = load("prod"), load("staging"), load("local")
    assert prod.project == staging.project == "ai-square-463013"
    assert {prod.region, staging.region, local.region} == {"asia-east1"}
    assert prod.instance.name == "ai-square-db-prod"
    assert staging.instance.name == "ai-square-db-staging"
    assert local.instance.name == "ai-square-db"
    assert {prod.database, staging.database, local.database} == {"ai_square"}
    assert (prod.users.owner, prod.users.app) == ("ai_square_owner", "ai_square_app")
    assert prod.instance.database_version == "POSTGRES_15"
    assert prod.instance.tier.name == "db-custom-2-7680"
    assert (prod.instance.disk.size_gb, prod.instance.disk.type) == (100, "PD_SSD")
    assert prod.instance.availability == "REGIONAL"
    assert prod.instance.backup.retained == 7
    assert prod.instance.backup.point_in_time
    assert (prod.pool.max_connections, prod.pool.size) == (100, 20)
    assert (prod.pool.idle_timeout_s, prod.pool.lifetime_s) == (600, 3600)


def test_the_stacks_differ_where_they_should() -> None:
    prod, staging, local = load("prod"), load("staging"), load("local")
    assert [s.production for s in (prod, staging, local)] == [True, False, False]
    assert [s.instance.deletion_protection for s in (prod, staging, local)] == [True, True, False]
    assert [s.local for s in (prod, staging, local)] == [False, False, True]
    assert local.endpoint == "http://127.0.0.1:8765"
    assert prod.endpoint is None
    assert local.network is None
    assert prod.network is not None
    assert staging.network is not None
    assert prod.change_window == ChangeWindow(("fri", "sat"), time(17), time(21))
    assert local.change_window is None


def test_an_unknown_stack_lists_those_there_are() -> None:
    with pytest.raises(UnknownStackError, match="prod, staging") as caught:
        load("prd")
    assert "Pulumi.prd.yaml" in str(caught.value)
    assert stacks() == ("local", "prod", "staging")


def test_the_project_file_declares_what_the_model_has() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    assert project["config"] == config_section()
    assert project["main"] == "infra/"
    assert project["runtime"]["options"] == {"toolchain": "pip", "virtualenv": ".venv"}


def test_stack_files_hold_only_what_differs() -> None:
    defaults = {key: entry["default"] for key, entry in config_section().items()}
    for stack in stacks():
        config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
        same = [key for key, value in config.items() if defaults.get(key, object()) == value]
        assert same == [], stack


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_the_engine_and_the_files_give_the_same_settings(stack: str) -> None:
    handed = {key: _as_the_engine_hands(value) for key, value in read_config(stack).items()}
    assert validate(stack, engine_values(handed)) == load(stack)


def _as_the_engine_hands(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        "bad",
        """
config:
  gcp:region: asia-east1
  ai-square-db:teir: db-custom-2-7680
  ai-square-db:tier: db-custom-3-3800
  ai-square-db:diskSizeGb: 5
  ai-square-db:availability: BOTH
  ai-square-db:logRetentionDays: 36
  ai-square-db:backupStartTime: 7pm
  ai-square-db:changeDays: [sat, someday]
  ai-square-db:poolSize: 500
  ai-square-db:appUser: ai_square_owner
  ai-square-db:flags:
    jit: off
    max_connections: 5
    shared_bufers: 1GB
""",
    )
    with pytest.raises(SettingsError) as caught:
        load("bad", tmp_path)
    said = caught.value.problems
    assert len(said) == 14
    text = str(caught.value)
    assert text.startswith("The configuration of stack bad has 14 settings that can't be used.")
    for sentence in (
        "gcp:project is missing: Google Cloud project.",
        "ai-square-db:teir is no setting of this project. Did you mean ai-square-db:tier?",
        "ai-square-db:tier: there is no tier db-custom-3-3800: its vCPUs are 1 or an even number",
        "ai-square-db:diskSizeGb: 5 can't be used: input should be greater than or equal to 10.",
        "ai-square-db:availability: 'BOTH' can't be used: input should be 'REGIONAL' or 'ZONAL'.",
        "ai-square-db:logRetentionDays: 36 can't be used",
        "ai-square-db:backupStartTime: '7pm' can't be used",
        "ai-square-db:changeDays.1: 'someday' can't be used",
        "ai-square-db:poolSize: one pool of 500 is more than all pools",
        "ai-square-db:appUser: ai_square_owner is the owner too.",
        "ai-square-db:flags: jit is a PostgreSQL setting but no Cloud SQL flag.",
        "ai-square-db:flags: max_connections: 5 is out of range.",
        "Did you mean shared_buffers?",
        "ai-square-db:networkName is missing",
    ):
        assert sentence in text, sentence


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"flags": {"shared_buffers": "9GB"}}, "from 768 MB to 4.5 GB"),
        ({"flags": {"shared_buffers": None}}, "A flag is a word, a number, true or false".lower()),
        ({"flags": "shared_buffers=1GB"}, "valid dictionary"),
        (
            {"backupEnabled": False, "pointInTimeRecovery": False},
            "REGIONAL needs backupEnabled; Cloud SQL refuses",
        ),
        ({"backupRetained": 3}, "7 days of log need as many daily backups"),
        ({"diskSizeGb": 900}, "500 is less than diskSizeGb (900)"),
        ({"instance": "Ai_Square"}, "ai-square-db:instance: 'Ai_Square' can't be used"),
        ({"instance": "a" * 97}, "limited to 98 characters"),
        ({"ownerUser": "postgres"}, "postgres is Cloud SQL's own"),
        ({"database": "pg_x"}, "pg_x is Cloud SQL's own"),
        ({"changeHours": "10:00-10:00"}, "is no time at all"),
        ({"changeHours": "10-11"}, "ai-square-db:changeHours: '10-11' can't be used"),
        ({"edition": "PLUS"}, "input should be 'ENTERPRISE' or 'ENTERPRISE_PLUS'"),
        ({"edition": "ENTERPRISE_PLUS"}, "ENTERPRISE_PLUS takes db-perf-optimized-N-VCPU"),
        ({"tier": "db-perf-optimized-N-8"}, "Set edition ENTERPRISE_PLUS"),
        ({"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-7"}, "one of 2, 4, 8, 16"),
        ({"logRetentionDays": 14, "backupRetained": 14}, "ENTERPRISE keeps the log for 1 to 7"),
        ({"zone": "europe-west1-b"}, "not in gcp:region asia-east1"),
        ({"secondaryZone": "asia-east1-a", "zone": "asia-east1-a"}, "is the primary's zone"),
        ({"secondaryZone": "asia-east1-a", "availability": "ZONAL"}, "has no standby"),
        ({"dataCache": True}, "dataCache needs edition ENTERPRISE_PLUS"),
        ({"connectionPooling": True}, "connectionPooling needs edition ENTERPRISE_PLUS"),
        ({"kmsKey": "key"}, "is no key's name"),
        (
            {"kmsKey": "projects/p/locations/us/keyRings/r/cryptoKeys/k"},
            "keys of the instance's own region alone",
        ),
        ({"flags": {"cloudsql.iam_authentication": "on"}}, "has a key of its own"),
        ({"denyMaintenanceStart": "12-01"}, "'12-01' to '' is no period"),
        ({"denyMaintenanceStart": "2026-02-30", "denyMaintenanceEnd": "2026-03-01"}, "no period"),
        ({"denyMaintenanceStart": "2026-12-01", "denyMaintenanceEnd": "01-15"}, "no period"),
        ({"denyMaintenanceStart": "11-01", "denyMaintenanceEnd": "02-15"}, "107 days without"),
        ({"queryInsightsTextBytes": 9000}, "past the limit of edition ENTERPRISE: 4500"),
        ({"queryInsightsPlansPerMinute": 50}, "past the limit of edition ENTERPRISE: 20"),
        ({"serverCaPool": "pool"}, "a pool goes with serverCaMode CUSTOMER_MANAGED_CAS_CA"),
        ({"subnetRange": "10.0.0.1/24"}, "is no range of addresses"),
        ({"subnetRange": "8.8.8.0/24"}, "is not private"),
        ({"networkRangeAddress": "10.64.1.0"}, "can't begin a range of prefix length 20"),
        ({"networkRangeAddress": "10.64.0.0"}, "overlaps the range for private services"),
        ({"pscConsumerProjects": ["other"]}, "they go with networkMode PSC"),
        ({"monitorUser": "ai_square_app"}, "monitorUser: ai_square_app is the app too"),
        ({"iamUsers": {"a@b.com": "boss"}}, "ai-square-db:iamUsers.a@b.com: 'boss' can't be used"),
        ({"iamUsers": {"A@b.com": "app"}}, "has capital letters"),
        ({"iamUsers": {"a@b.com": "app"}, "iamAuthentication": False}, "nobody logs in with IAM"),
        ({"exportBucket": "bkt", "evidenceBucket": "bkt"}, "Give evidence its own"),
        ({"exportLockedDays": 60}, "60 is more than exportRetentionDays (30)"),
        ({"runnerImage": "i", "evidenceBucket": ""}, "jobs lose their disk as they end"),
        (
            {"runnerImage": "i", "evidenceBucket": "bkt", "evidenceLockedDays": 30},
            "a locked one lets nobody replace or delete them",
        ),
        (
            {"networkMode": "PSC", "replicas": {"r": {"region": "asia-east2"}}},
            "with networkMode PSC a replica needs an endpoint in its own region",
        ),
        ({"drillSchedule": "daily"}, "'daily' is no schedule"),
        ({"replicas": {"r": {"source": "x"}}}, "there is no replica 'x'"),
        ({"replicas": {"r": {"source": "r"}}}, "or follows itself"),
        ({"replicas": {"r": {"nodes": 2}}}, "a read pool needs edition ENTERPRISE_PLUS"),
        (
            {
                "edition": "ENTERPRISE_PLUS",
                "tier": "db-perf-optimized-N-2",
                "replicas": {"r": {"nodes": 2, "zone": "asia-east1-a"}},
            },
            "nodes over zones",
        ),
        ({"passwordVersion": 10_000}, "passwordVersion: 10000 can't be used"),
        ({"replicas": {"r": {"zone": "us-east1-b"}}}, "us-east1-b is not in asia-east1"),
        ({"replicas": {"r": {"size": 2}}}, "ai-square-db:replicas.r.size is no setting"),
        ({"replicas": {"r": {"tier": "db-custom-3-3840"}}}, "replicas.r.tier: there is no tier"),
        (
            {
                "flags": {"max_connections": 200},
                "replicas": {"r": {"flags": {"max_connections": 100}}},
            },
            "max_connections 100 is less than the primary's 200",
        ),
        (
            {"flags": {"shared_buffers": "4GB"}, "replicas": {"r": {"tier": "db-custom-1-3840"}}},
            "ai-square-db:replicas.r.flags: shared_buffers",
        ),
        (
            {
                "kmsKey": "projects/p/locations/asia-east1/keyRings/r/cryptoKeys/k",
                "replicas": {"r": {"region": "us-east1"}},
            },
            "kmsKey is missing: the primary's key is of asia-east1",
        ),
        ({"databaseVersion": "POSTGRES_9_6"}, "input should be 'POSTGRES_15', "),
        ({"networkRangePrefix": 30}, "less than or equal to 24"),
        ({"labels": {"Team": "x"}}, "ai-square-db:labels.Team: 'Team' can't be used"),
    ],
)
def test_each_problem_names_its_key(values: dict[str, object], said: str) -> None:
    told = problems(**values)
    assert len(told) == 1, told
    assert said in told[0] or said in told[0].lower()


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("http://127.0.0.1:8765", "with the last slash"),
        ("http://127.0.0.1:8765/sql/v1beta4", "with the last slash"),
        ("ftp://127.0.0.1/sql/v1beta4/", "no Admin API address"),
        ("http://127.0.0.1:8765/sql/v1beta4/", "the local Cloud SQL has no private networks"),
    ],
)
def test_the_endpoint_is_checked(endpoint: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        validate("test", GOOD | {"gcp:sqlCustomEndpoint": endpoint})


def test_local_stack_has_no_read_pool() -> None:
    local = {"gcp:sqlCustomEndpoint": "http://127.0.0.1:8765/sql/v1beta4/"}
    plus = {"edition": "ENTERPRISE_PLUS", "tier": "db-perf-optimized-N-2", "networkName": ""}
    pool: dict[str, object] = {f"ai-square-db:{key}": value for key, value in plus.items()}
    pool["ai-square-db:replicas"] = {"r": {"nodes": 2}}
    with pytest.raises(SettingsError, match="the local Cloud SQL has no read pools"):
        validate("test", GOOD | local | pool)


def test_a_key_without_a_namespace_is_refused() -> None:
    with pytest.raises(SettingsError, match="tier is no setting") as caught:
        validate("test", GOOD | {"tier": "db-custom-2-7680"})
    assert "Keys are written ai-square-db:name." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: [1]\n", "no mapping"),
        ("config: {\n", "can't be read"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "x", text)
    with pytest.raises(StackFileError, match=said):
        load("x", tmp_path)


def test_what_is_written_twice_is_told_with_the_rest(tmp_path: Path) -> None:
    flags = "    work_mem: 8MB\n    max_connections: 5000\n    work_mem: 16MB\n"
    write(
        tmp_path,
        "x",
        f"config:\n  gcp:project: p\n  ai-square-db:flags:\n{flags}  gcp:project: q\n",
    )
    with pytest.raises(SettingsError) as caught:
        load("x", tmp_path)
    told = caught.value.problems
    assert (
        "Pulumi.x.yaml: ai-square-db:flags.work_mem is written twice, in lines 4 and 6. Keep one."
        in told
    )
    assert "Pulumi.x.yaml: gcp:project is written twice, in lines 2 and 7. Keep one." in told
    assert any(problem.startswith("gcp:region is missing") for problem in told)
    assert any("max_connections: 5000 with these flags needs" in problem for problem in told)


def test_a_default_that_the_project_has_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "x", "config:\n  gcp:project: p\n")
    project = tmp_path / "Pulumi.yaml"
    key = "  ai-square-db:poolSize:\n    type: integer\n    default: {}\n"
    project.write_text(f"name: ai-square-db\nconfig:\n{key.format(5)}{key.format(20)}")
    with pytest.raises(SettingsError) as caught:
        load("x", tmp_path)
    said = "Pulumi.yaml: ai-square-db:poolSize is written twice, in lines 3 and 6. Keep one."
    assert said in caught.value.problems


def test_words_stay_words_as_pulumi_reads_them(tmp_path: Path) -> None:
    write(tmp_path, "x", "config:\n  x:a: on\n  x:b: 18:00\n  x:c: 010\n  x:d: true\n  x:e: 10\n")
    config = read_config("x", tmp_path)
    assert [config[f"x:{k}"] for k in "abcde"] == ["on", "18:00", "010", True, 10]


def test_replicas_come_after_what_they_follow() -> None:
    settings = validate(
        "test",
        GOOD
        | {
            "ai-square-db:replicas": {
                "a": {"source": "b"},
                "b": {"flags": {"work_mem": "16MB"}, "tier": "db-custom-4-15360"},
            },
            "ai-square-db:flags": {"max_connections": 200},
        },
    )
    first, second = settings.replicas
    assert (first.name, first.source, second.name, second.source) == (
        "ai-square-db-b",
        None,
        "ai-square-db-a",
        "b",
    )
    assert {flag.name: flag.value for flag in first.flags} == {
        "cloudsql.iam_authentication": "on",
        "max_connections": "200",
        "work_mem": "16384",
    }


def test_iam_users_log_in_by_their_postgresql_names() -> None:
    people = {"a@b.com": "readonly", "job@p.iam.gserviceaccount.com": "monitor"}
    settings = validate("test", GOOD | {"ai-square-db:iamUsers": people})
    assert [(user.login, user.role) for user in settings.iam_users] == [
        ("a@b.com", "readonly"),
        ("job@p.iam", "monitor"),
    ]
