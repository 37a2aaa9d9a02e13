"""Flags that keep autovacuum from its work: each is named, and the stacks have none."""

import pytest

from infra.flags import FlagWord, compile_flags
from infra.flags.vacuum import hindrances
from infra.settings import load


def told(words: dict[str, FlagWord]) -> list[str]:
    flags, wrong = compile_flags(words)
    assert not wrong
    return list(hindrances({flag.name: flag.value for flag in flags}))


@pytest.mark.parametrize(
    "words",
    [
        {"autovacuum": "off"},
        {"track_counts": "off"},
        {"autovacuum_naptime": "2h"},
        {"autovacuum_vacuum_scale_factor": 1},
        {"autovacuum_analyze_scale_factor": 100},
        {"autovacuum_vacuum_threshold": 2147483647},
        {"autovacuum_analyze_threshold": 1000001},
        {"autovacuum_vacuum_cost_limit": 1},
        {"autovacuum_vacuum_cost_delay": 100, "autovacuum_vacuum_cost_limit": 99},
        {"vacuum_cost_limit": 1},  # which autovacuum takes over
        {"autovacuum_vacuum_cost_delay": -1, "vacuum_cost_delay": 100, "vacuum_cost_limit": 10},
    ],
    ids="-".join,
)
def test_what_keeps_autovacuum_from_its_work_is_named(words: dict[str, FlagWord]) -> None:
    (sentence,) = told(words)
    assert any(name.removesuffix("_limit").removeprefix("auto") in sentence for name in words)
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"autovacuum": "on", "track_counts": "on"},
        {"autovacuum_naptime": "1h"},
        {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1_000_000},
        {"autovacuum_vacuum_cost_delay": 20},  # until PostgreSQL 11 the default
        {"autovacuum_vacuum_cost_delay": 0, "autovacuum_vacuum_cost_limit": 1},  # it never rests
        {"autovacuum_vacuum_cost_delay": -1},  # vacuum's own: 0
    ],
    ids=lambda words: "-".join(words) or "defaults",
)
def test_what_lets_it_work_is_passed(words: dict[str, FlagWord]) -> None:
    assert told(words) == []


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_the_stacks_let_autovacuum_work(stack: str) -> None:
    flags = load(stack).instance.flags
    assert list(hindrances({flag.name: flag.value for flag in flags})) == []
