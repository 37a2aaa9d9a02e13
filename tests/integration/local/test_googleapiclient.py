"""googleapiclient as shipped, with the discovery documents that it carries."""

import json

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build  # type: ignore[import-untyped]  # it ships no types
from googleapiclient.errors import HttpError  # type: ignore[import-untyped]  # as above

from tests.integration.local.server import PROJECT, Json, LocalServer

MAIN = {"project": PROJECT, "instance": "main"}


def client(local: LocalServer, version: str) -> Json:
    return build(
        "sqladmin",
        version,
        credentials=Credentials("any"),  # type: ignore[no-untyped-call]  # as shipped
        static_discovery=True,
        client_options={"api_endpoint": local.url},
    )


@pytest.mark.parametrize("version", ["v1", "v1beta4"])
def test_instances_are_read_changed_and_paged(local: LocalServer, version: str) -> None:
    with client(local, version) as service:
        found = service.instances().get(**MAIN).execute()
        assert found["connectionName"] == "demo:asia-east1:main"

        change = {"settings": {"userLabels": {"by": version}}}
        operation = service.instances().patch(**MAIN, body=change).execute()
        local.done(operation)
        label = f"settings.userLabels.by:{version}"
        listed = service.instances().list(project=PROJECT, filter=label, maxResults=1).execute()
        assert [one["name"] for one in listed["items"]] == ["main"]

        names: list[str] = []
        asked = service.operations().list(project=PROJECT, instance="main", maxResults=2)
        while asked is not None:
            page = asked.execute()
            names += [one["name"] for one in page["items"]]
            asked = service.operations().list_next(asked, page)
        assert operation["name"] in names
        assert len(names) == len(set(names))


def test_a_query_that_is_too_long_for_an_address_is_sent_as_a_body(local: LocalServer) -> None:
    with client(local, "v1") as service:
        asked = service.instances().list(project=PROJECT, filter="name:main", quotaUser="u" * 2100)

        assert [one["name"] for one in asked.execute()["items"]] == ["main"]
        assert asked.method == "POST"  # as the client changed it


def test_databases_and_users_are_made_and_dropped(local: LocalServer) -> None:
    with client(local, "v1") as service:
        body = {"name": "by-client", "charset": "UTF8"}
        done = service.databases().insert(**MAIN, body=body).execute()
        assert (done["operationType"], done["status"]) == ("CREATE_DATABASE", "DONE")
        read = service.databases().get(**MAIN, database="by-client", fields="name,charset")
        assert read.execute() == {"name": "by-client", "charset": "UTF8"}
        service.databases().delete(**MAIN, database="by-client").execute()

        service.users().insert(**MAIN, body={"name": "by-client", "password": "x"}).execute()
        users = service.users().list(**MAIN).execute()["items"]
        assert "by-client" in {one["name"] for one in users}
        service.users().delete(**MAIN, name="by-client").execute()


def test_an_error_tells_its_reason_and_its_details(local: LocalServer) -> None:
    with client(local, "v1") as service:
        with pytest.raises(HttpError) as missing:
            service.instances().get(project=PROJECT, instance="nowhere").execute()
        assert missing.value.resp.status == 404
        told = json.loads(missing.value.content)["error"]["errors"][0]
        assert told["reason"] == "instanceDoesNotExist"

        with pytest.raises(HttpError) as unknown:
            service.instances().patch(**MAIN, body={"settings": {"teir": "x"}}).execute()
        assert "'body.settings'" in unknown.value.reason
