"""Roles that Cloud SQL and PostgreSQL make themselves: closed lists, each role with its rights.

Whatever is not on these lists was made by somebody, whatever it is called. What Cloud SQL's own
roles may do: https://cloud.google.com/sql/docs/postgres/users#system-roles-users and the list of
roles of an instance; PostgreSQL's: https://www.postgresql.org/docs/18/predefined-roles.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
LOGIN = "LOGIN"
DEFAULT_USER = "postgres"
ADMINISTRATORS = "cloudsqlsuperuser"
TRANSFER = "cloudsqlimportexport"
_READ_SETTINGS = ("pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables")
_FILES = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")


@dataclass(frozen=True, slots=True)
class SystemRole:
    """A role that nobody has to declare, as long as it has no more than these rights.

    Attributes:
        attributes: Words of ALTER ROLE, LOGIN among them.
        groups: Roles that it is a member of.
    """

    attributes: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


def _role(*attributes: str, groups: tuple[str, ...] = ()) -> SystemRole:
    return SystemRole(frozenset(attributes), frozenset(groups))


# What marks how a role logs in; a member has no rights by it.
MARKS = frozenset(
    {
        "cloudsqliamuser",
        "cloudsqliamserviceaccount",
        "cloudsqliamgroup",
        "cloudsqliamgroupuser",
        "cloudsqliamgroupserviceaccount",
        "cloudsqliamworkforceidentity",
        "cloudsqlinactiveuser",
    }
)
_ADMINISTRATOR = _role(LOGIN, "CREATEROLE", "CREATEDB", groups=(ADMINISTRATORS,))
CLOUD_SQL: Mapping[str, SystemRole] = MappingProxyType(
    {
        "cloudsqladmin": _role(LOGIN, *ATTRIBUTES),
        ADMINISTRATORS: _role(
            "CREATEROLE",
            "CREATEDB",
            groups=("pg_monitor", "pg_signal_backend", "pg_checkpoint", "pg_maintain"),
        ),
        DEFAULT_USER: _ADMINISTRATOR,
        "cloudsqlagent": _ADMINISTRATOR,
        # while it exports it reads everything
        TRANSFER: _role(
            LOGIN,
            "CREATEROLE",
            "CREATEDB",
            "BYPASSRLS",
            groups=(ADMINISTRATORS, "pg_read_all_data"),
        ),
        "cloudsqlreplica": _role(LOGIN, "REPLICATION", groups=("pg_monitor",)),
        "cloudsqllogical": _role(LOGIN, "REPLICATION", groups=("pg_monitor",)),
        "cloudsqlobservability": _role(LOGIN, groups=("pg_monitor",)),
        "cloudsqlconnpooladmin": _role(LOGIN, groups=("pg_monitor",)),
        **{name: _role() for name in MARKS},
    }
)
# Nobody can make a role called pg_...; PostgreSQL's own can be made members of others, though.
PREDEFINED: Mapping[str, SystemRole] = MappingProxyType(
    {
        "pg_monitor": _role(groups=_READ_SETTINGS),
        **{name: _role() for name in _READ_SETTINGS},
        # the local Cloud SQL marks them so that CREATEROLE can't give them, up to PostgreSQL 15
        **{name: _role("SUPERUSER") for name in _FILES},
        "pg_database_owner": _role(),
        "pg_read_all_data": _role(),
        "pg_write_all_data": _role(),
        "pg_signal_backend": _role(),
        "pg_checkpoint": _role(),
        "pg_use_reserved_connections": _role(),
        "pg_create_subscription": _role(),
        "pg_maintain": _role(),
        "pg_signal_autovacuum_worker": _role(),
    }
)
SYSTEM: Mapping[str, SystemRole] = MappingProxyType({**CLOUD_SQL, **PREDEFINED})
# Those that a login of the API can be: users.list shows no others of Cloud SQL's own.
RESERVED = frozenset(CLOUD_SQL)

# What membership lets a role do, for people.
MEANING: Mapping[str, str] = MappingProxyType(
    {
        ADMINISTRATORS: "administer the instance",
        "pg_monitor": "see others' statements and statistics",
        "pg_read_all_settings": "read every setting",
        "pg_read_all_stats": "see others' statements and statistics",
        "pg_stat_scan_tables": "scan and lock tables for statistics",
        "pg_read_server_files": "read files of the server",
        "pg_write_server_files": "write files of the server",
        "pg_execute_server_program": "run programs on the server",
        "pg_database_owner": "act as the owner of every database that it owns",
        "pg_read_all_data": "read every table of every database",
        "pg_write_all_data": "write every table of every database",
        "pg_signal_backend": "end others' sessions",
        "pg_checkpoint": "run CHECKPOINT",
        "pg_use_reserved_connections": "take reserved connections",
        "pg_create_subscription": "create subscriptions",
        "pg_maintain": "run maintenance on every table",
        "pg_signal_autovacuum_worker": "end autovacuum's workers",
    }
)


def more_than_listed(
    name: str, attributes: frozenset[str], groups: frozenset[str]
) -> tuple[str, ...]:
    """Return the attributes and memberships that a listed role has beyond its own, sorted.

    Args:
        name: Of a role in ``SYSTEM``.
        attributes: What it has of ``ATTRIBUTES`` and LOGIN.
        groups: Of what it is a member.

    Raises:
        KeyError: the role is on no list.
    """
    listed = SYSTEM[name]
    return tuple(
        sorted(attributes - listed.attributes)
        + [f"membership of {group}" for group in sorted(groups - listed.groups)]
    )
