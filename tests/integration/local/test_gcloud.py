"""gcloud as shipped: instances describe and list, backups create and list."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.local.server import PROJECT, Json, LocalServer

pytestmark = pytest.mark.skipif(
    shutil.which("gcloud") is None, reason="gcloud is not on this machine"
)


@pytest.fixture
def environment(local: LocalServer, tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    token.write_text("any")
    return {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path),
        "CLOUDSDK_CORE_PROJECT": PROJECT,
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": f"{local.url}/",
    }


def gcloud(environment: dict[str, str], *arguments: str) -> Json:
    done = subprocess.run(
        ["gcloud", "sql", *arguments, "--format=json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_instances_and_backups(local: LocalServer, environment: dict[str, str]) -> None:
    described = gcloud(environment, "instances", "describe", "main")
    assert described["state"] == "RUNNABLE"
    assert described == local.get("/v1beta4/projects/demo/instances/main") | {
        "selfLink": described["selfLink"]
    }
    listed = gcloud(environment, "instances", "list")
    assert "main" in {one["name"] for one in listed}

    begun = gcloud(
        environment, "backups", "create", "--instance=main", "--description=g", "--async"
    )
    local.done(local.get(f"/operations/{begun['name']}"))
    assert gcloud(environment, "backups", "create", "--instance=main") == []
    runs = gcloud(environment, "backups", "list", "--instance=main")
    found = next(one for one in runs if one["id"] == begun["backupContext"]["backupId"])
    assert (found["status"], found["description"]) == ("SUCCESSFUL", "g")
