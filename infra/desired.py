"""What the program declares, recorded without a cloud and without the Pulumi CLI.

The program runs under the SDK against a resource monitor of ours that keeps each
registration request whole. The SDK's own mocks hand on inputs only, not the options
(protect, ignoreChanges, dependsOn), hence a monitor and not mocks.

Each run has a thread, an event loop and a context of its own, so that runs neither see
each other nor a loop of the caller's. pulumi is imported by the first call.
"""

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from infra.settings import Settings
from infra.standins import INSTANCE, UNKNOWN_UNTIL_DEPLOYED, additions, identity

__all__ = [
    "DATABASE",
    "INSTANCE",
    "PASSWORD",
    "PROJECT",
    "SECRET",
    "UNKNOWN_UNTIL_DEPLOYED",
    "USER",
    "Desired",
    "DesiredResource",
    "collect",
    "record",
]

PROJECT = "ai-square-db"
SECRET: Final = "[secret]"  # noqa: S105 - what stands for a secret, none itself

DATABASE: Final = "gcp:sql/database:Database"
USER: Final = "gcp:sql/user:User"
PASSWORD: Final = "random:index/randomPassword:RandomPassword"  # noqa: S105 - a resource's type

# How the SDK marks values on the wire: sdk/python/lib/pulumi/runtime/rpc.py
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker


@dataclass(frozen=True, slots=True)
class DesiredResource:
    """One resource as the program registered it.

    Attributes:
        type: As ``gcp:sql/user:User``.
        name: Its name in the program.
        inputs: As on the wire (camelCase); secrets read ``[secret]``.
        protect: Whether Pulumi refuses to delete it.
        ignore_changes: Properties whose changes are left alone.
        depends_on: Names of the resources that come first, sorted.
        deleted_with: Name of the resource whose deletion takes this one along, or "".
        fed_by: Keys (``type::name``) of the resources that each property takes outputs of;
            None where an older program's recording does not say.
        options: Pulumi's other options, those that are set; None as above.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool
    ignore_changes: tuple[str, ...]
    depends_on: tuple[str, ...]
    deleted_with: str
    fed_by: Mapping[str, tuple[str, ...]] | None = None
    options: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """What tells it from every other resource of the stack."""
        return f"{self.type}::{self.name}"


@dataclass(frozen=True, slots=True)
class Desired:
    """All that one stack declares.

    Attributes:
        resources: Sorted by type and name.
        outputs: By name; what only a deployment can tell reads so.
    """

    resources: tuple[DesiredResource, ...]
    outputs: Mapping[str, Any]

    def of_type(self, kind: str) -> tuple[DesiredResource, ...]:
        """Return the resources of a type."""
        return tuple(resource for resource in self.resources if resource.type == kind)

    def named(self, name: str) -> DesiredResource:
        """Return the resource of this name; raises KeyError."""
        for resource in self.resources:
            if resource.name == name:
                return resource
        raise KeyError(name)


def collect(settings: Settings) -> Desired:
    """Return what the program declares for a stack's settings."""

    def program() -> None:
        from infra.program import declare

        declare(settings)

    return record(settings.stack, program)


def record(stack: str, program: Callable[[], None]) -> Desired:
    """Run any program under the SDK and return what it registered.

    Args:
        stack: Name that the program sees as its stack.
        program: Declares resources; runs in a thread of its own.
    """
    with warnings.catch_warnings(), ThreadPoolExecutor(max_workers=1) as thread:
        # pulumi_gcp warns of classes of its own while it is imported
        warnings.filterwarnings("ignore", r"gcp\.", DeprecationWarning)
        return thread.submit(Context().run, _run, stack, program).result()


def _run(stack: str, program: Callable[[], None]) -> Desired:
    import asyncio
    import threading

    from pulumi.runtime import set_mocks
    from pulumi.runtime.settings import SETTINGS, set_root_resource
    from pulumi.runtime.stack import run_in_stack

    monitor = _monitor()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before set_mocks, which builds the root stack already
    try:
        SETTINGS.lock, SETTINGS.outputs = threading.Lock(), set()
        set_mocks(None, PROJECT, stack, preview=False, logger=_quiet(), monitor=monitor)  # type: ignore[arg-type]  # our monitor asks no mocks
        set_root_resource(None)  # type: ignore[arg-type]  # the SDK's own initial value
        loop.run_until_complete(run_in_stack(program))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
    resources = tuple(sorted(map(_resource, monitor.requests), key=lambda r: (r.type, r.name)))
    return Desired(resources, MappingProxyType(dict(sorted(monitor.outputs.items()))))


