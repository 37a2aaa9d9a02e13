"""Faults on demand over HTTP: ``/local/v1/faults``, and what requests meet of them."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from infra.local import damage
from infra.local.api.errors import ApiError, in_progress, invalid, no_instance, not_found
from infra.local.damage import NothingToSpoilError, Spoiled
from infra.local.engine.cluster import Cluster
from infra.local.errors import EngineError
from infra.local.faults import DEFAULT_CODE, DEFAULT_MESSAGE, Faults, Kind, Rule
from infra.local.model import Body, Instance
from infra.local.service import Service

_TEXTS = ("kind", "match", "instance", "project", "code", "message", "which", "backup")
_WORDS = {*_TEXTS, "share", "count", "seconds", "seed", "free_mb"}
_SPOILING = (
    "lost-wal",
    "corrupt-wal",
    "lost-backup",
    "corrupt-backup",
    "killed-primary",
    "full-disk",
)
_COUNT_LIMIT = 1_000_000_000


async def meet(faults: Faults, method: str, instance: str) -> None:
    """Let a request wait or be refused, where a rule says so.

    Raises:
        ApiError: 503, 429 with Retry-After, or 409 operationInProgress.
    """
    for rule in faults.of_request(method, instance):
        if rule.kind is Kind.SLOW:
            await asyncio.sleep(rule.seconds)
        elif rule.kind is Kind.UNAVAILABLE:
            raise ApiError(503, "backendError", "The service is currently unavailable.")
        elif rule.kind is Kind.BUSY:
            raise in_progress("a fault on demand")
        else:
            refused = ApiError(429, "rateLimitExceeded", "Quota exceeded: ask again later.")
            refused.headers = {"retry-after": f"{rule.seconds:.0f}"}
            raise refused


def active(service: Service) -> list[Body]:
    """Return the faults in force: rules, and what is spoiled."""
    rules = (asdict(rule) for rule in service.faults.active())
    spoiled = (_entry(damage) for damage in service.damage.active())
    return sorted([*rules, *spoiled], key=lambda fault: int(fault["id"]))


def _entry(spoiled: Spoiled) -> Body:
    path = "" if spoiled.path is None else str(spoiled.path)
    return {"id": spoiled.id, "kind": spoiled.kind, "instance": spoiled.instance, "path": path}


def add(service: Service, body: object) -> Body:
    """Put a fault in force, and return it.

    Raises:
        ApiError: 400 for what makes no sense, 404 for an instance or a backup that is not there.
    """
    if not isinstance(body, dict):
        raise invalid("a fault is a JSON object.")
    if unknown := sorted(set(body) - _WORDS):
        raise invalid(f"a fault has no {unknown[0]!r:.60}; it has {', '.join(sorted(_WORDS))}.")
    kind = str(body.get("kind"))
    if kind in tuple(Kind):
        rule = _rule(Kind(kind), body)
        # Counted last: what is refused must not change which requests a share meets.
        numbered = replace(rule, id=service.faults.number())
        service.faults.add(numbered)
        return asdict(numbered)
    if kind in _SPOILING:
        return _entry(_spoil(service, kind, body))
    raise invalid(f"there is no fault {kind!r:.60}. Use one of: {', '.join(kinds())}.")


def kinds() -> tuple[str, ...]:
    """Return every kind of fault."""
    return (*(kind.value for kind in Kind), *_SPOILING)


def clear(service: Service, fault_id: str | None) -> Body:
    """Lift one fault or all of them; what was spoiled is made good again.

    Raises:
        ApiError: 404 where there is no such fault.
    """
    known = {str(fault["id"]) for fault in active(service)}
    if fault_id is not None and fault_id not in known:
        raise not_found(f"Fault {fault_id:.20}")
    number = None if fault_id is None else int(fault_id)
    service.damage.heal(number)
    service.faults.clear(number)
    return {"faults": active(service)}


def _rule(kind: Kind, body: Mapping[str, Any]) -> Rule:
    return Rule(
        id=0,
        kind=kind,
        match=_text(body, "match") or "*",
        instance=_text(body, "instance"),
        share=_number(body, "share", 0, 1, 1),
        count=int(_number(body, "count", 1, _COUNT_LIMIT, 1))
        if body.get("count") is not None
        else None,
        seconds=_number(body, "seconds", 0, 86_400, 1),
        code=_text(body, "code") or DEFAULT_CODE,
        message=_text(body, "message") or DEFAULT_MESSAGE,
        seed=int(_number(body, "seed", 0, _COUNT_LIMIT, 0)),
    )


def _spoil(service: Service, kind: str, body: Mapping[str, Any]) -> Spoiled:
    keep = service.data / "faults" / uuid.uuid4().hex
    try:
        if kind == "full-disk":
            free = int(_number(body, "free_mb", 0, 4096, 0))
            heal = damage.fill(service.data, keep, free << 20)
            spoiled = Spoiled(service.faults.number(), kind, "", keep, heal)
        else:
            instance = _instance(service, body)
            path, heal = _of_instance(service, kind, instance, body, keep)
            spoiled = Spoiled(service.faults.number(), kind, instance.name, path, heal)
    except EngineError as error:
        raise invalid(str(error)) from None
    if spoiled.path is not None:  # a killed process is over: there is nothing to be healed
        service.damage.add(spoiled)
    return spoiled


def _of_instance(
    service: Service, kind: str, instance: Instance, body: Mapping[str, Any], keep: Path
) -> tuple[Path | None, Callable[[], None]]:
    cluster = service.cluster(instance)
    if kind == "killed-primary":
        damage.kill(cluster)
        return None, lambda: None
    if kind.endswith("wal"):
        path = _segment(cluster, _text(body, "which") or damage.NEWEST)
    else:
        folder = cluster.layout.base(_run(service, instance, _text(body, "backup")))
        path = (
            damage.control_file(folder) if kind == "lost-backup" else damage.file_of_backup(folder)
        )
    if kind.startswith("lost"):
        return path, damage.lose(path, keep)
    return path, damage.corrupt(path, keep, int(_number(body, "seed", 0, _COUNT_LIMIT, 0)))


def _segment(cluster: Cluster, position: str) -> Path:
    try:
        return damage.segment_of(cluster, position)
    except ValueError:
        raise invalid(
            f"which is {position!r:.60}: give newest, oldest, a number from 1, or a time with zone."
        ) from None


def _instance(service: Service, body: Mapping[str, Any]) -> Instance:
    name, project = _text(body, "instance"), _text(body, "project")
    for instance in service.store.instances(project or None):
        if instance.name == name:
            return instance
    raise no_instance()


def _run(service: Service, instance: Instance, backup: str) -> int:
    """Return a backup run's id: the given one, or the newest one's."""
    usable = [base.run for base in service.store.bases(instance.uid) if base.run is not None]
    if backup and (not backup.isdecimal() or int(backup) not in usable):
        raise not_found(f"Backup run {backup:.40} of {instance.name}")
    if not usable:
        raise NothingToSpoilError(f"{instance.name} has no backup run")
    return int(backup) if backup else max(usable)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name} of a fault is a text.")
    return value


def _number(body: Mapping[str, Any], name: str, least: float, most: float, default: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise invalid(f"{name} of a fault is a number from {least:g} to {most:g}.")
    return value
