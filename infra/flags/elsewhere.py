"""Settings of PostgreSQL 15 that are no Cloud SQL flags, and what to do instead.

``postgres15.csv`` has every row of ``pg_settings`` of PostgreSQL 15 whose name the
catalogue lacks, with its context; a test compares it with a real server.
"""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

# What does the same on Cloud SQL, where that is not SQL.
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "archive_command": "Cloud SQL archives by itself where pointInTimeRecovery is true",
        "archive_library": "Cloud SQL archives by itself where pointInTimeRecovery is true",
        "archive_mode": "Cloud SQL archives by itself where pointInTimeRecovery is true",
        "archive_timeout": "Cloud SQL archives by itself where pointInTimeRecovery is true",
        "listen_addresses": "The instance's network settings say who reaches it",
        "port": "Cloud SQL listens on 5432",
        "restore_command": "Restore or clone the instance instead",
        "shared_preload_libraries": "Switch the library on with its cloudsql.enable_... flag",
        "ssl": "The instance's SSL mode says whether TLS is demanded",
        "synchronous_standby_names": "Set availability to REGIONAL",
        "wal_level": "Set cloudsql.logical_decoding to on for logical decoding",
    }
)
_SESSION = frozenset({"user"})
_SUPERUSER = frozenset({"superuser", "superuser-backend"})
_LIST_COMMAND = "gcloud sql flags list --database-version=POSTGRES_15"
_SURE = frozenset({"statement_timeout", "jit", "synchronous_commit", *_INSTEAD})


@cache
def contexts() -> Mapping[str, str]:
    """Return the context of every PostgreSQL setting that is no flag, by its name."""
    text = files("infra.flags").joinpath("postgres15.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["name"]: row["context"] for row in rows})


def remedy(name: str) -> str:
    """Return what to do instead of setting it as a flag, as sentences."""
    context = contexts()[name]
    if name in _INSTEAD:
        return f"{_INSTEAD[name]}."
    if context in _SESSION:
        what = f"Set it in SQL: ALTER ROLE or ALTER DATABASE ... SET {name}."
    elif context in _SUPERUSER:
        what = "Only a superuser sets it, and Cloud SQL has none for us: leave it out."
    else:
        what = "Cloud SQL sets it itself: leave it out."
    if name in _SURE:
        return what
    return f"{what} If `{_LIST_COMMAND}` has it, add it to infra/flags/flags.csv."
