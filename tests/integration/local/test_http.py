"""What every request meets: loopback, token, methods, bodies; and the provider's requests."""

import json
import re
from pathlib import Path

import pytest

from infra.local.api.app import HANDLERS, VERSIONS
from infra.local.api.methods import methods
from tests.integration.local.server import PROJECT, TOKEN, Json, LocalServer

# What pulumi-gcp's SQL resources send, recorded from the provider, in order.
PROVIDER_UP: list[tuple[str, str, Json]] = json.loads(
    (Path(__file__).parent / "provider_requests.json").read_text()
)


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "10.0.0.1:80", "[::"])
def test_another_host_is_refused(local: LocalServer, host: str) -> None:
    for path in ("/instances", "/local/v1/status", "/sql/v1beta4/nothing"):
        refused = local.ask("GET", path, headers={**TOKEN, "Host": host})
        assert (refused.status, refused.reason) == (403, "forbidden")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}])
def test_a_request_without_a_token_is_refused(local: LocalServer, header: dict[str, str]) -> None:
    refused = local.ask("GET", "/instances", headers=header)

    assert (refused.status, refused.body["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("version", ["/sql/v1beta4", "/v1beta4", "/sql/v1", "/v1"])
def test_all_versions_answer(local: LocalServer, version: str) -> None:
    found = local.get(f"{version}/projects/{PROJECT}/instances/main")

    assert found["selfLink"].endswith(f"{version}/projects/{PROJECT}/instances/main")


def test_every_method_of_the_api_is_routed_and_what_is_not_there_names_itself(
    local: LocalServer,
) -> None:
    for method in methods():
        if method.name in HANDLERS:
            continue
        path = re.sub(r"{\w+}", "x", method.path)
        for version in VERSIONS:
            refused = local.ask(method.verb, version + path, {})
            assert (refused.status, refused.reason) == (501, "notImplemented"), method.name
            assert method.name in refused.body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "x", "colour": 1}, "Unknown name \"colour\" at 'body'"),
        ({"name": "x", "settings": {"teir": "a"}}, "Unknown name \"teir\" at 'body.settings'"),
        ({"name": "x", "settings": {"edition": "BEST"}}, "body.settings.edition"),
        ({"name": "x", "settings": {"databaseFlags": [{"name": 1}]}}, "database_flags[0].name"),
        (
            {"name": "x", "settings": {"storageAutoResize": "yes"}},
            "body.settings.storage_auto_resize",
        ),
        ([], "'body'"),
        ({"name": "x"}, "settings.tier"),
        ({"settings": {"tier": "db-f1-micro"}}, "name"),
        ({"name": "Not-a-name", "settings": {"tier": "db-f1-micro"}}, "lower-case"),
        ({"name": "x", "settings": {"tier": "db-f1-micro"}}, "databaseVersion"),
        (
            {"name": "x", "databaseVersion": "MYSQL_8_0", "settings": {"tier": "db-f1-micro"}},
            "MYSQL_8_0",
        ),
        (
            {"name": "x", "databaseVersion": "POSTGRES_9_6", "settings": {"tier": "db-f1-micro"}},
            "PostgreSQL 9",
        ),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused(local: LocalServer, body: Json, words: str) -> None:
    refused = local.ask("POST", "/instances", body)

    assert refused.status == 400
    assert words in refused.body["error"]["message"]
    assert "x" not in local.names()


def test_a_path_or_text_that_is_none_is_told_in_the_apis_shape(local: LocalServer) -> None:
    assert local.ask("GET", "/sql/v1beta4/nothing").reason == "notFound"
    assert local.ask("GET", "/instances/none").reason == "instanceDoesNotExist"
    assert local.ask("GET", "/operations/none").reason == "notFound"
    assert local.ask("GET", "/instances/main/backupRuns/x").reason == "notFound"
    assert local.ask("POST", "/instances", "no object").status == 400


def test_enums_may_be_numbers_in_requests_and_are_words_in_answers(local: LocalServer) -> None:
    change = {"settings": {"availabilityType": 2, "connectorEnforcement": 1}}

    local.do("PATCH", "/instances/main", change)

    settings = local.get("/instances/main")["settings"]
    assert settings["availabilityType"] == "REGIONAL"
    assert settings["connectorEnforcement"] == "NOT_REQUIRED"


def test_the_providers_requests_are_served(local: LocalServer) -> None:
    instance = f"/projects/{PROJECT}/instances/provided"
    operation = ""
    sent: Json = {}
    for verb, path, body in PROVIDER_UP:
        where = path.replace("INSTANCE", instance).replace("OPERATION", operation)
        answer = local.ask(verb, f"/sql/v1beta4{where}", body)
        assert answer.status == 200, (verb, path, answer.body)
        if "settings" in (body or {}):
            sent = body["settings"]
        if answer.body["kind"] == "sql#operation":
            done = local.done(answer.body)
            assert "error" not in done, done
            operation = f"/projects/{PROJECT}/operations/{done['name']}"
        if answer.body["kind"] == "sql#instance":
            # What it sent and does not read back is a difference for ever.
            assert different(sent, answer.body["settings"]) == []
            assert answer.body["name"] == "provided"
            needed = {"databaseVersion", "region", "connectionName", "ipAddresses", "selfLink"}
            assert needed <= set(answer.body)
    assert "provided" not in local.names()


def different(sent: Json, found: Json, path: str = "settings") -> list[str]:
    """Return the paths of what was sent and is not found; null and {} ask for nothing."""
    if isinstance(sent, dict):
        inner = {name: one for name, one in sent.items() if one not in (None, {})}
        inner.pop("settingsVersion", None)
        missing = [f"{path}.{name}" for name in inner if name not in found]
        return missing + [
            one
            for name, value in inner.items()
            if name in found
            for one in different(value, found[name], f"{path}.{name}")
        ]
    return [] if sent == found else [path]
