"""Command lines that would run something else than they say are refused before anything runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.collection import Collection
from invoke.context import Context
from invoke.parser import Parser
from invoke.parser.context import ParserContext
from invoke.program import Program

from ops.command import task
from ops.commandline import UsageError, check
from ops.program import OpsProgram

ROOT = Path(__file__).resolve().parents[3]


@task
def first(
    c: Context, stack: str = "", output: str = "", *, yes: bool = False, keep: bool = True
) -> None: ...


@task(iterable=["each"])
def second(c: Context, name: str, stack: str = "", each: list[str] | None = None) -> None: ...


TASKS = Collection(Collection("tree", first, second))
PLAIN = ParserContext(args=Program().core_args())


def said(refused: pytest.ExceptionInfo[UsageError]) -> str:
    return str(refused.value.message)


def read(*tokens: str) -> str:
    return check(tokens, TASKS.to_contexts(), OpsProgram().initial_context)


@pytest.mark.parametrize(
    "line",
    [
        "tree.first -s prod -s demo",
        "tree.first -s prod --stack=demo",
        "tree.first --stack prod -s prod",
        "tree.first --stack=prod --stack",
        "tree.first -sprod -s=prod",
        "tree.first -s tree.second --stack tree.second",
        "tree.first --yes -s prod -y",
        "tree.first -yy",
        "tree.first --keep --no-keep",
        "tree.first --no-keep --no-keep",
        "tree.second a --name b",
        "tree.second -s prod -s b",
        "--collection tasks --collection tree.first",
        "tree.first --config a --config b",
    ],
)
def test_an_option_given_twice_is_refused_by_its_name(line: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(*line.split())
    assert re.match(r"--\w+ is given more than once\. .*Nothing was run", said(refused))
    assert refused.value.code == 1


@pytest.mark.parametrize(
    "line",
    ["tree.first tree.second a", "tree.first tree.first", "tree.second a tree.first"],
)
def test_a_second_task_is_refused(line: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(*line.split())
    assert re.search(r"names two: tree\.\w+ and tree\.\w+\.", said(refused))


@pytest.mark.parametrize(
    "line",
    [
        "tree.first",
        "tree.first -s tree.second --output tree.first",
        "tree.second tree.first",
        "tree.second --name tree.first --stack tree.second",
        "tree.second a --each b --each c",
        "tree.first -s -y",  # where a value is due, Invoke's parser says that it is missing
        "tree.first -s prod -- -s prod tree.second",
        "tree.first --debug",
        "--debug tree.first -s prod",
        "--list tree.first",
        "no-such-task -s prod -s prod",
    ],
)
def test_what_says_what_it_runs_is_let_through(line: str) -> None:
    assert read(*line.split()) == ""


@pytest.mark.parametrize("token", ["-o", "-e", "-d", "-p", "-w", "-f=x=y", "--nope", "-V"])
def test_what_is_no_option_of_the_task_is_not_its_argument_either(token: str) -> None:
    with pytest.raises(UsageError) as refused:
        read("tree.second", token)
    assert "is not an option of tree.second" in said(refused)


def test_short_options_of_invoke_are_refused_after_a_task_where_they_are_there() -> None:
    with pytest.raises(UsageError) as refused:
        check(("tree.first", "-e"), TASKS.to_contexts(), PLAIN)
    assert "-e is not an option of tree.first" in said(refused)


@pytest.mark.parametrize("line", ["tree.second -h", "tree.second a --help", "tree.second -s x -h"])
def test_help_is_help_where_an_argument_is_due(line: str) -> None:
    assert read(*line.split()) == "tree.second"


def test_of_invoke_s_short_options_only_help_is_left() -> None:
    short = [n for a in OpsProgram().initial_context.args.values() for n in a.names if len(n) == 1]
    assert short == ["h"]


OPTIONS = {"stack": "-s", "output": "", "yes": "-y"}
VALUES = st.sampled_from(["prod", "tree.second", "tree.first", "a=b", "", "-", "-x"])


@st.composite
def spelled(draw: st.DrawFn, option: str) -> tuple[list[str], str]:
    """Return an option as it may be typed, and its value."""
    if option == "yes":
        return [draw(st.sampled_from(["--yes", "-y"]))], "True"
    value = draw(VALUES)
    short = OPTIONS[option]
    spellings = [[f"--{option}", value], [f"--{option}={value}"]]
    if short:
        spellings += [[short, value], [f"{short}={value}"]]
    if short and value and "=" not in value:
        spellings.append([short + value])
    return draw(st.sampled_from(spellings)), value


@given(st.data())
def test_one_of_each_is_read_as_invoke_reads_it_and_one_more_is_refused(
    data: st.DataObject,
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(OPTIONS)), unique=True, min_size=1))
    typed = [data.draw(spelled(option)) for option in chosen]
    line = ["tree.first", *(token for tokens, _ in typed for token in tokens)]
    assert read(*line) == ""
    parsed = Parser(TASKS.to_contexts(), initial=OpsProgram().initial_context).parse_argv(
        list(line)
    )
    _, run = parsed
    for option, (_, value) in zip(chosen, typed, strict=True):
        assert str(run.args[option].value) == value
    again, _ = data.draw(spelled(data.draw(st.sampled_from(chosen))))
    places = [0]
    for tokens, _ in typed:
        places.append(places[-1] + len(tokens))
    at = 1 + data.draw(st.sampled_from(places))
    with pytest.raises(UsageError) as refused:
        read(*line[:at], *again, *line[at:])
    assert "more than once" in said(refused)


TREE = """
from ops.command import task
from invoke.collection import Collection

@task
def one(c, stack="", name=""): print("ran one", stack, name)
@task
def two(c, name): print("ran two", name)
"""


LINES = (
    ("one --name two", 0, "ran one  two\n", ""),
    ("two one", 0, "ran two one\n", ""),
    ("one --stack=a --stack=b", 1, "", "--stack is given more than once"),
    ("one -s a -s two", 1, "", "--stack is given more than once"),
    ("one -s a --stack", 1, "", "--stack is given more than once"),
    ("two -s one", 1, "", "-s is not an option of two"),
    ("one two a", 1, "", "names two: one and two"),
    ("one -e", 1, "", "-e is not an option of one"),
    ("one --dry", 1, "", "Use --dry-run"),
    ("--dry one", 1, "", "Use --dry-run"),
    ("-f json one", 1, "", "There is no option -f."),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tree")
    (path / "tasks.py").write_text(TREE)
    (path / "invoke.yaml").write_text("tasks: {executor_class: ops.executor.OpsExecutor}\n")
    return path


def call(folder: Path, program: str, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", program, *line.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("line", "code", "out", "words"), LINES)
def test_the_program_refuses_before_anything_runs(
    folder: Path, line: str, code: int, out: str, words: str
) -> None:
    done = call(folder, "ops.start", line)
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


# -f before a task is Invoke's own there: see README.md
@pytest.mark.parametrize(("line", "code", "out"), [line[:3] for line in LINES[:-1]])
def test_so_does_plain_invoke_in_its_own_words(
    folder: Path, line: str, code: int, out: str
) -> None:
    done = call(folder, "invoke", line)
    assert (done.returncode, done.stdout) == (code, out), done.stderr
    assert "Traceback" not in done.stderr


def test_help_of_a_task_with_an_argument(folder: Path) -> None:
    assert "--name=STRING" in call(folder, "ops.start", "two -h").stdout
    plain = call(folder, "invoke", "two -h")
    assert (plain.returncode, plain.stdout) == (1, "")
    assert "invoke --help two" in plain.stderr
