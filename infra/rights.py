"""Who the jobs are, and what each of them may do.

Each job has a service account of its own; the scheduler's may start them and nothing else.
A drill makes and deletes instances, so its rights to do that hold only for names that begin
as a drill's copies do (``ops.shortlived``): it can neither delete, change nor restore over
any other instance, production least of all. Conditions on names are Cloud SQL's own:
https://cloud.google.com/sql/docs/postgres/iam-conditions. Permissions by method:
https://cloud.google.com/sql/docs/postgres/iam-permissions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects, secretmanager, serviceaccount, storage

from infra.jobs import JOBS, Job, JobSpec
from infra.names import fitting
from infra.passwords import StoredPassword
from infra.settings import Settings
from ops.shortlived import name_stem

ACCOUNT_LIMIT = 30  # https://cloud.google.com/iam/docs/service-accounts-create
ROLE_LIMIT = 64  # https://cloud.google.com/iam/docs/creating-custom-roles
SEES = (
    "cloudsql.backupRuns.get",
    "cloudsql.backupRuns.list",
    "cloudsql.instances.get",
    "cloudsql.instances.list",
)
CLONES = ("cloudsql.instances.clone",)
MAKES = (
    "cloudsql.instances.create",
    "cloudsql.instances.delete",
    "cloudsql.instances.restoreBackup",
    "cloudsql.instances.update",
)
# Leases and journals are replaced and deleted, evidence is listed.
EVIDENCE_KEEPER = "roles/storage.objectUser"
SECRET_READER = "roles/secretmanager.secretAccessor"  # noqa: S105 - a role's name
CONNECTOR = "roles/cloudsql.client"
Reads = Mapping[Job, tuple[secretmanager.SecretIamMember, ...]]
INSTANCE_TYPE = "sqladmin.googleapis.com/Instance"


@dataclass(frozen=True, slots=True)
class Accounts:
    """The service accounts of the jobs and of what starts them."""

    jobs: Mapping[Job, serviceaccount.Account]
    scheduler: serviceaccount.Account


def declare_accounts(settings: Settings) -> Accounts:
    """Declare a service account for each job, and one that starts them."""
    accounts = {
        spec.job: _account(settings, spec.job, f"Runs {spec.task} of {settings.instance.name}")
        for spec in JOBS
    }
    return Accounts(
        accounts, _account(settings, "scheduler", f"Starts the jobs of {settings.instance.name}")
    )


def _account(settings: Settings, key: str, purpose: str) -> serviceaccount.Account:
    return serviceaccount.Account(
        f"{key}-account",
        account_id=fitting(settings.instance.name, key, ACCOUNT_LIMIT),
        project=settings.project,
        display_name=purpose,
    )


def declare_rights(
    settings: Settings,
    accounts: Accounts,
    secrets: Mapping[str, StoredPassword],
    evidence: storage.Bucket,
) -> Reads:
    """Declare what each job may do; return the rights to read secrets that a job waits for."""
    sees = _role(settings, "sees", "Sees instances and backups", SEES)
    for spec in JOBS:
        account = accounts.jobs[spec.job]
        # Lists are asked of the project, which no condition on an instance's name fits.
        _grant(settings, f"{spec.job}-sees", account, sees)
        storage.BucketIAMMember(
            f"{spec.job}-evidence",
            bucket=evidence.name,
            role=EVIDENCE_KEEPER,
            member=account.member,
        )
        _may_connect(settings, spec, account)
    _may_drill(settings, accounts.jobs[Job.DRILL])
    return {spec.job: _may_read(settings, spec, accounts.jobs[spec.job], secrets) for spec in JOBS}


def _may_read(
    settings: Settings,
    spec: JobSpec,
    account: serviceaccount.Account,
    secrets: Mapping[str, StoredPassword],
) -> tuple[secretmanager.SecretIamMember, ...]:
    read: dict[str, pulumi.Input[str]] = {
        role: secrets[role].secret.secret_id for role in spec.roles
    }
    if spec.notifies and settings.notify.secret is not None:
        read["webhook"] = settings.notify.secret
    return tuple(
        secretmanager.SecretIamMember(
            f"{spec.job}-reads-{name}",
            project=settings.project,
            secret_id=secret,
            role=SECRET_READER,
            member=account.member,
        )
        for name, secret in read.items()
    )


def _may_connect(settings: Settings, spec: JobSpec, account: serviceaccount.Account) -> None:
    """Let a job use a connector where nothing else may connect."""
    if spec.roles and settings.instance.protection.connector_enforcement:
        projects.IAMMember(
            f"{spec.job}-connects",
            project=settings.project,
            role=CONNECTOR,
            member=account.member,
            condition=_condition("The instance and its copies", source_or_copy(settings)),
        )


def _may_drill(settings: Settings, account: serviceaccount.Account) -> None:
    clones = _role(settings, "clones", "Clones an instance", CLONES)
    makes = _role(settings, "makes", "Makes, restores and deletes a drill's copies", MAKES)
    _grant(settings, "drill-clones", account, clones, ("Its source", source_or_copy(settings)))
    _grant(settings, "drill-makes", account, makes, ("Copies alone", copies_alone(settings)))


def copies_alone(settings: Settings) -> str:
    """Return the condition that holds for a drill's copies of this instance alone, in CEL."""
    stem = name_stem(settings.instance.name, settings.project)
    return (
        f'resource.type == "{INSTANCE_TYPE}" &&'
        f' resource.name.startsWith("projects/{settings.project}/instances/{stem}")'
    )


def source_or_copy(settings: Settings) -> str:
    """Return the condition that holds for the instance and for a drill's copies of it."""
    name = f"projects/{settings.project}/instances/{settings.instance.name}"
    stem = name_stem(settings.instance.name, settings.project)
    return (
        f'resource.type == "{INSTANCE_TYPE}" && (resource.name == "{name}" ||'
        f' resource.name.startsWith("projects/{settings.project}/instances/{stem}"))'
    )


def _role(
    settings: Settings, key: str, title: str, permissions: tuple[str, ...]
) -> projects.IAMCustomRole:
    name = fitting(settings.instance.name, f"runner-{key}", ROLE_LIMIT)
    return projects.IAMCustomRole(
        f"{key}-role",
        role_id=name.replace("-", "_"),
        project=settings.project,
        title=f"{title} ({settings.instance.name})",
        permissions=list(permissions),
        stage="GA",
    )


def _grant(
    settings: Settings,
    name: str,
    account: serviceaccount.Account,
    role: projects.IAMCustomRole,
    only: tuple[str, str] | None = None,
) -> None:
    projects.IAMMember(
        name,
        project=settings.project,
        role=role.name,
        member=account.member,
        condition=None if only is None else _condition(*only),
    )


def _condition(title: str, expression: str) -> projects.IAMMemberConditionArgs:
    return projects.IAMMemberConditionArgs(title=title, expression=expression)
