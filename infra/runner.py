"""The runner: a repository for its image, a Cloud Run job a task, and their schedules.

A job runs once (no retries: a drill that failed is to be looked at, not repeated), reaches
the instance's private address through the stack's subnet (Direct VPC egress) and Google's
interfaces outside of it. What it prints as JSON is what the alerts count.
"""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_gcp import artifactregistry, cloudrunv2, cloudscheduler, storage

from infra.jobs import ENVIRONMENT, JOBS, PASSWORD_OF, JobSpec
from infra.names import fitting
from infra.network import PrivateNetwork
from infra.passwords import StoredPassword, secret_id
from infra.rights import Accounts, declare_accounts, declare_rights
from infra.settings import Runner, Settings
from ops import notify

REPOSITORY_LIMIT = 63
IMAGES_KEPT = 10
STARTER = "roles/run.invoker"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
START_LIMIT_S = 180  # to have a job started, not to have it done


def declare_runner(
    settings: Settings,
    runner: Runner,
    network: PrivateNetwork,
    secrets: Mapping[str, StoredPassword],
    evidence: storage.Bucket,
) -> Accounts:
    """Declare the jobs, their rights and their schedules; return who they are."""
    _repository(settings)
    accounts = declare_accounts(settings)
    reads = declare_rights(settings, accounts, secrets, evidence)
    for spec in JOBS:
        account = accounts.jobs[spec.job].email
        first = [*reads[spec.job], *(secrets[role].version for role in spec.roles)]
        job = _job(settings, runner, network, spec, account, first)
        _schedule(settings, runner, spec, job, accounts)
    return accounts


def _repository(settings: Settings) -> artifactregistry.Repository:
    return artifactregistry.Repository(
        "runner-images",
        repository_id=fitting(settings.instance.name, "runner", REPOSITORY_LIMIT),
        project=settings.project,
        location=settings.region,
        format="DOCKER",
        description=f"The image of the jobs of {settings.instance.name}",
        docker_config=artifactregistry.RepositoryDockerConfigArgs(immutable_tags=True),
        cleanup_policies=[
            artifactregistry.RepositoryCleanupPolicyArgs(
                id="the-newest-stay",
                action="KEEP",
                most_recent_versions=artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                    keep_count=IMAGES_KEPT
                ),
            ),
            artifactregistry.RepositoryCleanupPolicyArgs(
                id="old-ones-go",
                action="DELETE",
                condition=artifactregistry.RepositoryCleanupPolicyConditionArgs(
                    older_than=f"{90 * 24 * 3600}s"
                ),
            ),
        ],
        labels=dict(settings.instance.labels),
    )


def _job(
    settings: Settings,
    runner: Runner,
    network: PrivateNetwork,
    spec: JobSpec,
    account: pulumi.Output[str],
    first: Sequence[pulumi.Resource],
) -> cloudrunv2.Job:
    return cloudrunv2.Job(
        f"{spec.job}-job",
        name=spec.name(settings),
        project=settings.project,
        location=settings.region,
        deletion_protection=False,  # holds no data
        labels=dict(settings.instance.labels),
        template=cloudrunv2.JobTemplateArgs(
            task_count=1,
            template=cloudrunv2.JobTemplateTemplateArgs(
                service_account=account,
                timeout=f"{spec.timeout_s}s",
                max_retries=0,
                vpc_access=_through(network),
                containers=[
                    cloudrunv2.JobTemplateTemplateContainerArgs(
                        image=runner.image,
                        args=[spec.task, "--format", "json"],
                        envs=_environment(settings, spec),
                        resources=cloudrunv2.JobTemplateTemplateContainerResourcesArgs(
                            limits={"cpu": "1", "memory": spec.memory}
                        ),
                    )
                ],
            ),
        ),
        # A job whose secrets are not there, or can't be read, is refused as it is made.
        opts=pulumi.ResourceOptions(depends_on=list(first)),
    )


def _through(network: PrivateNetwork) -> cloudrunv2.JobTemplateTemplateVpcAccessArgs:
    return cloudrunv2.JobTemplateTemplateVpcAccessArgs(
        egress="PRIVATE_RANGES_ONLY",
        network_interfaces=[
            cloudrunv2.JobTemplateTemplateVpcAccessNetworkInterfaceArgs(
                network=network.id, subnetwork=network.subnet.id
            )
        ],
    )


def _environment(
    settings: Settings, spec: JobSpec
) -> list[cloudrunv2.JobTemplateTemplateContainerEnvArgs]:
    """Return the stack's name, how to log, and each secret by reference."""
    users = dict(settings.users.by_role())
    plain = {"INVOKE_STACK": settings.stack, **ENVIRONMENT}
    secrets = {f"{PASSWORD_OF}{users[role]}": secret_id(settings, role) for role in spec.roles}
    if spec.notifies and settings.notify.secret is not None:
        secrets[notify.URL] = settings.notify.secret
    return [
        *(
            cloudrunv2.JobTemplateTemplateContainerEnvArgs(name=name, value=value)
            for name, value in plain.items()
        ),
        *(_secret(name, secret) for name, secret in secrets.items()),
    ]


def _secret(name: str, secret: str) -> cloudrunv2.JobTemplateTemplateContainerEnvArgs:
    return cloudrunv2.JobTemplateTemplateContainerEnvArgs(
        name=name,
        value_source=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceArgs(
            secret_key_ref=cloudrunv2.JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=secret, version="latest"
            )
        ),
    )


def _schedule(
    settings: Settings,
    runner: Runner,
    spec: JobSpec,
    job: cloudrunv2.Job,
    accounts: Accounts,
) -> None:
    """Declare when a job is started, and let the scheduler's account start it."""
    cloudrunv2.JobIamMember(
        f"{spec.job}-starter",
        project=settings.project,
        location=settings.region,
        name=job.name,
        role=STARTER,
        member=accounts.scheduler.member,
    )
    schedule = spec.schedule(runner)
    if schedule is None:
        return
    cloudscheduler.Job(
        f"{spec.job}-schedule",
        name=spec.name(settings),
        project=settings.project,
        region=settings.region,
        description=f"Runs `invoke {spec.task} -s {settings.stack}`",
        schedule=schedule,
        time_zone=runner.time_zone,
        paused=not spec.ready,
        attempt_deadline=f"{START_LIMIT_S}s",
        http_target=cloudscheduler.JobHttpTargetArgs(
            http_method="POST",
            uri=pulumi.Output.concat(
                f"https://run.googleapis.com/v2/projects/{settings.project}",
                f"/locations/{settings.region}/jobs/",
                job.name,
                ":run",
            ),
            oauth_token=cloudscheduler.JobHttpTargetOauthTokenArgs(
                service_account_email=accounts.scheduler.email, scope=SCOPE
            ),
        ),
    )
