"""Dumps of databases, put into the exports' bucket and imported."""

import os
import subprocess

import pytest

from ops import programs
from ops.backups import importing
from ops.backups.importing import Import
from ops.backups.transfer import ImportOptions
from ops.db import CHANGE
from ops.guard import Consent
from ops.invocation import Invocation
from ops.results import State

YES = Consent(yes=True)
END = b"--\n-- PostgreSQL database dump complete\n"


def execute(run: Invocation, database: str, text: str) -> None:
    """Run SQL as the owner."""
    with run.database().called(database).connect(run.target.owner, budget=CHANGE) as connection:
        connection.execute(text.encode())


def put(run: Invocation, name: str, content: bytes) -> str:
    """Write a file into the bucket; return its address."""
    path = run.target.server().data / "buckets" / "exports" / name
    path.write_bytes(content)
    return f"gs://exports/{name}"


def dump_database(run: Invocation, database: str, *options: str, major: int = 15) -> bytes:
    """Return pg_dump's output as the owner gets it, unchanged."""
    found = [it for it in programs.available() if it.major == major]
    if not found:
        pytest.skip(f"PostgreSQL {major} is not installed here")
    target = run.database()
    address = ("-h", target.host, "-p", str(target.port), "-U", run.target.owner)
    return subprocess.run(
        [found[0].path("pg_dump"), *address, *options, database],
        env={**os.environ, "PGPASSWORD": target.passwords.password(run.target.owner) or ""},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout


def add_statements(dump: bytes, *texts: str) -> bytes:
    """Return a dump with statements before its last words."""
    return dump.replace(END, "\n".join(texts).encode() + b"\n\n" + END)


def bring_in(run: Invocation, uri: str, database: str, *, trust: bool = False) -> Import:
    """Import a file; nobody is asked."""
    return importing.bring_in(run, ImportOptions(uri, database), YES, trust_file=trust)


def said(came: Import) -> str:
    """Return what the checks say."""
    return "\n".join(f"{it.check} {it.state}: {it.detail} {it.differences}" for it in came.checks)


def states(came: Import) -> dict[str, State]:
    """Return the states of the checks."""
    return {check.check: check.state for check in came.checks}
