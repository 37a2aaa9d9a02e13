"""The Admin API as one ASGI application."""

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.api import (
    backups,
    databases,
    flags,
    instances,
    local,
    operations,
    recovery,
    tiers,
    users,
)
from infra.local.api.body import canonical
from infra.local.api.call import Call, Handler
from infra.local.api.errors import ApiError, invalid, unimplemented
from infra.local.api.methods import Method, methods
from infra.local.errors import EngineError
from infra.local.service import Service
from infra.local.work import Work
from ops.errors import OpsError

# v1beta4 is asked for with and without /sql: by the SDK and gcloud, and by the connectors.
VERSIONS = ("/sql/v1beta4", "/v1beta4", "/sql/v1", "/v1")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BODY_LIMIT_BYTES = 1_000_000
_log = logging.getLogger(__name__)

HANDLERS: Mapping[str, Handler] = {
    "backupRuns.delete": backups.delete,
    "backupRuns.get": backups.get,
    "backupRuns.insert": backups.insert,
    "backupRuns.list": backups.every,
    "databases.delete": databases.delete,
    "databases.get": databases.get,
    "databases.insert": databases.insert,
    "databases.list": databases.every,
    "databases.patch": databases.update,
    "databases.update": databases.update,
    "flags.list": flags.every,
    "instances.clone": recovery.clone,
    "instances.delete": instances.delete,
    "instances.get": instances.get,
    "instances.insert": instances.insert,
    "instances.list": instances.every,
    "instances.patch": instances.patch,
    "instances.restart": instances.restart,
    "instances.restoreBackup": recovery.restore_backup,
    "instances.update": instances.update,
    "operations.get": operations.get,
    "operations.list": operations.every,
    "projects.instances.getLatestRecoveryTime": recovery.latest_recovery_time,
    "tiers.list": tiers.every,
    "users.delete": users.delete,
    "users.get": users.get,
    "users.insert": users.insert,
    "users.list": users.every,
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
        ]
        for version in VERSIONS:
            for method in methods():
                endpoint = self._guarded(self._endpoint(method, version))
                routes.append(Route(version + method.path, endpoint, methods=[method.verb]))
        return Starlette(routes=routes, exception_handlers={HTTPException: _no_route})

    def _endpoint(self, method: Method, version: str) -> Callable[[Request], Any]:
        handler = HANDLERS.get(method.name)

        async def answer(request: Request) -> Response:
            if handler is None:
                raise unimplemented(method.name)
            body = await _json(request)
            call = Call(
                service=self._service,
                work=self._work,
                params=request.path_params,
                query=dict(request.query_params),
                body=canonical(method.body, body) if method.body else {},
                base=self._url + version,
            )
            return JSONResponse(await run_in_threadpool(handler, call))

        return answer

    async def _status(self, _request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(local.status, self._service, self._url))

    async def _shutdown(self, request: Request) -> Response:
        body = await _json(request)
        self._stop(bool(isinstance(body, dict) and body.get("clusters")))
        return JSONResponse({})

    def _guarded(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def guarded(request: Request) -> Response:
            try:
                check_caller(request.headers)
                answer: Response = await endpoint(request)
            except ApiError as error:
                return JSONResponse(error.body(), error.code)
            except EngineError as error:
                refused = ApiError(503, "backendError", str(error))
                return JSONResponse(refused.body(), refused.code)
            except sqlite3.OperationalError as error:
                fault = f"The local Cloud SQL can't write its state: {error}. Free space for it."
                return JSONResponse(ApiError(503, "backendError", fault).body(), 503)
            except OpsError as error:
                return JSONResponse(invalid(str(error)).body(), 400)
            except Exception as error:  # noqa: BLE001 - the client gets a 500 in the API's shape
                _log.exception("%s %s failed", request.method, request.url.path)
                fault = f"The local Cloud SQL has a fault ({type(error).__name__}): see server.log."
                return JSONResponse(ApiError(500, "internalError", fault).body(), 500)
            return answer

        return guarded


def check_caller(headers: Mapping[str, str]) -> None:
    """Let in who addresses this machine and carries a token; the token is not looked at.

    A browser that a foreign page sends here has neither: its Host header is that of the
    page's own name when the name was bent to 127.0.0.1, and it can't add a token.

    Raises:
        ApiError: 403 for another host, 401 without a token.
    """
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        host = None
    if host not in _LOOPBACK:
        raise ApiError(403, "forbidden", "The local Cloud SQL answers to loopback hosts alone.")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise ApiError(
            401,
            "required",
            "Login Required: send a bearer token; here one of any value is accepted.",
        )


async def _json(request: Request) -> object:
    text = b""
    async for chunk in request.stream():
        text += chunk
        if len(text) > _BODY_LIMIT_BYTES:
            raise ApiError(413, "uploadTooLarge", "Request payload size exceeds the limit.")
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError(400, "parseError", "Parse Error: the body is not JSON.") from None


async def _no_route(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 404
    try:
        check_caller(request.headers)
    except ApiError as refused:
        return JSONResponse(refused.body(), refused.code)
    reason, what = (
        ("notFound", "Not Found")
        if code != HTTPStatus.METHOD_NOT_ALLOWED
        else ("httpMethodNotAllowed", "Method")
    )
    message = f"{what}: {request.method} {request.url.path:.200} is no method of the API."
    return JSONResponse(ApiError(code, reason, message).body(), code)
