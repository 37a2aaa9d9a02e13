"""The Admin API of one project, through google-cloud-sql over REST.

Bodies go in and come out in the API's own JSON shape, so that only
``infra.body`` and the rooms that read a body know its keys.
"""

from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

from ops.cloudsql import model
from ops.cloudsql.calls import Calls
from ops.cloudsql.errors import (
    ApiError,
    NoSuchInstanceError,
)
from ops.cloudsql.model import (
    Account,
    BackupRun,
    Body,
    Database,
    Instance,
    KeptBackup,
    Operation,
    RecoveryWindow,
)
from ops.cloudsql.once import (
    FAILOVER,
    Call,
    backup_call,
    export_call,
    import_call,
    is_part,
    never,
)


class CloudSql(Calls):
    """The Admin API of one project.

    Args:
        project: whose instances these are.
        endpoint: the API's root; None is Google's own.
        patience_s: how long to wait for an operation, in seconds.
    """

    # --- instances

    def instances(self) -> tuple[Instance, ...]:
        """Return every instance of the project."""
        instances: list[Instance] = []
        token = ""
        while True:
            request = self._ask("InstancesList", page_token=token)
            body = self._call("list instances", self._first_page(self._instances.list), request)
            instances += [model.instance(item) for item in body.get("items", ())]
            token = str(body.get("nextPageToken", ""))
            if not token:
                return tuple(instances)

    def find(self, name: str) -> Instance | None:
        """Return an instance, or None where there is none of that name."""
        try:
            return model.instance(
                self._call(
                    f"get instance {name}",
                    self._instances.get,
                    self._ask("InstancesGet", instance=name),
                )
            )
        except ApiError as error:
            if error.reason in {"instanceDoesNotExist", "notFound"}:
                return None
            raise

    def instance(self, name: str) -> Instance:
        """Return an instance; raises NoSuchInstanceError."""
        instance = self.find(name)
        if instance is None:
            raise NoSuchInstanceError(self.project, name)
        return instance

    def insert(self, body: Body) -> Operation:
        """Start to create an instance."""
        request = self._ask("InstancesInsert", body=self._message("DatabaseInstance", body))
        return self._start(
            f"create instance {body['name']}",
            self._instances.insert,
            request,
            Call(str(body["name"]), "CREATE"),
        )

    def patch(self, name: str, body: Body) -> Operation:
        """Start to change what ``body`` names of an instance; flags are replaced as a set."""
        request = self._ask(
            "InstancesPatch", instance=name, body=self._message("DatabaseInstance", body)
        )
        call = Call(name, "UPDATE", lambda _: is_part(body, self.instance(name).body))
        return self._start(f"change instance {name}", self._instances.patch, request, call)

    def update(self, name: str, body: Body) -> Operation:
        """Start to make an instance what ``body`` says: its settings are replaced whole."""
        request = self._ask(
            "InstancesUpdate", instance=name, body=self._message("DatabaseInstance", body)
        )
        call = Call(name, "UPDATE")
        return self._start(f"change instance {name}", self._instances.update, request, call)

    def delete(self, name: str) -> Operation:
        """Start to delete an instance."""
        request = self._ask("InstancesDelete", instance=name)
        call = Call(name, "DELETE")
        return self._start(f"delete instance {name}", self._instances.delete, request, call)

    def restart(self, name: str) -> Operation:
        """Start to restart an instance."""
        request = self._ask("InstancesRestart", instance=name)
        call = Call(name, "RESTART")
        return self._start(f"restart instance {name}", self._instances.restart, request, call)

    def failover(self, name: str, settings_version: int) -> Operation:
        """Start to fail an instance over to its standby.

        Args:
            name: the instance's.
            settings_version: that of the settings as they were looked at; the API refuses
                with ``staleData`` where they were changed since.
        """
        context = {"failoverContext": {"settingsVersion": str(settings_version)}}
        request = self._ask(
            "InstancesFailover",
            instance=name,
            body=self._message("InstancesFailoverRequest", context),
        )
        call = Call(name, FAILOVER)
        return self._start(f"fail over instance {name}", self._instances.failover, request, call)

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
        call = Call(to, "CLONE")
        return self._start(f"clone {source} to {to}", self._instances.clone, request, call)

    def restore_backup(self, source: str, backup_id: str, to: str) -> Operation:
        """Start to restore a backup run of ``source`` over the existing instance ``to``."""
        context = {"backupRunId": backup_id, "instanceId": source, "project": self.project}
        request = self._ask(
            "InstancesRestoreBackup",
            instance=to,
            body=self._message("InstancesRestoreBackupRequest", {"restoreBackupContext": context}),
        )
        call = Call(to, "RESTORE_VOLUME")
        return self._start(f"restore over {to}", self._instances.restore_backup, request, call)

    def recovery_window(self, name: str) -> RecoveryWindow:
        """Return between which times the instance can be recovered to any moment."""
        body = self._call(
            f"tell the latest recovery time of {name}",
            self._instances.get_latest_recovery_time,
            self._ask("InstancesGetLatestRecoveryTime", instance=name),
        )
        earliest, latest = body.get("earliestRecoveryTime"), body.get("latestRecoveryTime")
        return RecoveryWindow(model.moment(earliest), model.moment(latest))

    def latest_recovery_time(self, name: str) -> datetime | None:
        """Return the newest time to which the instance can be recovered; None if unknown."""
        return self.recovery_window(name).latest

    # --- files in buckets

    def export(self, name: str, context: Body) -> Operation:
        """Start to export databases, or what a query finds; ``context`` is an ExportContext."""
        request = self._ask(
            "InstancesExport",
            instance=name,
            body=self._message("InstancesExportRequest", {"exportContext": dict(context)}),
        )
        call = export_call(name, str(context["uri"]))
        return self._start(f"export from {name}", self._instances.export, request, call)

    def import_(self, name: str, context: Body) -> Operation:
        """Start to import a file into a database; ``context`` is an ImportContext."""
        request = self._ask(
            "InstancesImport",
            instance=name,
            body=self._message("InstancesImportRequest", {"importContext": dict(context)}),
        )
        call = import_call(name, str(context["uri"]), str(context["database"]))
        return self._start(f"import into {name}", self._instances.import_, request, call)

    # --- backup runs

    def backup_runs(self, name: str) -> tuple[BackupRun, ...]:
        """Return an instance's backup runs, the newest first."""
        runs: list[BackupRun] = []
        token = ""
        while True:
            request = self._ask("BackupRunsList", instance=name, page_token=token)
            body = self._call(
                f"list the backups of {name}",
                self._first_page(self._backups.list),
                request,
            )
            runs += [model.backup_run(item) for item in body.get("items", ())]
            token = str(body.get("nextPageToken", ""))
            if not token:
                return tuple(runs)

    def backup_run(self, name: str, backup_id: str) -> BackupRun | None:
        """Return one backup run of an instance, or None where there is none of that number."""
        request = self._ask("BackupRunsGet", instance=name, id=int(backup_id))
        try:
            body = self._call(f"get backup {backup_id}", self._backups.get, request)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return model.backup_run(body)

    def kept_backups(self) -> tuple[KeptBackup, ...]:
        """Return the project's backups that the API lists beside their instances."""
        backups: list[KeptBackup] = []
        token = ""
        while True:
            request = self._api.ListBackupsRequest(
                parent=f"projects/{self.project}", page_token=token
            )
            body = self._call(
                "list the kept backups",
                self._first_page(self._backups_client.list_backups),
                request,
            )
            backups += [model.kept_backup(item) for item in body.get("backups", ())]
            token = str(body.get("nextPageToken", ""))
            if not token:
                return tuple(backups)

    def create_backup(self, name: str, description: str) -> Operation:
        """Start an on-demand backup run."""
        request = self._ask(
            "BackupRunsInsert",
            instance=name,
            body=self._message("BackupRun", {"description": description}),
        )
        call = backup_call(self, name, description)
        return self._start(f"back up {name}", self._backups.insert, request, call)

    def delete_backup(self, name: str, backup_id: str) -> Operation:
        """Start to delete a backup run."""
        request = self._ask("BackupRunsDelete", instance=name, id=int(backup_id))
        call = Call(name, "DELETE_BACKUP", lambda it: it.backup_id in ("", backup_id))
        return self._start(f"delete backup {backup_id}", self._backups.delete, request, call)

    # --- databases and users

    def databases(self, name: str) -> tuple[str, ...]:
        """Return the names of an instance's databases."""
        return tuple(database.name for database in self.database_details(name))

    def database_details(self, name: str) -> tuple[Database, ...]:
        """Return an instance's databases, with their encodings."""
        body = self._call(
            f"list the databases of {name}",
            self._databases.list,
            self._ask("DatabasesList", instance=name),
        )
        return tuple(model.database(item) for item in body.get("items", ()))

    def insert_database(self, instance: str, name: str) -> Operation:
        """Start to create a database."""
        body = self._message("Database", {"instance": instance, "name": name})
        request = self._ask("DatabasesInsert", instance=instance, body=body)
        call = Call(instance, "CREATE_DATABASE", lambda _: name in self.databases(instance))
        return self._start(f"create database {name}", self._databases.insert, request, call)

    def delete_database(self, instance: str, name: str) -> Operation:
        """Start to drop a database."""
        request = self._ask("DatabasesDelete", instance=instance, database=name)
        call = Call(instance, "DELETE_DATABASE", lambda _: name not in self.databases(instance))
        return self._start(f"drop database {name}", self._databases.delete, request, call)

    def users(self, name: str) -> tuple[str, ...]:
        """Return the names of an instance's users."""
        return tuple(account.name for account in self.accounts(name))

    def accounts(self, name: str) -> tuple[Account, ...]:
        """Return an instance's users, with their types."""
        body = self._call(
            f"list the users of {name}",
            self._users.list,
            self._ask("UsersList", instance=name),
        )
        return tuple(model.account(item) for item in body.get("items", ()))

    def _has_user(self, instance: str, name: str) -> bool:
        return any(name in (account.name, account.email) for account in self.accounts(instance))

    def insert_user(self, instance: str, name: str, password: str) -> Operation:
        """Start to create a built-in user."""
        body = self._message("User", {"instance": instance, "name": name, "password": password})
        request = self._ask("UsersInsert", instance=instance, body=body)
        call = Call(instance, "CREATE_USER", lambda _: self._has_user(instance, name))
        return self._start(f"create user {name}", self._users.insert, request, call)

    def insert_iam_user(self, instance: str, name: str, kind: str) -> Operation:
        """Start to create a user who logs in with IAM; ``kind`` is the API's type."""
        body = self._message("User", {"instance": instance, "name": name, "type": kind})
        request = self._ask("UsersInsert", instance=instance, body=body)
        call = Call(instance, "CREATE_USER", lambda _: self._has_user(instance, name))
        return self._start(f"create user {name}", self._users.insert, request, call)

    def update_user(self, instance: str, name: str, password: str) -> Operation:
        """Start to give a built-in user another password."""
        body = self._message("User", {"instance": instance, "name": name, "password": password})
        request = self._ask("UsersUpdate", instance=instance, name=name, body=body)
        call = Call(instance, "UPDATE_USER", never, repeatable=True)
        return self._start(f"change user {name}", self._users.update, request, call)

    def delete_user(self, instance: str, name: str) -> Operation:
        """Start to drop a user."""
        request = self._ask("UsersDelete", instance=instance, name=name)
        call = Call(instance, "DELETE_USER", lambda _: not self._has_user(instance, name))
        return self._start(f"drop user {name}", self._users.delete, request, call)

    # --- the API's own clients

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
    def _backups_client(self) -> Any:  # noqa: ANN401 - proto-plus is untyped
        return self._client("Backups")
