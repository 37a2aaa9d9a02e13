"""Differences and their report: pure."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from infra.adopt.adopt import CannotAdoptError, UnreadableError, adopt
from infra.adopt.people import Asked, people
from infra.adopt.source import Source
from infra.adopt.take import take
from infra.body import update_body
from infra.changes import compare
from infra.deploy.report import Deployment
from infra.deploy.steps import Plan
from infra.desired import DATABASE, INSTANCE, USER, Desired, DesiredResource
from infra.drift.check import being_changed, look
from infra.drift.differences import Finding, Unread, differences, outstanding, undeclared
from infra.drift.edits import candidates
from infra.drift.report import Drift
from infra.drift.undeclared import NO_MEMBERSHIPS, Memberships
from infra.live import Kind, LiveInstance
from ops.checks.result import State
from ops.cloudsql import Account, ApiError, CloudSql, Database, Instance
from ops.console import Silent

SETTINGS: dict[str, Any] = {"tier": "db-custom-1-3840", "dataDiskSizeGb": "10"}
USUAL = {
    "database": "ai_square",
    "owner_user": "ai_square_owner",
    "app_user": "ai_square_app",
    "readonly_user": "ai_square_readonly",
    "monitor_user": "ai_square_monitor",
}


def resource(logical: str, name: str, **more: object) -> DesiredResource:
    inputs = {"name": name, "settings": {"tier": "db-custom-1-3840", "diskSize": 10}, **more}
    ignored = ("settings.diskSize",)
    return DesiredResource(INSTANCE, logical, MappingProxyType(inputs), False, ignored, (), "")  # noqa: FBT003 - protect


def live(name: str = "db", accounts: tuple[Account, ...] = (), **body: Any) -> LiveInstance:  # noqa: ANN401 - JSON
    told = {"name": name, "settings": SETTINGS, **body}
    return LiveInstance(name, "RUNNABLE", "", "", False, told, ("postgres", "shop"), accounts)  # noqa: FBT003 - protected


PAIR = Desired(
    (resource("instance", "db"), resource("replica-a", "db-a", masterInstanceName="db")),
    MappingProxyType({}),
)


def test_a_finding_beats_unknown_and_unknown_is_never_ok() -> None:
    there = {"db": live(settings=SETTINGS | {"tier": "db-custom-2-7680"})}
    blind = (Unread("db", Kind.USER, "refused"), Unread("db", Kind.DATABASE, "refused"))
    only = Desired(PAIR.resources[:1], MappingProxyType({}))
    found = Drift("s", ("db",), differences(only, there, blind), blind)
    assert found.state is State.FINDING
    same = Drift("s", ("db",), differences(only, {"db": live()}, blind), blind)
    assert same.state is State.UNKNOWN
    states = {check.check: check.state for check in same.checks}
    assert states == {
        "instances": State.OK,
        "databases": State.UNKNOWN,
        "users": State.UNKNOWN,
        "settings in SQL": State.OK,
    }


def test_a_replica_s_key_is_its_own() -> None:
    replica = live(
        "db-a", masterInstanceName="p:db", settings=SETTINGS | {"tier": "db-custom-2-7680"}
    )
    found = differences(PAIR, {"db": live(), "db-a": replica})
    (tier,) = [one for one in found if one.property == "settings.tier"]
    edits = candidates(tier, PAIR, {"db": live(), "db-a": replica}, local=False)
    assert next(edits)[0].sentence == "write ai-square-db:replicas.a.tier: db-custom-2-7680"
    assert not [one for one in found if one.property == "masterInstanceName"]


def test_a_replica_made_by_hand_is_told_and_does_not_keep_a_deployment_from_ending() -> None:
    only = Desired(PAIR.resources[:1], MappingProxyType({}))
    found = differences(only, {"db": live(replicaNames=["db-b"])})
    assert [(one.finding, one.name) for one in found] == [
        (Finding.UNDECLARED, "db-b"),
        (Finding.UNDECLARED, "shop"),
    ]
    assert outstanding(found) == ()


def test_networks_that_are_not_declared_go_with_an_update() -> None:
    declared = {"name": "db", "region": "r", "databaseVersion": "v", "settings": {"tier": "t"}}
    there = {"settings": {"tier": "t", "ipConfiguration": {"ipv4Enabled": True}}}
    there["settings"]["ipConfiguration"] |= {"authorizedNetworks": [{"value": "0.0.0.0/0"}]}  # type: ignore[operator]  # JSON
    (change, *_) = [c for c in compare(declared, there) if "authorized" in c.property]
    assert (change.before, change.after) == ("allowed", "")
    sent = update_body(declared, there, ())
    assert sent["settings"]["ipConfiguration"] == {"ipv4Enabled": True}
    assert "authorizedNetworks" in there["settings"]["ipConfiguration"]


def pool(nodes: int, **settings: object) -> dict[str, Any]:
    more = {"instanceType": "READ_POOL_INSTANCE", "nodeCount": nodes, "masterInstanceName": "db"}
    return {"name": "db-p", "region": "r", "databaseVersion": "v", **more, "settings": settings}


def test_what_cloud_sql_decides_of_a_read_pool_is_no_difference() -> None:
    declared = pool(3, availabilityType="ZONAL")
    there = pool(3, availabilityType="REGIONAL")
    assert compare(declared, there) == ()
    assert compare(declared, pool(5, availabilityType="REGIONAL"))[0].property == "nodeCount"
    scaled = pool(5, readPoolAutoScaleConfig={"enabled": True})
    assert compare(declared, scaled) == ()
    # between two declarations it is a change all the same
    assert [c.property for c in compare(pool(2), pool(3), complete=True)] == ["nodeCount"]
    assert update_body(declared, pool(5), ())["nodeCount"] == 3


def test_switch_that_is_off_is_sent_as_off() -> None:
    said = {"dataCacheConfig": {"dataCacheEnabled": False}}
    declared = {"name": "db", "region": "r", "databaseVersion": "v", "settings": said}
    there = {"settings": {"dataCacheConfig": {"dataCacheEnabled": True}}}
    (change,) = [c for c in compare(declared, there) if "Cache" in c.property]
    assert (change.before, change.after) == ("true", "false")
    assert update_body(declared, there, ())["settings"] == said
    assert compare({"settings": said}, {"settings": {}}) == ()  # what is not told is off


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("web",), {"app_user": "web"}),
        (("shop_ro", "shop_api"), {"readonly_user": "shop_ro", "app_user": "shop_api"}),
        (("web", "api"), {}),  # who of the two is not for us to say
        (("postgres", "cloudsqladmin"), {}),
    ],
)
def test_a_user_is_guessed_only_where_one_alone_fits(
    names: tuple[str, ...], chosen: dict[str, str]
) -> None:
    found = people(live(accounts=tuple(map(Account, names))), Asked(), USUAL)
    assert {k: v for k, v in found.fields.items() if v != USUAL.get(k)} == {
        "database": "shop",
        "iam_users": {},
        **chosen,
    }
    assert found.why.keys() == {"database", *chosen}


def test_what_was_said_goes_before_what_is_guessed() -> None:
    accounts = (Account("web"), Account("api"))
    found = people(live(accounts=accounts), Asked("other", {"app": "api"}), USUAL)
    assert (found.fields["database"], found.fields["app_user"]) == ("other", "api")
    assert found.why == {}


class OneInstance(CloudSql):
    """An Admin API with one instance, in a state that the local one can't be brought into."""

    def __init__(self, told: LiveInstance, *, refuses: bool = False) -> None:
        super().__init__("p", "http://127.0.0.1:1")
        self.told, self.refuses = told, refuses

    def find(self, name: str) -> Instance | None:
        return Instance(name, "RUNNABLE", "", "", "", 1, False, self.told.body)  # noqa: FBT003 - protected

    def database_details(self, name: str) -> tuple[Database, ...]:  # noqa: ARG002 - the method's
        return tuple(map(Database, self.told.databases))

    def accounts(self, name: str) -> tuple[Account, ...]:
        if self.refuses:
            raise ApiError(f"list the users of {name}", 403, "forbidden", "not allowed")
        return self.told.accounts


