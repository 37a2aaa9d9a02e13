"""Instances: insert, get, list, patch, update, delete, restart."""

import re
import uuid
from dataclasses import replace
from functools import cache

from infra.local.api import (
    availability,
    certificates,
    defaults,
    filters,
    flags,
    life,
    passwords,
    replicas,
    resources,
    tiers,
)
from infra.local.api.body import merged, required, without_nulls
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid, stale, unimplemented
from infra.local.api.paging import page
from infra.local.api.places import DEFAULT_REGION, check_zone, checked_region
from infra.local.model import Body, Instance, InstanceState, OperationType, major_of
from infra.local.work import new_operation
from ops.errors import OpsError
from ops.programs import Programs

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,95}[a-z0-9])?")
_NAME_LIMIT = 98  # of the project and the instance together
_VERSION = re.compile(r"POSTGRES_(\d+)(_\d+)?")
# Fields that are kept and given back as they came; the others belong to the server.
_KEPT = ("diskEncryptionConfiguration", "geminiConfig", "tags")
# A change that is done in this time is answered as DONE, which saves its client a poll.
_ANSWER_LIMIT_S = 1.0


def insert(call: Call) -> Body:
    """Answer instances.insert."""
    body = call.body
    if body.get("masterInstanceName"):
        return _insert_replica(call)
    name = checked_name(call.project, required(body, "name"))
    required(body, "settings", "tier")
    region = checked_region(str(body.get("region") or DEFAULT_REGION))
    version = _checked_version(str(body.get("databaseVersion") or ""))
    edition = defaults.edition(body["settings"], major_of(version))
    instance = new_instance(
        call,
        name=name,
        region=region,
        version=version,
        settings=defaults.settings(body["settings"], region=region, version=1, edition=edition),
        extra=_extra(body),
    )
    passwords.check(instance.settings, "postgres", body.get("rootPassword"))
    operation = new_operation(OperationType.CREATE, call.project, name, facts={"uid": instance.uid})
    call.begin(operation, new=instance)
    return call.answer(call.work.start(operation, secret=body.get("rootPassword")))


def _insert_replica(call: Call) -> Body:
    name = checked_name(call.project, required(call.body, "name"))
    primary, settings = replicas.plan(call)
    replica = new_instance(
        call,
        name=name,
        region=checked_region(str(call.body.get("region") or primary.region)),
        version=primary.version,
        settings=settings,
        extra=_extra(call.body),
    )
    return replicas.begin(call, primary, replica)


def new_instance(
    call: Call, *, name: str, region: str, version: str, settings: Body, extra: Body
) -> Instance:
    """Return an instance to be made, checked.

    Raises:
        ApiError: 400 if its version can't be served here, or its settings make no sense.
    """
    check_settings(settings, region)
    instance = Instance(
        uid=f"{name}-{uuid.uuid4().hex[:8]}",
        project=call.project,
        name=name,
        state=InstanceState.PENDING_CREATE,
        version=version,
        region=region,
        settings=settings,
        address="",
        era=1,
        created=call.service.clock.now(),
        extra=extra,
    )
    try:
        call.service.programs(instance.major)
    except OpsError as error:
        raise invalid(f"databaseVersion {version} can't be served: {error}") from None
    return instance


def _checked_version(version: str) -> str:
    if _VERSION.fullmatch(version):
        return version
    raise invalid(
        f"databaseVersion {version or 'is missing and'!s} is not served here: the local "
        "Cloud SQL serves POSTGRES_N, as POSTGRES_15."
    )


def checked_name(project: str, name: str) -> str:
    """Return an instance's name if it may be one.

    Raises:
        ApiError: 400 invalidInstanceName.
    """
    if _NAME.fullmatch(name) and len(project) + len(name) < _NAME_LIMIT:
        return name
    raise ApiError(
        400,
        "invalidInstanceName",
        f"Invalid instance name ({name:.100}): lower-case letters, digits and hyphens, beginning "
        f"with a letter, at most {_NAME_LIMIT} characters with the project's.",
    )


def check_settings(settings: Body, region: str) -> None:
    """Check settings against each other.

    Raises:
        ApiError: 400 naming what can't be.
    """
    backups, network = settings["backupConfiguration"], settings["ipConfiguration"]
    if backups.get("pointInTimeRecoveryEnabled") and not backups.get("enabled"):
        raise invalid("point-in-time recovery needs backups: set backupConfiguration.enabled.")
    private = network.get("privateNetwork") or (network.get("pscConfig") or {}).get("pscEnabled")
    if not network.get("ipv4Enabled") and not private:
        raise invalid(
            "At least one of Public IP or Private IP or PSC connectivity must be enabled."
        )
    places = settings["locationPreference"]
    for zone in (places.get("zone"), places.get("secondaryZone")):
        if zone:
            check_zone(zone, region)
    tiers.check(str(settings.get("tier", "")), str(settings["edition"]))
    flags.check(settings)
    life.check(settings)


