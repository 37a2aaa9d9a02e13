"""Dumps with objects of every kind that an owner can make: they come in, or it is said why not."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ops.backups import importerrors, state
from ops.checks.result import State
from ops.invocation import Invocation
from ops.schema import definitions
from tests.integration.backups.dumps import bring_in, dump_database, execute, put, said, states

SOURCE, COPY = "kinds_source", "kinds_copy"
BARE = ("--no-owner", "--no-acl", "--no-comments")
COMMENTED = ("--no-owner", "--no-acl", "--extension=plpgsql")
SAME = tuple(
    it for it in definitions.EQUAL if it not in ("comments", "grants", "roles", "settings")
)
# pg_dump leaves some of these out where it is told which extensions to dump.
OF_ALL_DUMPED = ("extensions", "functions", "publications", "other_objects", "large_objects")
KEYLESS = ("k.child: no key in the file", "k.typed: no key in the file")


def _comparable(answer: Mapping[str, str]) -> dict[str, str]:
    """Return definitions without rights, and without hashes of the numbers of objects."""
    unlike = r"(?<=defined as )[0-9a-f]{32}\b|^[0-9a-f]{32}(?= owner)|\{.*=.*/.*\} "
    return {name: re.sub(unlike, "", text) for name, text in answer.items()}


@pytest.fixture(scope="module", autouse=True)
def source(run: Invocation) -> Iterator[None]:
    cloud, instance = run.cloud, run.target.instance
    cloud.wait(cloud.insert_database(instance, SOURCE))
    execute(run, SOURCE, Path(__file__).with_name("kinds.sql").read_text())
    yield
    cloud.wait(cloud.delete_database(instance, SOURCE))


@pytest.fixture
def copy(run: Invocation) -> Iterator[str]:
    """The name of a database that the import makes."""
    yield COPY
    if COPY in run.cloud.databases(run.target.instance):
        run.cloud.wait(run.cloud.delete_database(run.target.instance, COPY))


@pytest.mark.parametrize(
    ("major", "options"),
    [
        (15, BARE),
        (15, COMMENTED),
        (15, (*BARE, "--load-via-partition-root")),
        (15, (*BARE, "--inserts", "--extension=plpgsql")),
        (15, (*BARE, "--disable-triggers")),
        (15, (*BARE, "--quote-all-identifiers", "--disable-dollar-quoting")),
        (17, BARE),
    ],
)
def test_all_kinds_come_in_as_they_were(
    run: Invocation, copy: str, major: int, options: tuple[str, ...]
) -> None:
    text = dump_database(run, SOURCE, *options, major=major)
    text = text.replace(b"SET transaction_timeout = 0;\n", b"")
    came = bring_in(run, put(run, "kinds.sql", text), copy)
    keyless, *others = came.checks
    assert keyless.differences == KEYLESS, said(came)
    assert all(it.state is State.OK for it in others), said(came)
    held, made = (
        state.take(run.database().named(name), run.target.owner) for name in (SOURCE, copy)
    )
    for question in SAME:
        if question in OF_ALL_DUMPED and "--extension=plpgsql" in options:
            continue
        assert _comparable(made.answers[question]) == _comparable(held.answers[question])
    typed = ("k", "t")  # whose hash holds the numbers of its columns' types
    sums = [{**it.content, typed: it.content[typed].rows} for it in (made, held)]
    assert sums[0] == sums[1]


def test_what_the_api_exports_comes_in(run: Invocation, copy: str) -> None:
    uri = "gs://exports/api.sql.gz"
    context = {"uri": uri, "fileType": "SQL", "databases": [SOURCE]}
    run.cloud.wait(run.cloud.export(run.target.instance, context))
    keyless, *others = bring_in(run, uri, copy).checks
    assert keyless.differences == KEYLESS
    assert all(it.state is State.OK for it in others), others


@pytest.mark.parametrize(
    ("major", "options", "words"),
    [
        (15, ("--no-owner", "--no-acl"), "COMMENT ON EXTENSION .*only the owner.*"),
        (15, ("--no-comments", "--extension=plpgsql"), "line .*WITH GRANT OPTION.*passed on"),
        (15, ("--no-comments", "--extension=plpgsql"), "line .*TO PUBLIC.*role PUBLIC"),
        (17, BARE, "SET transaction_timeout = 0: PostgreSQL 15 does not know"),
        (15, (*BARE, "--clean"), "line .*DROP .*"),
        (15, (*BARE, "--create"), "line .*CREATE DATABASE"),
    ],
)
def test_what_does_not_come_in_is_refused_beforehand(
    run: Invocation, copy: str, major: int, options: tuple[str, ...], words: str
) -> None:
    text = dump_database(run, SOURCE, *options, major=major)
    with pytest.raises(importerrors.ForeignStatementsError, match=words):
        bring_in(run, put(run, "refused.sql", text), copy)
    assert copy not in run.cloud.databases(run.target.instance)


def test_a_refusal_says_how_to_dump_without(run: Invocation, copy: str) -> None:
    uri = put(run, "unmodified.sql", dump_database(run, run.target.database))
    with pytest.raises(importerrors.ForeignStatementsError) as caught:
        bring_in(run, uri, copy)
    for words in ("--no-comments", "--no-owner --no-acl", "--trust-file", "Nothing was imported"):
        assert words in str(caught.value)
    options = ("--no-owner", "--no-acl", "--no-comments")
    came = bring_in(
        run, put(run, "bare.sql", dump_database(run, run.target.database, *options)), copy
    )
    assert set(states(came).values()) == {State.OK}, said(came)