OLD = live(
    region="asia-east1",
    databaseVersion="POSTGRES_15",
    settings={
        "tier": "db-g1-small",
        "dataDiskSizeGb": "10",
        "availabilityType": "ZONAL",
        "userLabels": {"équipe": "x", "team": "data"},
        "databaseFlags": [{"name": "pgaudit.log_magic", "value": "on"}],
        "ipConfiguration": {"ipv4Enabled": True, "authorizedNetworks": [{"value": "0.0.0.0/0"}]},
    },
)


def test_what_can_not_be_declared_is_left_out_and_told(tmp_path: Any) -> None:  # noqa: ANN401 - a Path
    found = Source("old", "p", "db", None, OneInstance(OLD), {})
    done = adopt(found, Asked(), Silent(), out=tmp_path)
    said = " ".join(done.cannot)
    for part in ("db-g1-small", "équipe", "pgaudit.log_magic", "authorizedNetworks"):
        assert part in said
    changes = {one.property: one.deploying for one in done.differences}
    assert changes["settings.tier"] == "restart"
    assert changes["settings.ipConfiguration.authorizedNetworks.0.0.0.0/0"] == "interrupts"
    assert any("gives it one, db" in note for note in done.notes)
    assert "subnet" in done.imports.created
    text = (tmp_path / "Pulumi.old.yaml").read_text()
    assert "team: data" in text
    assert "équipe" not in text
    assert "db-g1-small" not in text


