"""Whatever deletes asks: every task is decided on here, and those that delete are tried."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from invoke.loader import FilesystemLoader

from infra.deploy import record
from infra.deploy.apply import deploy, record_store
from infra.jobs import JOBS
from ops.console import Console, Format, Silent
from ops.db import CHANGE
from ops.invocation import Invocation
from ops.journal import Journal
from ops.migrations import files, runner
from ops.migrations.change import connector
from ops.restore.recovery.order import ROOM, Order, Request, Task
from ops.target import Target, load
from tests import places

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
NAME = "ai-square-db"

# What deletes, drops, overwrites or discards, and so asks; in the order in which it is tried.
ASKS: Mapping[str, str] = {
    "restore.evidence": "a file that is no page of a drill, in the way of --html",
    "preview.preview": "files that no preview made, in the way of --out",
    "backup.delete": "a backup run",
    "backup.import": "SQL statements may do anything to a database that is there",
    "local.clock": "backups that are too old by the time that it is set to",
    "local.deploy": "what is no longer declared, or is replaced (--replace)",
    "local.destroy": "every instance of the stack",
    "local.down": "with --wipe, the folder of the local Cloud SQL",
    "migrate.down": "what a migration made, with its data",
    "restore.in-place": "everything in the instance, and with --delete-replicas its replicas",
    "restore.pitr": "with --abandon, the instance that it made",
    "restore.to-new": "with --abandon, the instance that it made",
    "roles.apply": "with --prune, what somebody granted by hand",
}

# What does not ask, and why.
_OWN = "removes only what drills made, by its name and label, or spoils copies of its own"
_READS = "changes nothing"
KEEPS: Mapping[str, str] = {
    "adopt": "refuses where files are there; --force is the consent",
    "backup.create": "adds a backup; an on-demand one pushes none out",
    "backup.describe": _READS,
    "backup.export": "never overwrites: the API refuses an object that is there",
    "backup.list": _READS,
    "backup.verify": _READS,
    "demo": "adds to the local stack; what its deployment would delete asks as local.deploy does",
    "disk.grow": "a disk only grows; production confirms",
    "drift": _READS,
    "failover-drill": "deletes nothing stored; open transactions only with --lose-transactions",
    "failover.drill": "as failover-drill",
    "flags.check": "its scratch server is its own",
    "flags.explain": _READS,
    "local.bucket": "makes a folder where there is none",
    "local.env": "writes files of its own",
    "local.faults": "what is spoiled on demand is made good with --clear",
    "local.status": _READS,
    "local.up": "refuses a folder with content for --disk-mb",
    "migrate.new": "makes a file of a new name",
    "migrate.status": _READS,
    "migrate.up": "does what reviewed files say; production confirms",
    "policy.audit": _READS,
    "policy.check": _READS,
    "policy.list": _READS,
    "preview.comment": "replaces its own comment only",
    "restore-drill": _OWN,
    "restore.drill": _OWN,
    "restore.history": _READS,
    "restore.notify": "sends a message",
    "restore.selftest": _OWN,
    "restore.sweep": _OWN,
    "roles.status": _READS,
    "test": "works in folders of its own",
    "tune": "with --write, sets flags in the stack file, whose rest and comments stay",
}


def _options() -> dict[str, set[str]]:
    module, _ = FilesystemLoader(start=str(ROOT)).load("tasks")
    contexts = module.namespace.to_contexts()
    return {str(context.name): set(context.flags) for context in contexts}


def test_every_task_is_decided_on() -> None:
    options = _options()
    assert options.keys() == ASKS.keys() | KEEPS.keys()
    assert not ASKS.keys() & KEEPS.keys()
    assert all("--yes" in options[name] for name in ASKS)


def test_what_is_scheduled_asks_nothing() -> None:
    scheduled = {spec.task for spec in JOBS if spec.ready} | {"restore.sweep"}
    assert scheduled <= KEEPS.keys()


class Stack:
    """A deployed stack, with something to delete for every task that deletes."""

    def __init__(self, data: Path) -> None:
        self.run = Invocation(load("local"), Console(Format.JSON))
        self.data = data
        self.notes = data.parent / "notes.html"
        self.reports = data.parent / "reports"
        self.lines: dict[str, tuple[str, ...]] = {
            **dict.fromkeys(ASKS, ()),
            "restore.evidence": ("--html", str(self.notes)),
            "preview.preview": ("--out", str(self.reports)),
            "backup.import": ("--uri", "gs://removals/drop.sql", "--trust-file"),
            "local.clock": ("--forward", "30d"),
            "local.down": ("--wipe",),
            "restore.pitr": ("--abandon",),
            "restore.to-new": ("--abandon",),
            "roles.apply": ("--prune",),
        }

    @property
    def target(self) -> Target:
        return self.run.target

    def prepare(self) -> None:
        deploy(self.target, Silent())
        runner.up(connector(self.run), files.read())
        cloud = self.run.cloud
        for words in ("first", "second"):
            backup = cloud.wait(cloud.create_backup(NAME, words)).backup_id
        self.lines["backup.delete"] = self.lines["restore.in-place"] = ("--backup", backup)
        self.target.server().ask("POST", "buckets", {"name": "removals"})
        dump = "DROP TABLE users;\n-- PostgreSQL database dump complete\n"
        (self.data / "buckets/removals/drop.sql").write_text(dump)
        self.notes.write_text("mine")
        self.reports.mkdir()
        (self.reports / "report.md").write_text("mine")
        self._deploy_and_forget_a_user()
        with self.run.database().connect(self.target.owner, budget=CHANGE) as connection:
            connection.execute("GRANT DELETE ON users TO ai_square_monitor")
        for task in (Task.TO_NEW, Task.PITR):
            order = Order(Request(task), "local", NAME, f"half-{task}", "1", datetime.now(UTC))
            journal = Journal(self.target.store, ROOM, f"260101000000-{task}")
            journal.intend("plan", order.instance, **order.facts())

    def _deploy_and_forget_a_user(self) -> None:
        """Leave a user who was deployed and is not declared any more."""
        store = record_store(self.data, "local")
        known = record.load(store)
        user = next(one for one in known.resources if one.kind == "user")
        gone = replace(user, name="gone", logical="gone")
        self.run.cloud.wait(self.run.cloud.insert_user(NAME, "gone", "Not-a-secret-1"))
        record.save(store, replace(known, resources=(*known.resources, gone)))

    def state(self) -> dict[str, object]:
        """Return what must be the same after a refusal."""
        cloud, store = self.run.cloud, self.target.store
        with self.run.database().connect(self.target.owner, budget=CHANGE) as connection:
            tables = connection.execute(
                "SELECT relname, relacl::text FROM pg_class WHERE relkind = 'r' ORDER BY 1"
            ).fetchall()
        return {
            "instances": [one.name for one in cloud.instances()],
            "backups": [one.id for one in cloud.backup_runs(NAME)],
            "users": sorted(cloud.users(NAME)),
            "databases": sorted(cloud.databases(NAME)),
            "tables": tables,
            "clock": self.target.server().ask("GET", "clock")["ahead_s"],
            "journals": store.keys("journal"),
            "record": asdict(record.load(record_store(self.data, "local"))),
            "files": (self.notes.read_text(), (self.reports / "report.md").read_text()),
        }

    @property
    def python(self) -> list[str]:
        """Return how Python is started for this stack, whatever the environment says."""
        return ["env", "-u", "INVOKE_STACK", f"LOCAL_CLOUDSQL_DIR={self.data}", sys.executable]

    def command(self, name: str, *more: str) -> list[str]:
        """Return a call of a task."""
        return [*self.python, "-m", "ops.start", name, *self.lines[name], *more]

    def all(self) -> list[str]:
        """Return a call of every task that deletes, one after the other; see ``EACH``."""
        lines = json.dumps([(name, *self.lines[name]) for name in ASKS])
        return [*self.python, "-c", EACH, lines]


# Calls each task in a process of its own, which has imported already what takes a second.
EACH = """
import importlib, json, os, sys
for module in (
    "google.cloud.sqladmin_v1beta4", "infra.deploy.apply", "infra.preview.ask", "infra.rehearsal",
    "ops.backups.describing", "ops.backups.importing", "ops.evidence.page",
    "ops.migrations.change", "ops.restore.recovery.perform", "ops.roles.apply", "ops.start",
):
    importlib.import_module(module)
