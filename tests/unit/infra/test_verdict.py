"""Verdicts on what PostgreSQL says: unproven is never ok."""

import pytest

from infra.flags import FlagWord, compile_flags
from infra.flags.proof import Proof, Told
from infra.flags.verdict import Verdict, judge
from ops.checks.result import State


def verdict(
    name: str,
    word: FlagWord,
    told: Told | None,
    refused: str = "",
    missing: tuple[str, ...] = (),
) -> Verdict:
    flags, wrong = compile_flags({name: word})
    assert not wrong
    said = {} if told is None else {name: told}
    (found,) = judge(flags, Proof("15.18", not refused, "", refused, said, missing))
    return found


@pytest.mark.parametrize(
    ("name", "word", "told"),
    [
        ("shared_buffers", "2.5GB", Told("327680", "8kB")),
        ("work_mem", "8MB", Told("8192", None)),
        ("random_page_cost", "1.10", Told("1.1", "")),
        ("log_lock_waits", "yes", Told("on", "")),
        ("wal_compression", "on", Told("pglz", "")),
        ("wal_buffers", -1, Told("512", "8kB")),
        ("autovacuum_work_mem", -1, Told("-1", "kB")),
    ],
)
def test_what_was_declared_is_ok(name: str, word: FlagWord, told: Told) -> None:
    found = verdict(name, word, told)
    assert (found.state, found.why) == (State.OK, "as declared")


@pytest.mark.parametrize(
    ("name", "word", "told", "why"),
    [
        ("max_connections", 300, Told("200", ""), "not what was declared"),
        ("random_page_cost", 1.1, Told("4", ""), "not what was declared"),
        ("wal_compression", "lz4", Told("pglz", ""), "not what was declared"),
        ("wal_buffers", -1, Told("4096", "8kB"), "not what was declared"),
        ("work_mem", "8MB", Told("off", "kB"), "not what was declared"),
        ("work_mem", "8MB", Told("8192", "8kB"), "it counts in 8kB, not kB"),
        ("max_connections", 100, Told("100", "ms"), "it counts in ms, not none"),
        ("work_mem", "8MB", None, "PostgreSQL did not take it"),
    ],
)
def test_anything_else_is_a_finding(name: str, word: FlagWord, told: Told, why: str) -> None:
    found = verdict(name, word, told)
    assert (found.state, found.why) == (State.FINDING, why)


def test_what_could_not_be_proven_is_unknown() -> None:
    found = verdict("pgaudit.log", "ddl", None, missing=("pgaudit",))
    assert (found.state, found.why) == (State.UNKNOWN, "not proven: no pgaudit here")


def test_what_only_cloud_sql_knows_is_judged_by_nobody() -> None:
    assert verdict("cloudsql.iam_authentication", "on", None).state is State.NOT_APPLICABLE


def test_a_refused_set_blames_the_flag_that_postgresql_names() -> None:
    refused = 'invalid value for parameter "max_connections": 262143'
    blamed = verdict("max_connections", 262143, None, refused)
    assert (blamed.state, blamed.why) == (State.FINDING, f"refused: {refused}")
    assert verdict("work_mem", "8MB", None, refused).state is State.UNKNOWN


def test_people_see_the_value_in_their_units() -> None:
    found = verdict("shared_buffers", "2.5GB", Told("327680", "8kB"))
    assert (found.declared, found.value, found.told) == ("2.5 GB", "327680", "327680 (2.5 GB)")