def test_another_version_is_not_adopted(tmp_path: Any) -> None:  # noqa: ANN401 - a Path
    older = live(region="asia-east1", databaseVersion="POSTGRES_13")
    found = Source("old", "p", "db", None, OneInstance(older), {})
    with pytest.raises(CannotAdoptError, match="POSTGRES_13"):
        adopt(found, Asked(), Silent(), out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_instance_without_its_users_is_not_adopted(tmp_path: Any) -> None:  # noqa: ANN401 - a Path
    cloud = OneInstance(OLD, refuses=True)
    assert look(cloud, "db")[1][0].kind is Kind.USER
    with pytest.raises(UnreadableError, match="without its users"):
        adopt(Source("old", "p", "db", None, cloud, {}), Asked(), Silent(), out=tmp_path)


def test_a_network_of_another_project_is_told() -> None:
    shared = "projects/host/global/networks/shared"
    settings = SETTINGS | {"ipConfiguration": {"privateNetwork": shared}}
    taken = take("p", live(settings=settings), (), {}, Asked(network="own"), local=False)
    assert taken.values["ai-square-db:networkName"] == "own"
    assert any("project host's" in note for note in taken.notes)


@pytest.mark.parametrize(
    ("account", "finding"),
    [
        (Account("postgres", roles=("cloudsqlsuperuser",)), None),
        (Account("postgres"), None),
        (Account("cloudsqlreplica", roles=("pg_monitor",)), None),
        (Account("postgres", roles=("cloudsqlsuperuser", "shop_owner")), Finding.DIFFERS),
        (Account("cloudsqlreplica", roles=("cloudsqlsuperuser",)), Finding.DIFFERS),
        (Account("cloudsqlhelper", roles=("cloudsqlsuperuser",)), Finding.UNDECLARED),
        (Account("cloudsqlagent", type="CLOUD_IAM_USER"), Finding.UNDECLARED),
        (Account("postgres2"), Finding.UNDECLARED),
    ],
)
def test_cloud_sqls_own_users_are_a_list_with_their_roles(
    account: Account, finding: Finding | None
) -> None:
    only = Desired(PAIR.resources[:1], MappingProxyType({}))
    there = {"db": live(accounts=(account,))}
    users = [d for d in differences(only, there) if d.kind is Kind.USER]
    assert [user.finding for user in users] == ([finding] if finding else [])
    assert all("gcloud sql users" in user.resolve for user in users)


def declared_user(name: str, **more: object) -> DesiredResource:
    inputs = {"name": name, "instance": "db", **more}
    return DesiredResource(USER, f"{name}-user", MappingProxyType(inputs), False, (), (), "")  # noqa: FBT003 - protect


def beside(
    there: LiveInstance, memberships: Memberships = NO_MEMBERSHIPS
) -> list[tuple[str, str, str]]:
    """Return what is not declared of the primary and of its user ``web``."""
    desired = Desired((PAIR.resources[0], declared_user("web")), MappingProxyType({}))
    found = undeclared(differences(desired, {"db": there}, memberships=memberships))
    return [(one.name, one.property, one.live) for one in found if one.property]


def test_what_the_api_tells_of_a_user_beside_the_name_is_found() -> None:
    locked = Account(
        "web",
        roles=("cloudsqlsuperuser", "pg_write_all_data"),
        settings=(("iamStatus", "ACTIVE"), ("passwordPolicy.status.locked", "true")),
    )
    assert beside(live(accounts=(locked,))) == [
        ("web", "databaseRoles.pg_write_all_data", "member"),
        ("web", "passwordPolicy.status.locked", "true"),
    ]
    usual = Memberships({"web": frozenset({"pg_write_all_data"})})
    assert [path for _, path, _ in beside(live(accounts=(locked,)), memberships=usual)] == [
        "passwordPolicy.status.locked"
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("state", "SUSPENDED"),
        ("state", "FAILED"),
        ("suspensionReason", ["BILLING_ISSUE"]),
        ("masterInstanceName", "p:other"),
        ("deploymentInfo", {"state": "PRE_SWITCHOVER"}),
        ("replicationCluster", {"failoverDrReplicaName": "p:dr"}),
        ("diskEncryptionConfiguration", {"confidentialMode": True}),
    ],
)
def test_what_lies_beside_the_settings_is_found(path: str, value: object) -> None:
    there = live(accounts=(Account("web"),))
    assert beside(replace(there, body={**there.body, path: value}))


