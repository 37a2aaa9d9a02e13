"""Which live database and users are those that a stack declares."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.drift.differences import OWN_DATABASES, is_own
from infra.live import LiveInstance
from infra.settings.access import SERVICE_ACCOUNT
from ops.cloudsql import BUILT_IN, Account

IAM_TYPES = frozenset({"CLOUD_IAM_USER", "CLOUD_IAM_SERVICE_ACCOUNT"})
# What users of a role tend to be called; the first that fits has them.
CALLED: Mapping[str, re.Pattern[str]] = {
    "readonly": re.compile(r"read|(^|_)ro($|_)|report|analy"),
    "monitor": re.compile(r"monitor|metric|exporter|observ"),
    "owner": re.compile(r"owner|migrat|admin|ddl"),
    "app": re.compile(r"app|web|api|backend|service"),
}
LEAST = "readonly"  # what an IAM user is until somebody says otherwise


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person who adopts said, by the stack's words; empty for nothing.

    Attributes:
        database: Name of the application's database.
        users: Names of users by role.
        network: Name of the VPC.
    """

    database: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    network: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Database and users as a stack file declares them.

    Attributes:
        fields: By their names in the model of the stack file.
        why: Where a choice came from, by those names.
    """

    fields: Mapping[str, object]
    why: Mapping[str, str]


def people(live: LiveInstance, typed: Asked, usual: Mapping[str, object]) -> People:
    """Return who is who.

    A name that was given decides, then the one that the stack has already; else a single
    one that is called like its role is taken, and told.

    Args:
        live: The instance.
        typed: What was said.
        usual: The stack's values, or the project's defaults, by their names in the model.
    """
    fields: dict[str, object] = {}
    why: dict[str, str] = {}
    databases = [name for name in live.databases if name not in OWN_DATABASES]
    chosen = typed.database or str(usual["database"])
    if not typed.database and chosen not in databases and len(databases) == 1:
        chosen = databases[0]
        why["database"] = "the only one there is"
    fields["database"] = chosen
    users = _users(live, typed, usual, why)
    fields |= {f"{role}_user": name for role, name in users.items()}
    known = usual.get("iam_users")
    declared = known if isinstance(known, Mapping) else {}
    iam = [account for account in live.accounts if account.type in IAM_TYPES]
    roles = {email_of(account): _role(account, users) for account in iam}
    fields["iam_users"] = {
        email: declared.get(email) or role or LEAST for email, role in roles.items()
    }
    unclear = sorted(email for email, role in roles.items() if not (role or email in declared))
    if unclear:
        why["iam_users"] = f"what they may do can't be read, so {LEAST}: {', '.join(unclear)}"
    return People(fields, why)


def _users(
    live: LiveInstance, typed: Asked, usual: Mapping[str, object], why: dict[str, str]
) -> dict[str, str]:
    names = {
        account.name
        for account in live.accounts
        if account.type == BUILT_IN and not is_own(account)
    }
    chosen = {role: typed.users.get(role) or str(usual[f"{role}_user"]) for role in CALLED}
    free = names - set(chosen.values())
    for role, pattern in CALLED.items():
        if typed.users.get(role) or chosen[role] in names:
            continue
        fitting = sorted(name for name in free if pattern.search(name))
        free -= set(fitting)
        if len(fitting) == 1:
            chosen[role] = fitting[0]
            why[f"{role}_user"] = "guessed from its name"
    return chosen


def email_of(account: Account) -> str:
    """Return who an IAM user is, as a stack file has it."""
    if account.email or account.type != "CLOUD_IAM_SERVICE_ACCOUNT":
        return account.email or account.name
    return account.name.removesuffix(SERVICE_ACCOUNT) + SERVICE_ACCOUNT


def _role(account: Account, users: Mapping[str, str]) -> str:
    """Return whose rights an IAM user has, as far as its database roles tell; else nothing."""
    by_user = {name: role for role, name in users.items()} | {"pg_monitor": "monitor"}
    return next((by_user[group] for group in account.roles if group in by_user), "")
