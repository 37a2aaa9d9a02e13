"""users.insert and users.update with database roles."""

from collections.abc import Iterator

import pytest

from tests.integration.local.server import LocalServer

USERS = "/instances/main/users"


@pytest.fixture
def user(local: LocalServer) -> Iterator[str]:
    local.do("POST", USERS, {"name": "grouped", "password": "x"})
    yield "grouped"
    local.do("DELETE", f"{USERS}?name=grouped")


def groups(local: LocalServer, user: str) -> list[str]:
    return list(local.get(f"{USERS}/{user}")["databaseRoles"])


def test_database_roles_are_added_or_put_in_place_of_the_others(
    local: LocalServer, user: str
) -> None:
    assert groups(local, user) == ["cloudsqlsuperuser"]
    local.do("PUT", f"{USERS}?name={user}&databaseRoles=pg_monitor", {})
    assert groups(local, user) == ["cloudsqlsuperuser", "pg_monitor"]
    local.do("PUT", f"{USERS}?name={user}&databaseRoles=pg_monitor&revokeExistingRoles=true", {})
    assert groups(local, user) == ["pg_monitor"]
    local.do("PUT", f"{USERS}?name={user}", {"password": "y", "databaseRoles": ["ignored"]})
    assert groups(local, user) == ["pg_monitor"]
    refused = local.ask("PUT", f"{USERS}?name={user}&databaseRoles=nobody", {})
    assert refused.status == 400
    assert 'role "nobody" does not exist' in refused.body["error"]["message"]