def test_replica_that_stopped_replicating_is_found() -> None:
    def found(**settings: object) -> list[str]:
        replica = live("db-a", masterInstanceName="p:db", settings=SETTINGS | settings)
        both = {"db": live(settings=SETTINGS | {"timeZone": "UTC"}), "db-a": replica}
        return [d.property for d in undeclared(differences(PAIR, both)) if d.name == "db-a"]

    assert found(databaseReplicationEnabled=True, timeZone="UTC") == []  # as its primary
    assert found(databaseReplicationEnabled=False) == ["settings.databaseReplicationEnabled"]
    assert found(timeZone="CET") == ["settings.timeZone"]


def test_database_of_another_encoding_is_found() -> None:
    name = DesiredResource(
        DATABASE,
        "database",
        MappingProxyType({"name": "shop", "instance": "db"}),
        False,  # noqa: FBT003 - protect
        (),
        (),
        "",
    )
    desired = Desired((PAIR.resources[0], name), MappingProxyType({}))
    usual, other = Database("postgres", "UTF8", "C"), Database("shop", "SQL_ASCII", "C")
    there = replace(live(), encodings=(usual, other))
    found = undeclared(differences(desired, {"db": there}))
    assert [(d.name, d.property, d.live) for d in found] == [("shop", "charset", "SQL_ASCII")]
    same = replace(there, encodings=(usual, replace(usual, name="shop")))
    assert differences(desired, {"db": same}) == ()


