"""Dumps of databases, put into the exports' bucket and imported."""

import os
import re
import subprocess

import pytest

from ops import programs
from ops.backups import importing
from ops.backups.importing import Import
from ops.backups.transfer import ImportOptions
from ops.checks.result import State
from ops.db import CHANGE
from ops.guard import Consent
from ops.invocation import Invocation

YES = Consent(yes=True)
SOURCE, VICTIM = "import_source", "import_victim"
END = b"--\n-- PostgreSQL database dump complete\n"
PLAIN = ("--no-owner", "--no-acl")
ALL_OK = dict.fromkeys(("completeness", "statements", "rows", "objects", "untouched"), State.OK)
# In the dumped database, and in the one into which files are imported.
MADE = """
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "the name" text NOT NULL);
CREATE TABLE shop."line item" (id bigserial PRIMARY KEY, item int NOT NULL REFERENCES shop.item);
CREATE TABLE shop.empty (id int PRIMARY KEY);
CREATE INDEX "by name" ON shop.item ("the name");
CREATE VIEW shop.names AS SELECT "the name" FROM shop.item;
CREATE FUNCTION shop.twice(n int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2 * n; END;
INSERT INTO shop.item ("the name") VALUES (E'a\\nb'), (E'c\\\\.'), ('ünï; DELETE FROM x;'), ('');
INSERT INTO shop."line item" (item) SELECT 1 + n % 4 FROM generate_series(1, 40) n;
GRANT SELECT ON shop.item TO {app};
"""
THERE = """
CREATE TABLE account (id int PRIMARY KEY, email text, touched int);
INSERT INTO account SELECT n, n || '@example.org', 0 FROM generate_series(1, 100) n;
CREATE SEQUENCE number; SELECT setval('number', 50);
CREATE TABLE csv_rows (n int, words text); INSERT INTO csv_rows VALUES (0, 'there');
CREATE TABLE note (at timestamptz);
CREATE FUNCTION there(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA IF NOT EXISTS other;
"""


def execute(run: Invocation, database: str, text: str) -> None:
    """Run SQL as the owner."""
    with run.database().named(database).connect(run.target.owner, budget=CHANGE) as connection:
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


def dump_plainly(run: Invocation, *options: str, major: int = 15, database: str = SOURCE) -> bytes:
    """Return a dump as Cloud SQL's documentation makes it: extensions are commented out."""
    text = dump_database(run, database, *options, major=major)
    text = text.replace(b"SET transaction_timeout = 0;\n", b"")  # PostgreSQL 15 has none
    return re.sub(rb"(?m)^(CREATE|COMMENT ON) EXTENSION", rb"-- \1 EXTENSION", text)


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