def get(call: Call) -> Body:
    """Answer instances.get."""
    instance = call.instance()
    return _resource(call, instance, _installed(call, instance.major))


def list_all(call: Call) -> Body:
    """Answer instances.list: by name, those that the filter wants."""
    test = filters.test(call.query.get("filter") or "")
    installed = cache(lambda major: _installed(call, major))  # looks at many files
    instances = call.service.store.instances(call.project)
    listed = (
        (instance, _resource(call, instance, installed(instance.major))) for instance in instances
    )
    page_of, more = page(
        call.query,
        [(instance.name, resource) for instance, resource in listed if test(resource)],
        key=lambda item: item[0],
        after=lambda item, last: item[0] > last,
    )
    items = {"items": [resource for _, resource in page_of]} if page_of else {}
    return {"kind": "sql#instancesList", **items, **more}


def _resource(call: Call, instance: Instance, programs: Programs | None) -> Body:
    return {
        **resources.instance(instance, call.base, programs),
        **availability.fields(call.service, instance),
        **replicas.fields(call.service, instance),
        **certificates.of_instance(call.service, instance),
    }


def _installed(call: Call, major: int) -> Programs | None:
    try:
        return call.service.programs(major)
    except OpsError:
        return None


def patch(call: Call) -> Body:
    """Answer instances.patch: objects merge, lists are replaced."""
    instance = call.instance()
    change = call.body.get("settings") or {}
    before = defaults.change_of_ssl(instance.settings, change)
    return _change(
        call, instance, merged(before, change), merged(instance.extra, _extra(call.body))
    )


def update(call: Call) -> Body:
    """Answer instances.update: the settings are replaced whole."""
    instance = call.instance()
    required(call.body, "settings", "tier")
    return _change(
        call,
        instance,
        life.kept_size(instance.settings, without_nulls(call.body["settings"])),
        _extra(call.body),
    )


def _change(call: Call, instance: Instance, settings: Body, extra: Body) -> Body:
    version = (call.body.get("settings") or {}).get("settingsVersion")
    current = str(instance.settings["settingsVersion"])
    if version not in (None, current):
        raise stale()
    if call.body.get("databaseVersion") not in (None, instance.version):
        raise unimplemented("instances.patch of databaseVersion")
    complete = defaults.settings(
        settings,
        region=instance.region,
        version=int(current) + 1,
        edition=str(instance.settings.get("edition") or "ENTERPRISE"),
    )
    check_settings(complete, instance.region)
    replicas.check_change(call, instance, complete)
    life.check_change(instance.settings, complete)
    facts = {"uid": instance.uid, "settings": complete, "extra": extra}
    operation = new_operation(OperationType.UPDATE, call.project, instance.name, facts=facts)
    call.begin(operation, also=lambda: _check_current(call, instance))
    call.work.start(operation)
    return call.answer(call.work.wait(operation, _ANSWER_LIMIT_S))


def _check_current(call: Call, instance: Instance) -> None:
    """Refuse a change of settings that another one replaced meanwhile."""
    if call.instance().settings != instance.settings:
        raise stale()


def delete(call: Call) -> Body:
    """Answer instances.delete."""
    instance = call.instance()
    if instance.deletion_protected:
        raise ApiError(
            400,
            "invalidRequest",
            "The instance is protected. Please disable the deletion protection and try again. To "
            "disable deletion protection, update the instance settings with "
            "deletionProtectionEnabled set to false.",
        )
    replicas.refuse_primary(call, instance)
    operation = new_operation(
        OperationType.DELETE,
        call.project,
        instance.name,
        facts={"uid": instance.uid, **life.ending(call, instance)},
    )
    doomed = replace(instance, state=InstanceState.PENDING_DELETE)
    call.begin(operation, also=lambda: call.service.store.save_instance(doomed))
    return call.answer(call.work.start(operation))


def restart(call: Call) -> Body:
    """Answer instances.restart."""
    instance = call.instance()
    if instance.state is not InstanceState.FAILED:  # which a restart may mend
        instance = call.ready()
    operation = new_operation(
        OperationType.RESTART, call.project, instance.name, facts={"uid": instance.uid}
    )
    call.begin(operation)
    return call.answer(call.work.start(operation))


def _extra(body: Body) -> Body:
    return {name: body[name] for name in _KEPT if body.get(name) is not None}
