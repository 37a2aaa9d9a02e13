"""The Admin API as one ASGI application."""

import logging
import sqlite3
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from infra.local.api import (
    availability,
    backups,
    certificates,
    client_certs,
    connect,
    databases,
    faults,
    flags,
    instances,
    kept,
    local,
    moves,
    operations,
    partial,
    query,
    recovery,
    replicas,
    restoring,
    tiers,
    users,
)
from infra.local.api.body import canonical
from infra.local.api.call import Call, Handler
from infra.local.api.door import (
    answer_of,
    check_caller,
    has_query,
    parse_json,
    parse_query,
    read_body,
    read_json,
)
from infra.local.api.errors import ApiError, invalid, unimplemented
from infra.local.api.methods import Method, methods
from infra.local.api.override import MethodOverride
from infra.local.errors import EngineError
from infra.local.service import Service
from infra.local.work import Work
from ops.errors import OpsError

# v1beta4 is asked for with and without /sql: by the SDK and gcloud, and by the connectors.
VERSIONS = ("/sql/v1beta4", "/v1beta4", "/sql/v1", "/v1")
_FAULT_VERBS = ["GET", "POST", "DELETE"]
_log = logging.getLogger(__name__)

HANDLERS: Mapping[str, Handler] = {
    "Backups.CreateBackup": kept.create,
    "Backups.DeleteBackup": kept.delete,
    "Backups.GetBackup": kept.get,
    "Backups.ListBackups": kept.list_all,
    "Backups.UpdateBackup": kept.update,
    "backupRuns.delete": backups.delete,
    "backupRuns.get": backups.get,
    "backupRuns.insert": backups.insert,
    "backupRuns.list": backups.list_all,
    "connect.generateEphemeral": connect.generate_ephemeral,
    "connect.get": connect.get,
    "databases.delete": databases.delete,
    "databases.get": databases.get,
    "databases.insert": databases.insert,
    "databases.list": databases.list_all,
    "databases.patch": databases.update,
    "databases.update": databases.update,
    "flags.list": flags.list_all,
    "instances.ListServerCertificates": certificates.server_certificates,
    "instances.RotateServerCertificate": certificates.not_by_certificate,
    "instances.addServerCa": certificates.add_server_ca,
    "instances.addServerCertificate": certificates.not_by_certificate,
    "instances.clone": recovery.clone,
    "instances.delete": instances.delete,
    "instances.export": moves.export,
    "instances.failover": availability.failover,
    "instances.get": instances.get,
    "instances.import": moves.bring_in,
    "instances.insert": instances.insert,
    "instances.list": instances.list_all,
    "instances.listServerCas": certificates.server_cas,
    "instances.patch": instances.patch,
    "instances.promoteReplica": replicas.promote,
    "instances.resetSslConfig": certificates.reset,
    "instances.restart": instances.restart,
    "instances.rotateServerCa": certificates.rotate,
    "instances.startReplica": replicas.start,
    "instances.stopReplica": replicas.stop,
    "instances.switchover": replicas.switchover,
    "instances.restoreBackup": restoring.restore_backup,
    "instances.update": instances.update,
    "operations.get": operations.get,
    "operations.list": operations.list_all,
    "projects.instances.getLatestRecoveryTime": recovery.latest_recovery_time,
    "sslCerts.createEphemeral": connect.create_ephemeral,
    "sslCerts.delete": client_certs.delete,
    "sslCerts.get": client_certs.get,
    "sslCerts.insert": client_certs.insert,
    "sslCerts.list": client_certs.list_all,
    "tiers.list": tiers.list_all,
    "users.delete": users.delete,
    "users.get": users.get,
    "users.insert": users.insert,
    "users.list": users.list_all,
    "users.update": users.update,
}


