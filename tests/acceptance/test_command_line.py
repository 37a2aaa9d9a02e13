"""What holds for every task that people type."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.loader import FilesystemLoader
from invoke.parser.context import ParserContext
from invoke.tasks import Task

from ops.command import Command

ROOT = Path(__file__).resolve().parents[2]
# works on the checkout, not on a stack
WITHOUT_STACK = {"test"}


def _contexts() -> dict[str, ParserContext]:
    module, _ = FilesystemLoader(start=str(ROOT)).load("tasks")
    return {str(context.name): context for context in module.namespace.to_contexts()}


CONTEXTS = _contexts()


# -h is the help, which Invoke itself provides after each task
SHORT_FLAGS = {"-s": "stack", "-f": "format", "-n": "dry_run", "-y": "yes"}


@pytest.mark.parametrize("name", sorted(CONTEXTS.keys() - WITHOUT_STACK))
def test_stack_and_format_are_there_and_have_short_flags(name: str) -> None:
    flags = CONTEXTS[name].flags
    assert flags["-s"].name == "stack"
    assert flags["-f"].name == "format"


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_short_flags_mean_the_same_on_every_task(name: str) -> None:
    context = CONTEXTS[name]
    short = {flag: context.flags[flag].name for flag in _flag_names(context) if len(flag) == 2}
    having = {argument.name for argument in context.args.values()}
    assert short == {flag: option for flag, option in SHORT_FLAGS.items() if option in having}


def test_every_task_is_made_by_our_decorator() -> None:
    module, _ = FilesystemLoader(start=str(ROOT)).load("tasks")
    others = [name for name, task in _tasks(module.namespace).items() if type(task) is not Command]
    assert not others, "import task from ops.command"


def _flag_names(context: ParserContext) -> set[str]:
    return {name for flag in context.flags for name in context.names_for(flag)}


def test_the_tasks_that_the_design_names_are_there() -> None:
    assert {
        "adopt",
        "backup.create",
        "backup.list",
        "demo",
        "disk.grow",
        "drift",
        "local.bucket",
        "local.clock",
        "local.deploy",
        "local.destroy",
        "local.down",
        "local.env",
        "local.faults",
        "local.status",
        "local.up",
        "migrate.down",
        "migrate.new",
        "migrate.status",
        "migrate.up",
        "policy.audit",
        "policy.check",
        "policy.list",
        "preview.comment",
        "preview.preview",
        "failover-drill",
        "failover.drill",
        "restore-drill",
        "restore.drill",
        "restore.sweep",
        "test",
    } <= CONTEXTS.keys()


def test_every_task_says_what_it_does_and_what_its_options_mean() -> None:
    module, _ = FilesystemLoader(start=str(ROOT)).load("tasks")
    for name, task in _tasks(module.namespace).items():
        assert task.__doc__, name
        undocumented = {
            str(argument.name)
            for argument in CONTEXTS[name].args.values()
            if not argument.help and name not in WITHOUT_STACK
        }
        assert not undocumented, (name, undocumented)


def test_every_option_is_text_or_a_switch() -> None:
    # Invoke turns other types' bad input into a traceback; we parse text ourselves
    kinds = {argument.kind for context in CONTEXTS.values() for argument in context.args.values()}
    assert kinds == {str, bool}


def _tasks(collection: Collection) -> dict[str, Task]:  # type: ignore[type-arg]  # Invoke's generic
    return {name: collection[name] for name in collection.task_names}


def test_listing_loads_no_heavy_library() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); import tasks; "
        "print(sorted({'pulumi', 'pydantic', 'psycopg', 'rich', 'google', 'jinja2', 'starlette'} "
        "& sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("migrate.status", "-s", "production"), 2, "The stacks there are: local, prod, staging"),
        (("migrate.status", "--format", "xml"), 2, "Give one of: table, json"),
        (("local.deploy", "-s", "prod"), 2, "pulumi up -s prod"),
        (("local.up", "-s", "prod"), 2, "-s local"),
        (("adopt", "-s", "new", "--project", "p"), 2, "--instance has to be given"),
        (("adopt", "-s", "prod"), 2, "with --out FOLDER, or overwrite with --force"),
        (("disk.grow", "--to-gb", "ten"), 2, "a whole number of GB from 1 to 65536"),
        (("local.up", "--port", "70000"), 2, "0 and 65535"),
        (("local.up", "--disk-mb", "1"), 2, "a whole number of MB from 150 on"),
        (("local.faults", "-s", "prod", "--add", "busy"), 2, "-s local"),
        (("local.up", "--data", "/proc/nope"), 2, "can't keep its data in /proc/nope"),
        (("no-such-task",), 1, "No idea what 'no-such-task' is!"),
        (("restore.to-new", "-o"), 1, "No idea what '-o' is!"),
    ],
)
def test_bad_input_is_a_sentence_and_its_exit_code(
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no-such-task", "There is no task 'no-such-task'. `./inv --list` shows all."),
        ("restore", "Did you mean restore."),
        ("migrate.stauts", "Did you mean migrate.status"),
        ("migrate.status --stak prod", "Did you mean --stack?"),
        ("--lits", "There is no option --lits. Did you mean --list?"),
        ("migrate.new", "migrate.new needs NAME. See `./inv migrate.new --help`."),
        ("migrate.status extra", "migrate.status takes no argument 'extra'."),
        ("restore.to-new -o", "-o is not an option of restore.to-new."),
    ],
)
def test_what_is_almost_right_gets_the_right_name(line: str, said: str) -> None:
    done = _start(line)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert said in done.stderr
    assert done.stderr.endswith("Nothing was run.\n")


def test_a_bare_call_says_what_to_begin_with() -> None:
    done = _start("")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "./inv demo" in done.stdout
    for name in CONTEXTS:
        subject, _, command = name.rpartition(".")
        (line,) = re.findall(rf"^  {subject}: (.*(?:\n    .*)*)", done.stdout, re.MULTILINE) or [
            done.stdout.partition("\nTasks:")[2]
        ]
        assert command in re.split(r"[,\s]+", line)


def test_the_version_is_the_products() -> None:
    assert re.fullmatch(
        r"ai-square-db \d+\.\d+\.\d+ \(Invoke [\d.]+\)\n", _start("--version").stdout
    )


def _start(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops.start", *line.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