for line in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        sys.argv = ["inv", *line]
        sys.exit(sys.modules["ops.start"].main())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("ended:", line[0], code, flush=True)
"""


def told(shown: str) -> dict[str, tuple[int, str]]:
    """Return each task's exit code and text from the output of ``EACH``."""
    pieces = re.split(r"^ended: (\S+) (-?\d+)\r?\n", shown, flags=re.MULTILINE)
    texts, names, codes = pieces[:-1:3], pieces[1::3], pieces[2::3]
    return {name: (int(code), text) for name, code, text in zip(names, codes, texts, strict=True)}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with places.local_cloud("removals", 15641) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_CLOUDSQL_DIR", str(server.data))
        made = Stack(server.data)
        made.prepare()
        yield made


def test_without_a_terminal_what_deletes_is_refused_and_nothing_is_changed(stack: Stack) -> None:
    before = stack.state()
    done = subprocess.run(
        stack.all(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    ended = told(done.stdout)
    assert ended.keys() == ASKS.keys(), done.stdout
    for name, (code, text) in ended.items():
        assert code == 2, (name, text)
        assert "--yes" in text.splitlines()[-1], (name, text)
        assert "Traceback" not in text, (name, text)
    assert stack.state() == before


# Makes the terminal the process's own, so that Ctrl-C reaches it.
OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
QUESTIONS = (b"[y/N] ", b"Type the instance's name to ")


def at_terminal(command: list[str], keys: str) -> tuple[int, str]:
    """Run a command at a terminal, and press keys at each question; return its code and text."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", OWN_TERMINAL, *command],
        cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown, answered = b"", 0
    deadline = time.monotonic() + PATIENCE_S
    try:
        while True:
            ready, _, _ = select.select([ours], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, shown
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the last one at the terminal is gone
                break
            if not piece:
                break
            shown += piece
            while answered < sum(shown.count(question) for question in QUESTIONS):
                answered += 1
                os.write(ours, keys.encode())
        return process.wait(PATIENCE_S), shown.decode()
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def test_at_a_terminal_it_asks_and_no_changes_nothing(stack: Stack) -> None:
    before = stack.state()
    _, shown = at_terminal(stack.all(), "no\n")
    ended = told(shown)
    assert ended.keys() == ASKS.keys(), shown
    for name, (code, text) in ended.items():
        assert code == 2, (name, text)
        assert sum(text.encode().count(question) for question in QUESTIONS) == 1, (name, text)
        assert "Traceback" not in text, (name, text)
    assert stack.state() == before


@pytest.mark.parametrize(("keys", "code"), [("\x03", 130), ("\x04", 2)], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("name", ["local.down", "restore.in-place"])
def test_a_question_that_is_cut_changes_nothing(
    stack: Stack, name: str, keys: str, code: int
) -> None:
    before = stack.state()
    ended, shown = at_terminal(stack.command(name), keys)
    assert (ended, "Traceback" in shown) == (code, False), shown
    assert stack.state() == before


def test_yes_deletes(stack: Stack) -> None:
    (_, backup) = stack.lines["backup.delete"]
    done = subprocess.run(
        stack.command("backup.delete", "-y"), cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert backup not in [one.id for one in stack.run.cloud.backup_runs(NAME)]
    code, shown = at_terminal(stack.command("local.down"), "yes\n")
    assert code == 0, shown
    assert not stack.data.exists()