@pytest.mark.parametrize(
    ("availability", "zone", "serving", "finding"),
    [
        ("REGIONAL", "asia-east1-b", "asia-east1-c", [Finding.NOTE]),  # a failover
        ("ZONAL", "asia-east1-b", "asia-east1-c", [Finding.DIFFERS]),
        ("ZONAL", "asia-east1-b", "asia-east1-b", []),
        ("REGIONAL", "", "asia-east1-c", []),  # Cloud SQL chooses
    ],
)
def test_an_instance_in_another_zone_than_it_prefers_is_told(
    availability: str, zone: str, serving: str, finding: list[Finding]
) -> None:
    settings = SETTINGS | {"availabilityType": availability, "locationPreference": {"zone": zone}}
    there = live(gceZone=serving, settings=settings, databaseVersion="POSTGRES_15")
    one = Desired(PAIR.resources[:1], MappingProxyType({}))
    found = [d for d in differences(one, {"db": there}) if d.property == "gceZone"]
    assert [d.finding for d in found] == finding
    assert all(zone == d.declared and serving == d.live for d in found)


def test_what_a_fresh_instance_answers_is_no_drift() -> None:
    """As recorded answers of the API have it, which the local one does not say."""
    settings = SETTINGS | {
        "authorizedGaeApplications": [],
        "pricingPlan": "PER_USE",
        "replicationType": "SYNCHRONOUS",
        "replicationLagMaxSeconds": 31536000,
        "storageAutoResizeLimit": "0",
        "dataApiAccess": "DISALLOW_DATA_API",
        "ipConfiguration": {
            "message": "Configuring authorized network is a prerequisite.",
            "serverCertificateRotationMode": "SERVER_CERTIFICATE_ROTATION_MODE_UNSPECIFIED",
        },
    }
    gemini = {
        "activeQueryEnabled": False,
        "entitled": False,
        "flagRecommenderEnabled": True,
        "indexAdvisorEnabled": False,
    }
    more: dict[str, Any] = {
        "failoverReplica": {"available": True, "name": "standby"},
        "geminiConfig": gemini,
        "includeReplicasForMajorVersionUpgrade": False,
    }
    one = Desired(PAIR.resources[:1], MappingProxyType({}))
    fresh = live(settings=settings, satisfiesPzi=True, **more)
    there = [d for d in undeclared(differences(one, {"db": fresh})) if d.kind is Kind.INSTANCE]
    assert there == []
    acting = live(settings=settings, geminiConfig=gemini | {"oomSessionCancelEnabled": True})
    (found, *_) = undeclared(differences(one, {"db": acting}))
    assert found.property == "geminiConfig.oomSessionCancelEnabled"


@pytest.mark.parametrize(
    ("there", "differs"),
    [
        ("https://www.googleapis.com/compute/v1/projects/p/global/networks/n", False),
        ("projects/p/global/networks/n", False),
        ("https://www.googleapis.com/compute/v1/projects/q/global/networks/n", True),
        ("projects/p/global/networks/m", True),
    ],
)
def test_a_network_may_be_told_by_its_address(there: str, differs: bool) -> None:  # noqa: FBT001 - expected
    def body(network: str) -> dict[str, Any]:
        return {"settings": {"ipConfiguration": {"privateNetwork": network}}}

    assert bool(compare(body("projects/p/global/networks/n"), body(there))) is differs


def test_an_instance_that_is_being_changed_is_unknown() -> None:
    moving = replace(live(), state="MAINTENANCE")
    (unread,) = being_changed({"db": moving})
    assert Drift("s", ("db",), (), (unread,)).state is State.UNKNOWN
    assert being_changed({"db": live()}) == ()


def test_a_plan_lists_what_is_not_declared() -> None:
    found = undeclared(
        differences(
            Desired(PAIR.resources[:1], MappingProxyType({})),
            {"db": live(settings=SETTINGS | {"dataApiAccess": "ALLOW_DATA_API"})},
        )
    )
    said = "\n".join(
        map(str, Deployment("s", applied=False, plan=Plan((), ()), found=found).blocks())
    )
    assert "What it does not declare is listed below" in said
    assert "settings.dataApiAccess is ALLOW_DATA_API" in said
