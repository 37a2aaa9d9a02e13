"""Carrying plans out on a stand-in for the Admin API's door: cut short, repeated, refused."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import record as records
from infra.deploy.apply import Deployer, NotALocalStackError, deploy, destroy
from infra.deploy.plan import plan
from infra.deploy.record import BadRecordError, Record
from infra.deploy.report import Deployment, Destruction
from infra.deploy.steps import ProtectedError, ReplacementRefusedError, check
from infra.desired import Desired, collect
from infra.settings import IamUser, Settings, load
from ops.checks.result import State
from ops.cloudsql import Account, Body, CloudSql, Database, Instance, Operation
from ops.console import Silent, Table, to_json
from ops.store import FolderStore
from ops.target import Target

NAME = "ai-square-db"
OURS = {f"ai_square_{role}" for role in ("app", "monitor", "owner", "readonly")}

RECORDED = {"kind": "instance", "logical": "a", "name": "b", "instance": "b", "protect": False}


class Cut(BaseException):
    """Stands for kill -9."""


class FakeCloud(CloudSql):
    """Keeps instances in memory; can be cut at its nth mutation, before or after it."""

    def __init__(self) -> None:
        super().__init__("p", "http://127.0.0.1:1")
        self.bodies: dict[str, dict[str, Any]] = {}
        self.there: dict[str, dict[str, set[str]]] = {}
        self.passwords: dict[str, str] = {}
        self.iam: dict[str, str] = {}
        self.calls: list[str] = []
        self.cut_at = 0
        self.cut_after = False
        self.loses_updates = False

    def _mutate(self, call: str, name: str) -> Operation:
        self.calls.append(call)
        return Operation("1", call, "DONE", name, None, None, None, (), "")

    def _cut(self, *, after: bool) -> None:
        if self.cut_at and len(self.calls) == self.cut_at - (not after) and self.cut_after == after:
            self.cut_at = 0
            raise Cut

    def find(self, name: str) -> Instance | None:
        body = self.bodies.get(name)
        if body is None:
            return None
        protected = bool(body["settings"].get("deletionProtectionEnabled"))
        return Instance(name, "RUNNABLE", "127.0.0.2", f"p:r:{name}", "", 1, protected, body)

    def operations(self, instance: str) -> tuple[Operation, ...]:
        return (Operation("0", "CREATE", "DONE", instance, None, None, None, (), ""),)

    def insert(self, body: Body) -> Operation:
        self._cut(after=False)
        name = str(body["name"])
        self.bodies[name] = json.loads(json.dumps(dict(body)))
        self.there[name] = {"databases": {"postgres"}, "users": {"postgres"}}
        done = self._mutate("insert", name)
        self._cut(after=True)
        return done

    def update(self, name: str, body: Body) -> Operation:
        if not self.loses_updates:
            self.bodies[name]["settings"] = dict(body["settings"])
        return self._mutate("update", name)

    def delete(self, name: str) -> Operation:
        del self.bodies[name], self.there[name]
        return self._mutate("delete", name)

    def database_details(self, name: str) -> tuple[Database, ...]:
        return tuple(map(Database, self.there[name]["databases"]))

    def accounts(self, name: str) -> tuple[Account, ...]:
        there = self.there[name]["users"]
        return tuple(Account(user, self.iam.get(user, "BUILT_IN")) for user in there)

    def insert_iam_user(self, instance: str, name: str, kind: str) -> Operation:
        self.there[instance]["users"].add(name)
        self.iam[name] = kind
        return self._mutate(f"insert {kind} {name}", instance)

    def insert_database(self, instance: str, name: str) -> Operation:
        self._cut(after=False)
        self.there[instance]["databases"].add(name)
        done = self._mutate(f"insert database {name}", instance)
        self._cut(after=True)
        return done

    def delete_database(self, instance: str, name: str) -> Operation:
        self.there[instance]["databases"].remove(name)
        return self._mutate(f"delete database {name}", instance)

    def insert_user(self, instance: str, name: str, password: str) -> Operation:
        self._cut(after=False)
        assert name not in self.there[instance]["users"]
        self.there[instance]["users"].add(name)
        self.passwords[name] = password
        done = self._mutate(f"insert user {name}", instance)
        self._cut(after=True)
        return done

    def update_user(self, instance: str, name: str, password: str) -> Operation:
        self.passwords[name] = password
        return self._mutate(f"update user {name}", instance)

    def delete_user(self, instance: str, name: str) -> Operation:
        self.there[instance]["users"].remove(name)
        return self._mutate(f"delete user {name}", instance)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load("local")


@pytest.fixture(scope="module")
def declared(settings: Settings) -> Desired:
    return collect(settings)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def deployer(settings: Settings, store: FolderStore) -> Deployer:
    return Deployer(settings, FakeCloud(), store, Silent())


def run(deployer: Deployer, declared: Desired) -> Deployment:
    decided, _ = deployer.decide(declared)
    deployer.apply(declared, decided)
    found, outputs = deployer.finish(declared)
    return Deployment("local", applied=True, plan=decided, found=found, outputs=outputs)


def fake(deployer: Deployer) -> FakeCloud:
    assert isinstance(deployer.cloud, FakeCloud)
    return deployer.cloud


def files(tmp_path: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in tmp_path.rglob("*") if p.is_file()}


def test_a_first_deployment_makes_everything(
    deployer: Deployer, declared: Desired, tmp_path: Path
) -> None:
    done = run(deployer, declared)
    assert fake(deployer).calls == [
        "insert",
        "insert database ai_square",
        "insert user ai_square_app",
        "insert user ai_square_monitor",
        "insert user ai_square_owner",
        "insert user ai_square_readonly",
    ]
    assert done.state is State.OK
    assert done.outputs["address"] == "127.0.0.2"
    assert done.outputs["connectionName"] == f"p:r:{NAME}"
    for user, password in fake(deployer).passwords.items():
        path = tmp_path / "passwords" / user
        assert path.read_text() == password
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(password) == 32
        assert password not in (tmp_path / "record.json").read_text()
        assert password not in to_json(done)
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == 0o600


def test_a_second_deployment_changes_nothing_and_says_so(
    deployer: Deployer, declared: Desired, tmp_path: Path
) -> None:
    run(deployer, declared)
    before, calls = files(tmp_path), list(fake(deployer).calls)
    done = run(deployer, declared)
    assert fake(deployer).calls == calls
    assert files(tmp_path) == before
    assert done.blocks()[0] == ("Nothing to change: local is what its configuration declares.")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2, 3, 4, 5, 6])
def test_a_deployment_that_was_killed_is_finished_by_the_next(
    deployer: Deployer,
    declared: Desired,
    store: FolderStore,
    call: int,
    after: bool,  # noqa: FBT001 - a parameter of the table above
) -> None:
    cloud = fake(deployer)
    cloud.cut_at, cloud.cut_after = call, after
    with pytest.raises(Cut):
        run(deployer, declared)
    assert NAME in {entry.name for entry in records.load(store).resources}
    assert run(deployer, declared).state is State.OK
    assert cloud.there[NAME]["users"] == {"postgres", *OURS}
    for user, password in cloud.passwords.items():
        kept = store.get(f"passwords/{user}")
        assert kept is not None
        assert kept.content.decode() == password
    assert not [key for key in store.keys("passwords") if key.endswith(".next")]
    assert run(deployer, declared).plan.steps == ()


def test_a_change_that_does_not_arrive_is_said_loudly(
    deployer: Deployer, declared: Desired
) -> None:
    run(deployer, declared)
    cloud = fake(deployer)
    cloud.bodies[NAME]["settings"]["databaseFlags"][0]["value"] = "0.5"
    cloud.loses_updates = True
    done = run(deployer, declared)
    assert done.state is State.FINDING
    (table,) = [b for b in done.blocks() if isinstance(b, Table) and "DID NOT ARRIVE" in b.title]
    assert table.rows[0][1:4] == ("flag autovacuum_analyze_scale_factor", "0.02", "0.5")


def test_a_lost_password_is_made_anew(
    deployer: Deployer, declared: Desired, store: FolderStore
) -> None:
    run(deployer, declared)
    old = fake(deployer).passwords["ai_square_app"]
    store.delete("passwords/ai_square_app")
    assert run(deployer, declared).state is State.OK
    assert fake(deployer).calls[-1] == "update user ai_square_app"
    assert fake(deployer).passwords["ai_square_app"] != old


def test_an_undeclared_user_goes_with_its_password(
    deployer: Deployer, declared: Desired, store: FolderStore
) -> None:
    run(deployer, declared)
    fewer = replace(
        declared, resources=tuple(r for r in declared.resources if r.name != "app-user")
    )
    assert run(deployer, fewer).state is State.OK
    assert fake(deployer).calls[-1] == "delete user ai_square_app"
    assert store.keys("passwords") == tuple(
        f"passwords/{user}" for user in sorted(OURS - {"ai_square_app"})
    )
    assert run(deployer, fewer).plan.steps == ()


def test_destroying_leaves_nothing(deployer: Deployer, declared: Desired, tmp_path: Path) -> None:
    run(deployer, declared)
    assert deployer.destroy() == (NAME,)
    assert fake(deployer).bodies == {}
    assert files(tmp_path) == {}
    assert deployer.destroy() == ()


def test_a_protected_instance_is_not_destroyed(deployer: Deployer, declared: Desired) -> None:
    run(deployer, declared)
    fake(deployer).bodies[NAME]["settings"]["deletionProtectionEnabled"] = True
    with pytest.raises(ProtectedError):
        deployer.destroy()
    assert NAME in fake(deployer).bodies


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"format": 1, "resources": []',
        b'{"format": 2, "resources": [], "outputs": {}}',
        b'{"format": 1, "resources": [{"kind": "instance"}], "outputs": {}}',
        json.dumps(
            {"format": 1, "outputs": {}, "resources": [{**RECORDED, "name": None}]}
        ).encode(),
        json.dumps({"format": 1, "outputs": {}, "resources": [{**RECORDED, "name": ""}]}).encode(),
        json.dumps({"format": 1, "outputs": {}, "resources": [{**RECORDED, "kind": "x"}]}).encode(),
    ],
)
def test_a_damaged_record_is_no_empty_record(
    deployer: Deployer, declared: Desired, content: bytes
) -> None:
    run(deployer, declared)
    deployer.store.put("record.json", content)
    with pytest.raises(BadRecordError, match="deleted by hand"):
        run(deployer, declared)
    with pytest.raises(BadRecordError, match="deleted by hand"):
        deployer.destroy()
    assert NAME in fake(deployer).bodies


def test_a_lost_record_deletes_nothing(deployer: Deployer, declared: Desired) -> None:
    run(deployer, declared)
    deployer.store.delete("record.json")
    assert deployer.destroy() == ()
    assert run(deployer, declared).plan.steps == ()
    assert NAME in fake(deployer).bodies


def test_cloud_stacks_are_refused_naming_the_cli(tmp_path: Path) -> None:
    target = Target("prod", load("prod"), tmp_path, None)
    with pytest.raises(NotALocalStackError, match="pulumi up -s prod"):
        deploy(target, Silent())
    with pytest.raises(NotALocalStackError, match="pulumi destroy -s prod"):
        destroy(target, Silent())


def test_destroying_what_was_never_deployed_says_so(tmp_path: Path) -> None:
    target = Target("local", load("local"), tmp_path, tmp_path)
    assert destroy(target, Silent()) == Destruction("local", ())


def test_a_plan_is_shown_with_its_effects(declared: Desired) -> None:
    shown = Deployment("local", applied=False, plan=plan(declared, {}, Record()))
    (table,) = shown.blocks()
    assert isinstance(table, Table)
    assert [row[:2] for row in table.rows] == [
        ("create", f"instance {NAME}"),
        ("create", "database ai_square"),
        *(("create", f"user {user}") for user in sorted(OURS)),
    ]


def test_the_record_is_json_of_names_only(
    deployer: Deployer, declared: Desired, tmp_path: Path
) -> None:
    run(deployer, declared)
    document: Mapping[str, Any] = json.loads((tmp_path / "record.json").read_text())
    assert document["format"] == 1
    assert {entry["kind"] for entry in document["resources"]} == {"instance", "database", "user"}


def test_an_iam_user_is_made_without_a_password_and_goes_when_undeclared(
    deployer: Deployer, declared: Desired, settings: Settings, store: FolderStore
) -> None:
    run(deployer, declared)
    robot = IamUser("robot@p.iam.gserviceaccount.com", "monitor")
    ada = IamUser("ada@example.com", "readonly")
    more = collect(replace(settings, iam_users=(ada, robot)))
    done = run(deployer, more)
    assert done.state is State.OK
    assert [(step.name, step.why) for step in done.plan.steps] == [
        ("ada@example.com", "CLOUD_IAM_USER"),
        ("robot@p.iam", "CLOUD_IAM_SERVICE_ACCOUNT"),
    ]
    assert store.keys("passwords") == tuple(f"passwords/{user}" for user in sorted(OURS))
    assert run(deployer, more).plan.steps == ()
    assert run(deployer, declared).state is State.OK
    assert fake(deployer).calls[-2:] == ["delete user ada@example.com", "delete user robot@p.iam"]


def test_a_user_of_another_type_is_replaced_only_if_asked(
    deployer: Deployer, settings: Settings
) -> None:
    ada = collect(replace(settings, iam_users=(IamUser("ada@example.com", "app"),)))
    run(deployer, ada)
    fake(deployer).iam.clear()
    decided, _ = deployer.decide(ada)
    with pytest.raises(ReplacementRefusedError, match="BUILT_IN to CLOUD_IAM_USER"):
        check(decided, replace=False)
