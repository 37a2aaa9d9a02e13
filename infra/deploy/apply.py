"""Carries a plan out through the Admin API, and says what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from infra.consequences import Effect
from infra.deploy import record as records
from infra.deploy.plan import plan, resources
from infra.deploy.record import Record
from infra.deploy.report import Deployment, Destruction
from infra.deploy.steps import Action, Plan, ProtectedError, Step, check, removals
from infra.desired import Desired, collect
from infra.drift.differences import Difference, Finding, Remedy, differences, undeclared
from infra.drift.undeclared import Memberships
from infra.live import Kind, Live, read, replicas_first
from infra.outputs import OutputName
from infra.settings import Settings
from ops import guard, lease, localcloud, sessions
from ops.cloudsql import ApiError, CloudSql, OperationFailedError
from ops.console import Progress
from ops.db import DIAGNOSTIC, CannotConnectError, Database
from ops.errors import OpsError
from ops.store import FolderStore, Store
from ops.target import Target

DEPENDENT = "objects depend on it"  # PostgreSQL's words, which the API hands on
LEASE = timedelta(seconds=30)  # renewed every 10 s; a killed deployer's ends with its process


class NotALocalStackError(OpsError):
    """The built-in deployer was asked for a stack in the cloud."""

    def __init__(self, stack: str, command: str) -> None:
        super().__init__(
            f"Stack {stack} lies in Google Cloud, and this deploys to the local Cloud SQL alone."
            f" Use the Pulumi CLI: pulumi {command} -s {stack}."
        )


class UserHasObjectsError(OpsError):
    """A user who is no longer declared owns something, or was granted something by name."""

    def __init__(self, settings: Settings, name: str) -> None:
        owner, database = settings.users.owner, settings.database
        super().__init__(
            f"The user {name} can't be deleted: objects or grants depend on it. As {owner} in"
            f' {database}: GRANT "{name}" TO {owner}; REASSIGN OWNED BY "{name}" TO {owner};'
            f' DROP OWNED BY "{name}"; then deploy again.'
        )


@dataclass(frozen=True, slots=True)
class Deployer:
    """Applies one stack to the local Cloud SQL.

    Attributes:
        settings: The stack's.
        cloud: The Admin API.
        store: Where the record and the passwords are kept.
        progress: Where long work shows itself.
        database_at: Returns the application's database on an address; without it nobody can
            tell whether a password that is known here is still the user's.
    """

    settings: Settings
    cloud: CloudSql
    store: Store
    progress: Progress
    database_at: Callable[[str], Database] | None = None

    def decide(self, desired: Desired) -> tuple[Plan, Live]:
        """Return what would be done, and what there is."""
        record = records.load(self.store)
        names = {e.instance for e in (*record.resources, *resources(desired))}
        live = read(self.cloud, names, self.progress)
        known = records.known_passwords(self.store)
        refused = self.refused(live, known)
        return plan(desired, live, record, known - refused, refused), live

    def refused(self, live: Live, known: frozenset[str]) -> frozenset[str]:
        """Return the users whose password, known here, PostgreSQL refuses: it was changed."""
        instance = live.get(self.settings.instance.name)
        if instance is None or self.database_at is None:
            return frozenset()
        database = self.database_at(instance.address)
        users = {name for _, name in self.settings.users.by_role()}
        refused: set[str] = set()
        for user in users & known & set(instance.users):
            try:
                with database.connect(user, budget=DIAGNOSTIC, name="ai-square-db deploy"):
                    pass
            except CannotConnectError as error:
                if not sessions.wrong_password(error):
                    break  # nobody can tell: roles.status looks at more than passwords
                refused.add(user)
        return frozenset(refused)

    def apply(
        self, desired: Desired, decided: Plan, confirm: Callable[[], None] = lambda: None
    ) -> None:
        """Carry a plan out; one that was cut short is finished by the next.

        Args:
            desired: What is declared.
            decided: The plan.
            confirm: Called before each change; raises where another process went on.
        """
        confirm()
        declared = resources(desired)
        before = records.load(self.store)
        if decided.steps:  # first what may be there, so that a kill leaves nothing unknown
            everything = Record((*before.resources, *declared), before.outputs)
            records.save(self.store, everything)
        for title, steps in groupby(decided.steps, _title):
            with self.progress.phase(title):
                for step in steps:
                    confirm()
                    self._carry_out(step)

    def finish(self, desired: Desired) -> tuple[tuple[Difference, ...], Mapping[str, str]]:
        """Look again: return what still differs, and the outputs as the live instance tells."""
        left, live = self.decide(desired)
        outputs = {name: str(value) for name, value in desired.outputs.items()}
        instance = live.get(self.settings.instance.name)
        if instance is not None:
            outputs[OutputName.ADDRESS] = instance.address
            outputs[OutputName.CONNECTION_NAME] = instance.connection_name
        remaining = resources(desired)
        if left.steps:  # what could not be deleted stays known
            remaining += records.load(self.store).resources
        record = Record(remaining, outputs)
        if record != records.load(self.store):
            records.save(self.store, record)
        refused = self.refused(live, records.known_passwords(self.store))
        stuck = tuple(_still_refused(user, self.settings.instance.name) for user in sorted(refused))
        return (*self.differences(desired, live), *stuck), outputs

    def differences(self, desired: Desired, live: Live) -> tuple[Difference, ...]:
        """Return how the live instances differ from what is declared."""
        return differences(desired, live, memberships=Memberships.of(self.settings))

    def destroy(self, confirm: Callable[[], None] = lambda: None) -> tuple[str, ...]:
        """Delete every instance of the record, then the record; return their names.

        Databases and users go with their instance.
        """
        record = records.load(self.store)
        if not record.resources:  # the passwords may be of instances that a lost record named
            return ()
        live = read(self.cloud, {e.instance for e in record.resources}, self.progress)
        protected = {e.name for e in record.resources if e.kind == Kind.INSTANCE and e.protect}
        for name, instance in live.items():
            if instance.protected or name in protected:
                raise ProtectedError(Kind.INSTANCE, name)
        order = replicas_first(live)
        for name in order:
            confirm()
            with self.progress.phase(f"Delete instance {name}"):
                self.cloud.wait(self.cloud.delete(name))
        records.forget(self.store)
        return order

    def _carry_out(self, step: Step) -> None:
        if step.action is Action.REPLACE:
            self._delete(step.kind, step.instance, step.replaces)
        if step.action is Action.DELETE:
            self._delete(step.kind, step.instance, step.name)
        elif step.action is Action.CHANGE:
            self._change(step)
        else:
            self._create(step)

    def _create(self, step: Step) -> None:
        if step.kind is Kind.INSTANCE:
            operation = self.cloud.insert(step.body or {})
        elif step.kind is Kind.DATABASE:
            operation = self.cloud.insert_database(step.instance, step.name)
        elif step.body is not None:  # who logs in with IAM has no password
            kind = str(step.body["type"])
            operation = self.cloud.insert_iam_user(step.instance, step.name, kind)
        else:
            password = records.next_password(self.store, step.name)
            self.cloud.wait(self.cloud.insert_user(step.instance, step.name, password))
            records.keep_password(self.store, step.name, password)
            return
        self.cloud.wait(operation)

    def _change(self, step: Step) -> None:
        if step.kind is Kind.INSTANCE:
            self.cloud.wait(self.cloud.update(step.name, step.body or {}))
            return
        password = records.next_password(self.store, step.name)
        self.cloud.wait(self.cloud.update_user(step.instance, step.name, password))
        records.keep_password(self.store, step.name, password)

    def _delete(self, kind: Kind, instance: str, name: str) -> None:
        if kind is Kind.INSTANCE:
            self.cloud.wait(self.cloud.delete(name))
        elif kind is Kind.DATABASE:
            self.cloud.wait(self.cloud.delete_database(instance, name))
        else:
            self._delete_user(instance, name)
            records.drop_password(self.store, name)

    def _delete_user(self, instance: str, name: str) -> None:
        try:
            self.cloud.wait(self.cloud.delete_user(instance, name))
        except (ApiError, OperationFailedError) as error:
            if DEPENDENT in str(error):
                raise UserHasObjectsError(self.settings, name) from error
            raise


def _still_refused(user: str, instance: str) -> Difference:
    return Difference(
        finding=Finding.DIFFERS,
        kind=Kind.USER,
        name=user,
        instance=instance,
        property="password",
        declared="the stack's",
        live="refused",
        deploying=str(Effect.UPDATE),
        remedy=Remedy.DEPLOY,
        resolve="`invoke roles.status` shows why it can't log in.",
    )


def _title(step: Step) -> str:
    """Say what a step does; users share a line, since each of them takes no time."""
    if step.kind is Kind.USER:
        return f"{step.action.capitalize()} users of {step.instance}"
    return f"{step.action.capitalize()} {step.kind} {step.name}"


def local_folder(target: Target, command: str) -> Path:
    """Return the local Cloud SQL's folder.

    Raises:
        NotALocalStackError: The stack lies in Google Cloud.
    """
    if target.local is None:
        raise NotALocalStackError(target.stack, command)
    return target.local


def record_store(folder: Path, stack: str) -> Store:
    """Return where the record and the passwords of a stack are kept."""
    return FolderStore(folder / "stack" / stack)


def deploy(
    target: Target,
    progress: Progress,
    *,
    replace: bool = False,
    plan_only: bool = False,
    yes: bool = False,
) -> Deployment:
    """Make the local Cloud SQL what the stack declares.

    Starts the local Cloud SQL where it does not run.

    Args:
        target: A stack on the local Cloud SQL.
        progress: Where long work shows itself.
        replace: Whether something may be deleted and made anew.
        plan_only: Whether to stop before anything is done.
        yes: Whether to delete what is no longer declared without asking.

    Raises:
        NotALocalStackError: The stack lies in Google Cloud.
        ops.guard.DeclinedError, ops.guard.UnansweredError: Something would be deleted.
        ReplacementRefusedError: Something would be replaced unasked.
        ProtectedError: Something protected would be deleted.
    """
    folder = local_folder(target, "up")
    store = record_store(folder, target.stack)
    _started(folder, progress)
    deployer = Deployer(target.settings, target.cloud(), store, progress, target.database_at)
    desired = collect(target.settings)
    with lease.hold(store, "deploy", LEASE) as holding:
        decided, live = deployer.decide(desired)
        if plan_only:
            beside = undeclared(deployer.differences(desired, live))
            return Deployment(target.stack, applied=False, plan=decided, found=beside)
        _permit(decided, replace=replace, yes=yes)
        deployer.apply(desired, decided, holding.confirm)
        if decided.unread:  # what was stopped runs now, and what is in it can be read
            inside, _ = deployer.decide(desired)
            _permit(inside, replace=replace, yes=yes)
            deployer.apply(desired, inside, holding.confirm)
            decided = Plan((*decided.steps, *inside.steps), decided.ignored, inside.unread)
        differences, outputs = deployer.finish(desired)
    return Deployment(target.stack, applied=True, plan=decided, found=differences, outputs=outputs)


def _permit(decided: Plan, *, replace: bool, yes: bool) -> None:
    """Refuse a plan that loses what nobody said may be lost; ask before anything is deleted."""
    check(decided, replace=replace)
    if removed := removals(decided):
        guard.ask(f"delete {', '.join(removed)}, with the data in it", yes=yes)


def destroy(target: Target, progress: Progress, *, yes: bool = False) -> Destruction:
    """Delete all that was deployed to the local Cloud SQL, and the passwords.

    Args:
        target: A stack on the local Cloud SQL.
        progress: Where long work shows itself.
        yes: Whether not to ask.

    Raises:
        NotALocalStackError: The stack lies in Google Cloud.
        ops.guard.DeclinedError, ops.guard.UnansweredError: It is not approved.
        ProtectedError: The instance is protected against deletion.
    """
    folder = local_folder(target, "destroy")
    store = record_store(folder, target.stack)
    known = records.load(store).resources
    if not known:
        return Destruction(target.stack, ())
    instances = dict.fromkeys(entry.instance for entry in known)
    guard.ask(f"delete {', '.join(instances)} with all data, users and backups", yes=yes)
    _started(folder, progress)
    deployer = Deployer(target.settings, target.cloud(), store, progress)
    with lease.hold(store, "deploy", LEASE) as holding:
        return Destruction(target.stack, deployer.destroy(holding.confirm))


def _started(folder: Path, progress: Progress) -> None:
    if localcloud.running(folder) is None:
        with progress.phase("Start the local Cloud SQL"):
            localcloud.ensure(folder)
