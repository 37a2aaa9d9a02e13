"""The Admin API of one project, through google-cloud-sql (``sqladmin_v1beta4`` over REST).

Bodies go in and come out in the API's own JSON shape, so that only
``infra.body`` and the rooms that read a body know its keys.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from ops.cloudsql import model
from ops.cloudsql.errors import (
    ApiError,
    NoCredentialsError,
    NoSuchInstanceError,
    OperationFailedError,
    UnreachableError,
    WaitTimeoutError,
)
from ops.cloudsql.model import Account, BackupRun, Body, Instance, Operation

API_SCOPE = "https://www.googleapis.com/auth/sqlservice.admin"
BUSY_LIMIT_S = 600.0  # how long a call is tried again while another operation runs
WAIT_LIMIT_S = 5400.0  # the provider's own limit: 90 minutes
POLLS_MISSED = 3  # polls in a row that may fail before a wait gives up
OVERLOAD_LIMIT_S = 60.0  # how long a call is tried again while the API has no room for it
# Refused before anything was done; the others of them may come after the work.
OVERLOADED = frozenset({429, 503})
TRANSIENT = frozenset({429, 500, 502, 503, 504})
POLL_FIRST_S, POLL_FACTOR, POLL_MOST_S = 0.05, 1.4, 5.0


class CloudSql:
    """The Admin API of one project.

    Args:
        project: whose instances these are.
        endpoint: the API's root; None is Google's own.
        patience_s: how long to wait for an operation, in seconds.
    """

    def __init__(
        self, project: str, endpoint: str | None = None, *, patience_s: float = WAIT_LIMIT_S
    ) -> None:
        self.project, self._endpoint, self._patience_s = project, endpoint, patience_s

    # --- instances

    def instances(self) -> tuple[Instance, ...]:
        """Return every instance of the project."""
        found: list[Instance] = []
        token = ""
        while True:
            request = self._ask("InstancesList", page_token=token)
            body = self._call(
                "list instances", partial(self._first_page, self._instances.list, request)
            )
            found += [model.instance(item) for item in body.get("items", ())]
            token = str(body.get("nextPageToken", ""))
            if not token:
                return tuple(found)

    def find(self, name: str) -> Instance | None:
        """Return an instance, or None where there is none of that name."""
        try:
            return model.instance(
                self._call(
                    f"get instance {name}",
                    lambda: self._instances.get(self._ask("InstancesGet", instance=name)),
                )
            )
        except ApiError as error:
            if error.reason in {"instanceDoesNotExist", "notFound"}:
                return None
            raise

    def instance(self, name: str) -> Instance:
        """Return an instance; raises NoSuchInstanceError."""
        found = self.find(name)
        if found is None:
            raise NoSuchInstanceError(self.project, name)
        return found

    def insert(self, body: Body) -> Operation:
        """Start to create an instance."""
        request = self._ask("InstancesInsert", body=self._message("DatabaseInstance", body))
        return self._start(f"create instance {body['name']}", self._instances.insert, request)

    def patch(self, name: str, body: Body) -> Operation:
        """Start to change what ``body`` names of an instance; flags are replaced as a set."""
        request = self._ask(
            "InstancesPatch", instance=name, body=self._message("DatabaseInstance", body)
        )
        return self._start(f"change instance {name}", self._instances.patch, request)

    def update(self, name: str, body: Body) -> Operation:
        """Start to make an instance what ``body`` says: its settings are replaced whole."""
        request = self._ask(
            "InstancesUpdate", instance=name, body=self._message("DatabaseInstance", body)
        )
        return self._start(f"change instance {name}", self._instances.update, request)

    def delete(self, name: str) -> Operation:
        """Start to delete an instance."""
        request = self._ask("InstancesDelete", instance=name)
        return self._start(f"delete instance {name}", self._instances.delete, request)

    def restart(self, name: str) -> Operation:
        """Start to restart an instance."""
        request = self._ask("InstancesRestart", instance=name)
        return self._start(f"restart instance {name}", self._instances.restart, request)

    def clone(self, source: str, to: str, point_in_time: datetime | None = None) -> Operation:
        """Start to clone an instance, as it is now or as it was at a time."""
        context: dict[str, Any] = {"destinationInstanceName": to}
        if point_in_time is not None:
            context["pointInTime"] = point_in_time.isoformat()
        request = self._ask(
            "InstancesClone",
            instance=source,
            body=self._message("InstancesCloneRequest", {"cloneContext": context}),
        )
        return self._start(f"clone {source} to {to}", self._instances.clone, request)

    def restore_backup(self, source: str, backup_id: str, to: str) -> Operation:
        """Start to restore a backup run of ``source`` over the existing instance ``to``."""
        context = {"backupRunId": backup_id, "instanceId": source, "project": self.project}
        request = self._ask(
            "InstancesRestoreBackup",
            instance=to,
            body=self._message("InstancesRestoreBackupRequest", {"restoreBackupContext": context}),
        )
        return self._start(f"restore over {to}", self._instances.restore_backup, request)

    def latest_recovery_time(self, name: str) -> datetime | None:
        """Return the newest time to which the instance can be recovered; None if unknown."""
        body = self._call(
            f"tell the latest recovery time of {name}",
            lambda: self._instances.get_latest_recovery_time(
                self._ask("InstancesGetLatestRecoveryTime", instance=name)
            ),
        )
        return model.moment(body.get("latestRecoveryTime"))

    # --- backup runs

    def backup_runs(self, name: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs, the newest first."""
        runs: list[BackupRun] = []
        token = ""
        while True:
            request = self._ask("BackupRunsList", instance=name, page_token=token)
            body = self._call(
                f"list the backups of {name}",
                partial(self._first_page, self._backups.list, request),
            )
            runs += [model.backup_run(item) for item in body.get("items", ())]
            token = str(body.get("nextPageToken", ""))
            if not token:
                return tuple(runs)

    def create_backup(self, name: str, description: str) -> Operation:
        """Start an on-demand backup run."""
        request = self._ask(
            "BackupRunsInsert",
            instance=name,
            body=self._message("BackupRun", {"description": description}),
        )
        return self._start(f"back up {name}", self._backups.insert, request)

    def delete_backup(self, name: str, backup_id: str) -> Operation:
        """Start to delete a backup run."""
        request = self._ask("BackupRunsDelete", instance=name, id=int(backup_id))
        return self._start(f"delete backup {backup_id}", self._backups.delete, request)

    # --- databases and users

    def databases(self, name: str) -> tuple[str, ...]:
        """Return the names of an instance's databases."""
        body = self._call(
            f"list the databases of {name}",
            lambda: self._databases.list(self._ask("DatabasesList", instance=name)),
        )
        return tuple(str(item.get("name", "")) for item in body.get("items", ()))

    def insert_database(self, instance: str, name: str) -> Operation:
        """Start to create a database."""
        body = self._message("Database", {"instance": instance, "name": name})
        request = self._ask("DatabasesInsert", instance=instance, body=body)
        return self._start(f"create database {name}", self._databases.insert, request)

    def delete_database(self, instance: str, name: str) -> Operation:
        """Start to drop a database."""
        request = self._ask("DatabasesDelete", instance=instance, database=name)
        return self._start(f"drop database {name}", self._databases.delete, request)

    def users(self, name: str) -> tuple[str, ...]:
        """Return the names of an instance's users."""
        return tuple(account.name for account in self.accounts(name))

    def accounts(self, name: str) -> tuple[Account, ...]:
        """Return an instance's users, with their types."""
        body = self._call(
            f"list the users of {name}",
            lambda: self._users.list(self._ask("UsersList", instance=name)),
        )
        return tuple(model.account(item) for item in body.get("items", ()))

    def insert_user(self, instance: str, name: str, password: str) -> Operation:
        """Start to create a built-in user."""
        body = self._message("User", {"instance": instance, "name": name, "password": password})
        request = self._ask("UsersInsert", instance=instance, body=body)
        return self._start(f"create user {name}", self._users.insert, request)

    def insert_iam_user(self, instance: str, name: str, kind: str) -> Operation:
        """Start to create a user who logs in with IAM; ``kind`` is the API's type."""
        body = self._message("User", {"instance": instance, "name": name, "type": kind})
        request = self._ask("UsersInsert", instance=instance, body=body)
        return self._start(f"create user {name}", self._users.insert, request)

    def update_user(self, instance: str, name: str, password: str) -> Operation:
        """Start to give a built-in user another password."""
        body = self._message("User", {"instance": instance, "name": name, "password": password})
        request = self._ask("UsersUpdate", instance=instance, name=name, body=body)
        return self._start(f"change user {name}", self._users.update, request)

    def delete_user(self, instance: str, name: str) -> Operation:
        """Start to drop a user."""
        request = self._ask("UsersDelete", instance=instance, name=name)
        return self._start(f"drop user {name}", self._users.delete, request)

    # --- operations

    def operation(self, operation_id: str) -> Operation:
        """Return an operation as it is now."""
        request = self._ask("OperationsGet", operation=operation_id)
        return model.operation(
            self._call(f"tell of operation {operation_id}", lambda: self._operations.get(request))
        )

    def operations(self, instance: str) -> tuple[Operation, ...]:
        """Return the newest operations on an instance (one page), the newest first."""
        request = self._ask("OperationsList", instance=instance)
        body = self._call(
            f"list the operations of {instance}",
            lambda: self._first_page(self._operations.list, request),
        )
        return tuple(model.operation(item) for item in body.get("items", ()))

    def wait(self, operation: Operation, timeout_s: float | None = None) -> Operation:
        """Wait until an operation is DONE and return it.

        Raises:
            OperationFailedError: it ended with an error.
            WaitTimeoutError: it still runs after ``timeout_s`` seconds.
        """
        limit_s = self._patience_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit_s
        missed = 0
        for pause in _pauses():
            if operation.status == "DONE":
                break
            if time.monotonic() > deadline:
                raise WaitTimeoutError(operation, limit_s)
            time.sleep(pause)
            try:
                operation = self.operation(operation.id)
                missed = 0
            except (UnreachableError, ApiError) as error:
                missed += 1
                if missed > POLLS_MISSED or not _passes(error):
                    raise
        if operation.errors:
            raise OperationFailedError(operation)
        return operation

    # --- how a call is made

    def _start(self, what: str, method: Callable[..., Any], request: object) -> Operation:
        deadline = time.monotonic() + BUSY_LIMIT_S
        for pause in _pauses():
            try:
                return model.operation(self._call(what, lambda: method(request)))
            except ApiError as error:
                if error.reason != "operationInProgress" or time.monotonic() > deadline:
                    raise
                time.sleep(pause)
        raise AssertionError  # _pauses never ends

    def _call(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        """Call, and call again after a while where the API is overloaded."""
        deadline = time.monotonic() + OVERLOAD_LIMIT_S
        for pause in _pauses():
            try:
                return self._call_once(what, call)
            except ApiError as error:
                # pauses vary: many that are refused together must not come back together
                wait_s = max(error.retry_after_s, pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
                if error.status not in OVERLOADED or time.monotonic() + wait_s > deadline:
                    raise
                time.sleep(wait_s)
        raise AssertionError  # _pauses never ends

    def _call_once(self, what: str, call: Callable[[], Any]) -> dict[str, Any]:
        import requests
        from google.api_core import exceptions

        try:
            message = call()
        except exceptions.GoogleAPICallError as error:
            first = dict(error.errors[0]) if error.errors else {}
            reason = str(first.get("reason") or error.reason or error.code)
            # the client puts the request's address in front of the API's own words
            words = str(first.get("message") or error.message)
            raise ApiError(
                what, int(error.code or 0), reason, words, _retry_after_s(error)
            ) from error
        except requests.exceptions.ConnectionError as error:
            raise UnreachableError(self._endpoint or "sqladmin.googleapis.com") from error
        text = type(message).to_json(
            message,
            use_integers_for_enums=False,
            preserving_proto_field_name=False,
            always_print_fields_with_no_presence=False,
        )
        body: dict[str, Any] = json.loads(text)
        return body

    def _first_page(self, method: Callable[..., Any], request: object) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return next(iter(method(request).pages))

    def _ask(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return getattr(self._api, f"Sql{kind}Request")(project=self.project, **fields)

    def _message(self, kind: str, body: Body) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return getattr(self._api, kind).from_json(json.dumps(dict(body)))

    def _client(self, kind: str) -> Any:  # noqa: ANN401 - proto-plus is untyped
        from google.api_core.client_options import ClientOptions

        options = ClientOptions(api_endpoint=self._endpoint) if self._endpoint else None
        client = getattr(self._api, f"Sql{kind}ServiceClient")
        return client(transport="rest", client_options=options, credentials=self._credentials)

    @cached_property
    def _api(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        from google.cloud import sqladmin_v1beta4

        return sqladmin_v1beta4

    @cached_property
    def _credentials(self) -> Any:  # noqa: ANN401 - google-auth is untyped
        import google.auth
        import google.auth.exceptions
        from google.oauth2.credentials import Credentials

        if self._endpoint:
            return Credentials("local")  # type: ignore[no-untyped-call]  # google-auth is untyped
        try:
            credentials, _ = google.auth.default(scopes=[API_SCOPE])
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise NoCredentialsError from error
        return credentials

    @cached_property
    def _instances(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Instances")

    @cached_property
    def _backups(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("BackupRuns")

    @cached_property
    def _databases(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Databases")

    @cached_property
    def _users(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Users")

    @cached_property
    def _operations(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Operations")


def _retry_after_s(error: Any) -> float:  # noqa: ANN401 - google-api-core is untyped
    """Return the seconds of a refusal's Retry-After header; 0 without one, or with a date."""
    headers = getattr(error.response, "headers", None) or {}
    given = str(headers.get("Retry-After", ""))
    return float(given) if given.isdecimal() else 0.0


def _passes(error: UnreachableError | ApiError) -> bool:
    """Return whether asking again may help: nothing was changed by what failed."""
    return isinstance(error, UnreachableError) or error.status in TRANSIENT


def _pauses() -> Iterator[float]:
    pause = POLL_FIRST_S
    while True:
        yield pause
        pause = min(pause * POLL_FACTOR, POLL_MOST_S)
