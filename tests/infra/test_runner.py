"""The scheduled jobs: what they run, as whom, with which rights, and when."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.desired import Desired
from infra.jobs import JOBS
from infra.rights import MAKES
from infra.stackfile import read_config
from ops.cloudsql.model import backup_run
from ops.restore.drill.plan import plan
from tasks import namespace
from tests.infra.registered import changed, prod

PROJECT = "ai-square-463013"
MEMBER = "serviceAccount:ai-square-db-prod-{}@ai-square-463013.iam.gserviceaccount.com"


def inputs(name: str) -> Mapping[str, Any]:
    return prod().named(name).inputs


def template(job: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = inputs(f"{job}-job")["template"]["template"]
    return found


@pytest.mark.parametrize("spec", JOBS, ids=lambda spec: spec.job.value)
def test_a_job_is_ready_when_its_task_is_there(spec: Any) -> None:  # noqa: ANN401 - a JobSpec, for the ids
    assert spec.ready == (spec.task in namespace.task_names)
    assert inputs(f"{spec.job}-schedule")["paused"] is not spec.ready


def test_the_drills_job_whole() -> None:
    job = prod().named("drill-job")
    assert job.inputs == {
        "name": "ai-square-db-prod-drill",
        "project": PROJECT,
        "location": "asia-east1",
        "deletionProtection": False,
        "labels": {"app": "ai-square", "environment": "production"},
        "template": {
            "taskCount": 1,
            "template": {
                "serviceAccount": f"ai-square-db-prod-drill@{PROJECT}.iam.gserviceaccount.com",
                "timeout": "21600s",
                "maxRetries": 0,
                "vpcAccess": {
                    "egress": "PRIVATE_RANGES_ONLY",
                    "networkInterfaces": [
                        {
                            "network": f"projects/{PROJECT}/global/networks/ai-square-db-prod",
                            "subnetwork": "subnet",
                        }
                    ],
                },
                "containers": [
                    {
                        "image": read_config("prod")["ai-square-db:runnerImage"],
                        "args": ["restore-drill", "--format", "json"],
                        "envs": [
                            {"name": "INVOKE_STACK", "value": "prod"},
                            {"name": "AI_SQUARE_LOG", "value": "json"},
                            {
                                "name": "PASSWORD_OF_ai_square_owner",
                                "valueSource": {
                                    "secretKeyRef": {
                                        "secret": "ai-square-db-prod-owner-password",
                                        "version": "latest",
                                    }
                                },
                            },
                            {
                                "name": "PASSWORD_OF_ai_square_app",
                                "valueSource": {
                                    "secretKeyRef": {
                                        "secret": "ai-square-db-prod-app-password",
                                        "version": "latest",
                                    }
                                },
                            },
                        ],
                        "resources": {"limits": {"cpu": "1", "memory": "2Gi"}},
                    }
                ],
            },
        },
    }
    # a job whose secrets can't be read is refused as it is made
    assert {"owner-secret-version", "app-secret-version", "drill-reads-owner"} <= set(
        job.depends_on
    )


@pytest.mark.parametrize("job", ["drill", "report", "verify"])
def test_a_password_is_there_by_reference_alone(job: str) -> None:
    for variable in template(job)["containers"][0]["envs"]:
        plain = {"INVOKE_STACK", "AI_SQUARE_LOG"}
        assert variable["name"] in plain or "value" not in variable


def test_the_drill_alone_reads_the_webhook_and_by_reference() -> None:
    declared = changed(notifyWebhook="drill-webhook")
    for job in ("drill", "report", "verify"):
        found = declared.named(f"{job}-job").inputs["template"]["template"]["containers"][0]["envs"]
        told = [one["valueSource"] for one in found if one["name"] == "AI_SQUARE_NOTIFY_URL"]
        reference = {"secretKeyRef": {"secret": "drill-webhook", "version": "latest"}}
        assert told == ([reference] if job == "drill" else [])
    assert declared.named("drill-reads-webhook").inputs["member"] == MEMBER.format("drill")
    assert "drill-reads-webhook" in declared.named("drill-job").depends_on
    assert not [one for one in prod().resources if one.name.endswith("-webhook")]


def test_each_job_reads_only_the_secrets_that_it_uses() -> None:
    readers = {
        (grant.inputs["member"], grant.inputs["secretId"])
        for grant in prod().of_type("gcp:secretmanager/secretIamMember:SecretIamMember")
    }
    assert readers == {
        (MEMBER.format("drill"), "ai-square-db-prod-owner-password"),
        (MEMBER.format("drill"), "ai-square-db-prod-app-password"),
        (MEMBER.format("report"), "ai-square-db-prod-monitor-password"),
        (MEMBER.format("verify"), "ai-square-db-prod-monitor-password"),
    }


def test_a_schedule_starts_its_job_and_may_do_nothing_else() -> None:
    schedule = inputs("drill-schedule")
    assert schedule["schedule"] == "0 20 * * 6"
    assert schedule["timeZone"] == "Etc/UTC"
    assert schedule["httpTarget"] == {
        "httpMethod": "POST",
        "uri": f"https://run.googleapis.com/v2/projects/{PROJECT}/locations/asia-east1/jobs/"
        "ai-square-db-prod-drill:run",
        "oauthToken": {
            "serviceAccountEmail": f"ai-square-db-prod-scheduler@{PROJECT}.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
        },
    }
    scheduler = MEMBER.format("scheduler")
    grants = [r for r in prod().resources if r.inputs.get("member") == scheduler]
    assert {(g.type, g.inputs["role"]) for g in grants} == {
        ("gcp:cloudrunv2/jobIamMember:JobIamMember", "roles/run.invoker")
    }
    assert {g.inputs["name"] for g in grants} == {
        "ai-square-db-prod-drill",
        "ai-square-db-prod-report",
        "ai-square-db-prod-verify",
    }


def test_a_job_that_is_never_to_run_has_no_schedule() -> None:
    names = {resource.name for resource in changed(drillSchedule="").resources}
    assert "drill-job" in names
    assert "drill-schedule" not in names


# --- rights


def grants_of(declared: Desired, job: str) -> dict[str, str]:
    """Return the project-wide roles of a job with the condition that each holds under."""
    return {
        grant.inputs["role"].rsplit("/", 1)[-1]: grant.inputs.get("condition", {}).get(
            "expression", ""
        )
        for grant in declared.of_type("gcp:projects/iAMMember:IAMMember")
        if grant.inputs["member"] == MEMBER.format(job)
    }


def test_whatever_can_lose_data_holds_for_a_drills_copies_alone() -> None:
    found = grants_of(prod(), "drill")
    assert set(found) == {
        "ai_square_db_prod_runner_sees",
        "ai_square_db_prod_runner_clones",
        "ai_square_db_prod_runner_makes",
    }
    permissions = {
        role.inputs["roleId"]: set(role.inputs["permissions"])
        for role in prod().of_type("gcp:projects/iAMCustomRole:IAMCustomRole")
    }
    unconditional = permissions["ai_square_db_prod_runner_sees"]
    assert unconditional == {
        "cloudsql.backupRuns.get",
        "cloudsql.backupRuns.list",
        "cloudsql.instances.get",
        "cloudsql.instances.list",
    }
    assert permissions["ai_square_db_prod_runner_makes"] == set(MAKES)
    assert not {"delete", "restoreBackup", "update"} & {
        permission.rsplit(".", 1)[1]
        for role in ("clones", "sees")
        for permission in permissions[f"ai_square_db_prod_runner_{role}"]
    }
    begins = 'resource.name.startsWith("projects/ai-square-463013/instances/'
    assert found["ai_square_db_prod_runner_makes"] == (
        f'resource.type == "sqladmin.googleapis.com/Instance" && {begins}ai-square-db-prod-drill-")'
    )


@pytest.mark.parametrize("name", ["ai-square-db-prod", "p" * 75])
def test_the_condition_holds_for_what_a_drill_makes_and_not_for_the_source(name: str) -> None:
    declared = changed(instance=name)
    makes = next(
        grant.inputs["condition"]["expression"]
        for grant in declared.of_type("gcp:projects/iAMMember:IAMMember")
        if grant.name == "drill-makes"
    )
    prefix = makes.split('startsWith("')[1].removesuffix('")')
    runs = (backup_run({"id": "1", "status": "SUCCESSFUL"}),)
    drill = plan(name, PROJECT, runs, run="260101000001-0a1b", now=datetime.now(UTC))
    assert len(drill.copies) == 2
    for copy in drill.copies:
        assert f"projects/{PROJECT}/instances/{copy.name}".startswith(prefix)
    assert not f"projects/{PROJECT}/instances/{name}".startswith(prefix)


def test_report_and_verify_change_nothing() -> None:
    for job in ("report", "verify"):
        assert set(grants_of(prod(), job)) == {"ai_square_db_prod_runner_sees"}


def test_connectors_are_allowed_where_nothing_else_may_connect() -> None:
    declared = changed(connectorEnforcement=True)
    assert "cloudsql.client" in grants_of(declared, "drill")
    assert "cloudsql.client" in grants_of(declared, "report")
    assert "cloudsql.client" in grants_of(declared, "verify")
    assert "ai-square-db-prod-drill-" in grants_of(declared, "drill")["cloudsql.client"]


def test_every_job_keeps_its_records_in_the_evidence_bucket() -> None:
    grants = {
        grant.inputs["member"]: (grant.inputs["bucket"], grant.inputs["role"])
        for grant in prod().of_type("gcp:storage/bucketIAMMember:BucketIAMMember")
        if grant.name != "exports-writer"
    }
    assert grants == {
        MEMBER.format(job): ("ai-square-463013-db-prod-evidence", "roles/storage.objectUser")
        for job in ("drill", "report", "verify")
    }


def test_images_are_never_written_over_and_old_ones_go() -> None:
    repository = inputs("runner-images")
    assert repository["repositoryId"] == "ai-square-db-prod-runner"
    assert repository["location"] == "asia-east1"
    assert repository["dockerConfig"] == {"immutableTags": True}
    assert [p["action"] for p in repository["cleanupPolicies"]] == ["KEEP", "DELETE"]
    image = template("drill")["containers"][0]["image"]
    assert image.startswith(f"asia-east1-docker.pkg.dev/{PROJECT}/{repository['repositoryId']}/")