def _quiet() -> logging.Logger:
    logger = logging.getLogger(__name__)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _monitor() -> Any:  # noqa: ANN401 - the class can be made only once pulumi is imported
    from pulumi.runtime.mocks import MockMonitor
    from pulumi.runtime.proto import resource_pb2

    class Recorder(MockMonitor):
        """Keeps each request; answers with its inputs and stand-ins for what Google adds."""

        def __init__(self) -> None:
            super().__init__(None)  # type: ignore[arg-type]  # RegisterResource asks no mocks here
            self.requests: list[Any] = []
            self.outputs: dict[str, Any] = {}

        def RegisterResource(self, request: Any) -> Any:  # noqa: N802, ANN401 - the SDK's name and types
            urn = self.make_urn(request.parent, request.type, request.name)
            if request.type == "pulumi:pulumi:Stack":
                return resource_pb2.RegisterResourceResponse(urn=urn)
            self.requests.append(request)
            known = identity(request.type, request.name, request.object.fields)
            answer = resource_pb2.RegisterResourceResponse(urn=urn, id=known)
            answer.object.CopyFrom(request.object)
            answer.object.update(_stand_ins(request))
            return answer

        def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802, ANN401 - as above
            self.outputs |= {key: _plain(value) for key, value in request.outputs.fields.items()}
            return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # the SDK's

    return Recorder()


def _stand_ins(request: Any) -> dict[str, Any]:  # noqa: ANN401 - generated protobuf code
    if request.type == PASSWORD:
        canary = f"generated for {request.name}"  # tests look for it where no secret may be
        return {"result": {_SIGNATURE: _SECRET_SIGNATURE, "value": canary}}
    return additions(request.type, request.name, request.object.fields)


def _resource(request: Any) -> DesiredResource:  # noqa: ANN401 - generated protobuf code
    return DesiredResource(
        type=request.type,
        name=request.name,
        inputs=MappingProxyType({k: _plain(v) for k, v in sorted(request.object.fields.items())}),
        protect=request.protect,
        ignore_changes=tuple(request.ignoreChanges),
        depends_on=tuple(sorted(set(_names(request.dependencies)))),
        deleted_with=next(_names([request.deletedWith] if request.deletedWith else []), ""),
        fed_by=MappingProxyType(
            {
                name: tuple(sorted(map(_key, fed.urns)))
                for name, fed in sorted(request.propertyDependencies.items())
                if fed.urns
            }
        ),
        options=MappingProxyType(dict(_options(request))),
    )


def _options(request: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - generated protobuf code
    """Yield the options that are set and decide what happens to a resource."""
    parent = request.parent.split("::")[2].split("$")[-1] if request.parent else ""
    if parent not in {"", "pulumi:pulumi:Stack"}:
        yield "parent", parent
    if not request.custom:
        yield "component", True
    if request.deleteBeforeReplaceDefined:
        yield "deleteBeforeReplace", request.deleteBeforeReplace
    for name in ("provider", "retainOnDelete", "importId"):
        if getattr(request, name):
            yield name, getattr(request, name)
    for name in ("replaceOnChanges", "replace_with"):
        if getattr(request, name):
            yield name, list(getattr(request, name))
    if request.HasField("replacement_trigger"):
        yield "replacementTrigger", _plain(request.replacement_trigger)
    if aliases := [_alias(alias) for alias in request.aliases]:
        yield "aliases", aliases


def _alias(alias: Any) -> dict[str, str]:  # noqa: ANN401 - as above
    """Return the type and the name that an alias tells of, each where it does."""
    if alias.urn:
        type_, _, name = _key(alias.urn).partition("::")
        return {"type": type_, "name": name}
    return {key: value for key in ("type", "name") if (value := getattr(alias.spec, key))}


def _key(urn: str) -> str:
    _, _, type_, name = urn.split("::", 3)
    return f"{type_.split('$')[-1]}::{name}"


def _names(urns: Iterable[str]) -> Iterator[str]:
    return (urn.rsplit("::", 1)[1] for urn in urns)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a protobuf Value
    """Return a wire value as plain Python, whole numbers as int, secrets as ``[secret]``."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if fields[_SIGNATURE].string_value == _SECRET_SIGNATURE if _SIGNATURE in fields else False:
            return SECRET
        return {key: _plain(item) for key, item in sorted(fields.items())}
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return {
        "string_value": value.string_value,
        "bool_value": value.bool_value,
    }.get(kind)