class Api:
    """Turns requests into calls of the handlers, and errors into the API's shape."""

    def __init__(
        self, service: Service, work: Work, *, url: str, stop: Callable[[bool], None]
    ) -> None:
        self._service = service
        self._work = work
        self._url = url
        self._stop = stop

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes: list[BaseRoute] = [
            Route("/local/v1/status", self._guarded(self._status), methods=["GET"]),
            Route("/local/v1/shutdown", self._guarded(self._shutdown), methods=["POST"]),
            Route("/local/v1/clock", self._guarded(self._clock), methods=["GET", "POST"]),
            Route("/local/v1/buckets", self._guarded(self._buckets), methods=["POST"]),
            Route("/local/v1/faults", self._guarded(self._faults), methods=_FAULT_VERBS),
        ]
        for version in VERSIONS:
            for method in methods():
                endpoint = self._guarded(self._endpoint(method, version))
                routes.append(Route(version + method.path, endpoint, methods=[method.verb]))
        application = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})
        # A redirect would answer before the caller is looked at.
        application.router.redirect_slashes = False
        application.add_middleware(MethodOverride)
        return application

    def _endpoint(self, method: Method, version: str) -> Callable[[Request], Any]:
        handler = HANDLERS.get(method.name)

        async def answer(request: Request) -> Response:
            await faults.meet(self._service.faults, method.name, _instance(request))
            if handler is None:
                raise unimplemented(method.name)
            body = await read_body(request)
            items = request.query_params.multi_items()
            if has_query(request):
                items, body = [*items, *parse_query(body)], b""
            arguments = query.read(method, items)
            fields = partial.mask(arguments.fields, method.answer)
            content = parse_json(body)
            call = Call(
                service=self._service,
                work=self._work,
                params=request.path_params,
                query=arguments.values,
                lists=arguments.lists,
                body=canonical(method.body, content) if method.body else {},
                base=self._url + version,
            )
            return await run_in_threadpool(
                lambda: answer_of(partial.apply(fields, handler(call)), pretty=arguments.pretty)
            )

        return answer

    async def _status(self, _request: Request) -> Response:
        return answer_of(await run_in_threadpool(local.status, self._service, self._url))

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            return answer_of(local.set_clock(self._service, await read_json(request)))
        return answer_of(local.clock(self._service, request.query_params.get("told", "")))

    async def _shutdown(self, request: Request) -> Response:
        body = await read_json(request)
        self._stop(bool(isinstance(body, dict) and body.get("clusters")))
        return answer_of({})

    async def _buckets(self, request: Request) -> Response:
        return answer_of(local.make_bucket(self._service, await read_json(request)))

    async def _faults(self, request: Request) -> Response:
        service = self._service
        if request.method == "POST":
            body = await read_json(request)
            return answer_of(await run_in_threadpool(faults.add, service, body))
        if request.method == "DELETE":
            fault_id = request.query_params.get("id")
            return answer_of(await run_in_threadpool(faults.clear, service, fault_id))
        return answer_of({"faults": faults.active(service)})

    def _guarded(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            try:
                check_caller(request.headers)
                answer: Response = await endpoint(request)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it
            except Exception as error:  # noqa: BLE001 - the client gets the API's shape
                refused = _refusal(request, error)
                answer = answer_of(refused.body(), refused.code)
                answer.headers.update(refused.headers)
            return answer

        return guarded


def _instance(request: Request) -> str:
    return str(request.path_params.get("instance") or "")


def _refusal(request: Request, error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, EngineError):
        return ApiError(503, "backendError", str(error))
    if isinstance(error, sqlite3.OperationalError):
        fault = f"The local Cloud SQL can't write its state: {error}. Free space for it."
        return ApiError(503, "backendError", fault)
    if isinstance(error, OpsError):
        return invalid(str(error))
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    fault = f"The local Cloud SQL has a fault ({type(error).__name__}): see server.log."
    return ApiError(500, "internalError", fault)


async def _no_route(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 404
    try:
        check_caller(request.headers)
    except ApiError as refused:
        return answer_of(refused.body(), refused.code)
    reason, what = (
        ("notFound", "Not Found")
        if code != HTTPStatus.METHOD_NOT_ALLOWED
        else ("httpMethodNotAllowed", "Method")
    )
    message = f"{what}: {request.method} {request.url.path:.200} is no method of the API."
    return answer_of(ApiError(code, reason, message).body(), code)
