"""What the API's body tells of an instance, and what it leaves out."""

import pytest

from ops.cloudsql import Body, CloudSql, Instance
from ops.cloudsql.model import instance
from ops.db import Database, LibpqPasswords
from ops.failover.standing import replicas, standing

BODY: Body = {
    "name": "db",
    "state": "RUNNABLE",
    "gceZone": "zone-b",
    "secondaryGceZone": "zone-c",
    "failoverReplica": {"available": False},
    "replicaNames": ["near", "stopped", "gone"],
    "settings": {
        "availabilityType": "REGIONAL",
        "activationPolicy": "ALWAYS",
        "settingsVersion": "9",
    },
}


def test_a_body_is_read() -> None:
    found = standing(instance(BODY))
    assert (found.availability, found.zone, found.secondary_zone) == (
        "REGIONAL",
        "zone-b",
        "zone-c",
    )
    assert (found.standby, found.settings_version) == (False, 9)


@pytest.mark.parametrize("told", [{}, {"failoverReplica": {"name": "x"}}])
def test_a_standby_that_the_api_does_not_tell_of_is_not_taken_for_one_that_is_away(
    told: Body,
) -> None:
    body = {key: value for key, value in BODY.items() if key != "failoverReplica"}
    assert standing(instance({**body, **told})).standby is None


def test_only_replicas_with_an_address_are_read_from(monkeypatch: pytest.MonkeyPatch) -> None:
    near = {"name": "near", "ipAddresses": [{"type": "PRIVATE", "ipAddress": "10.0.0.7"}]}
    there: dict[str, Instance] = {
        "near": instance(near),
        "stopped": instance({"name": "stopped"}),
    }
    monkeypatch.setattr(CloudSql, "find", lambda _, name: there.get(name))
    cloud = CloudSql("project", "http://127.0.0.1:1")
    database = Database("10.0.0.1", 5432, "d", LibpqPasswords())
    found = replicas(cloud, standing(instance(BODY)).replicas, database)
    assert [(one.name, one.database.host) for one in found] == [("near", "10.0.0.7")]
