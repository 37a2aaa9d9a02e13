"""One stack's settings: frozen, typed, and validated all at once.

Read from the stack files by ``load``, or from the Pulumi engine by ``from_config``;
both validate alike, so a program under the CLI and a task see the same values and the
same complaints. An area has one module: its keys, what they may say together, and the
frozen value that comes out.
"""

from dataclasses import dataclass
from pathlib import Path

from infra.settings.access import PASSWORD_LENGTH, PASSWORD_SPECIAL, IamUser, Users
from infra.settings.alerts import Alerts
from infra.settings.backup import Backup
from infra.settings.disk import Disk
from infra.settings.errors import SettingsError
from infra.settings.insights import Insights
from infra.settings.instance import InstanceSettings
from infra.settings.maintenance import DenyPeriod, Maintenance
from infra.settings.network import Network
from infra.settings.notify import Notify
from infra.settings.operations import ChangeWindow, DrillSettings, FailoverSettings, Pool
from infra.settings.protection import PasswordPolicy, Protection
from infra.settings.replicas import Replica
from infra.settings.runner import Runner
from infra.settings.storage import Storage

__all__ = [
    "PASSWORD_LENGTH",
    "PASSWORD_SPECIAL",
    "Alerts",
    "Backup",
    "ChangeWindow",
    "DenyPeriod",
    "Disk",
    "DrillSettings",
    "FailoverSettings",
    "IamUser",
    "Insights",
    "InstanceSettings",
    "Maintenance",
    "Network",
    "PasswordPolicy",
    "Pool",
    "Protection",
    "Replica",
    "Runner",
    "Settings",
    "SettingsError",
    "Storage",
    "Users",
    "from_config",
    "load",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a stack's configuration says.

    Attributes:
        stack: Its name.
        project: The Google Cloud project.
        region: Where the instance is.
        endpoint: Address of another Admin API than Google's, without a path; None for
            Google's.
        local: Whether that is the local Cloud SQL (a loopback address).
        production: Whether changes are guarded.
        instance: The Cloud SQL instance.
        replicas: Its read replicas, each after the one that it follows.
        network: The private network; None for the local Cloud SQL, which has none.
        database: Name of the application's database.
        users: Names of the users with a password.
        iam_users: Who logs in with IAM.
        pool: The application's connections.
        drill: What a restore drill is held to.
        failover: What a failover drill is held to.
        change_window: When changes may be made; None for always.
        storage: The buckets.
        alerts: Who is told of what; None for nobody.
        notify: How a drill's end is told.
        runner: The scheduled jobs; None for none.
    """

    stack: str
    project: str
    region: str
    endpoint: str | None
    local: bool
    production: bool
    instance: InstanceSettings
    replicas: tuple[Replica, ...]
    network: Network | None
    database: str
    users: Users
    iam_users: tuple[IamUser, ...]
    pool: Pool
    drill: DrillSettings
    failover: FailoverSettings
    change_window: ChangeWindow | None
    storage: Storage
    alerts: Alerts | None
    notify: Notify
    runner: Runner | None


def load(stack: str, root: Path | None = None) -> Settings:
    """Return a stack's settings from its files, without a Pulumi engine.

    Args:
        stack: Name of the stack: ``Pulumi.<stack>.yaml``.
        root: Folder of the Pulumi files; the project's own when None.

    Raises:
        UnknownStackError: There is no such stack.
        StackFileError: A file can't be read.
        SettingsError: Values can't be used, stand there twice, or are secrets in clear; all
            of it is told at once.
    """
    from infra.settings.clear import in_clear
    from infra.settings.stack import ENDPOINT, on_this_machine
    from infra.settings.validation import validate
    from infra.stackfile import ROOT, read_config, repeated

    values = read_config(stack, root or ROOT)
    local = on_this_machine(str(values.get(ENDPOINT, "")))
    more = (*repeated(stack, root or ROOT), *in_clear(values, local=local))
    return validate(stack, values, *more)


def from_config() -> Settings:
    """Return the settings that the Pulumi engine handed to the running program.

    Raises:
        SettingsError: Values can't be used, or a secret was configured in clear; all of it
            is told at once.
    """
    import pulumi
    from pulumi.runtime import config

    from infra.settings.clear import in_clear
    from infra.settings.declared import engine_values
    from infra.settings.stack import ENDPOINT, on_this_machine
    from infra.settings.validation import validate

    values = {**config.get_config_env(), **config.CONFIG.get()}
    clear = {key: value for key, value in values.items() if not config.is_config_secret(key)}
    local = on_this_machine(str(values.get(ENDPOINT, "")))
    return validate(pulumi.get_stack(), engine_values(values), *in_clear(clear, local=local))
