"""Depth: what is nested is read like what is flat, and nothing ends the process."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import postgast
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped] # it ships no types
from postgast import pg_query_pb2 as pb

from ops import sqltrees as trees
from ops.migrations import enums, errors, locks, parse, steps
from ops.migrations.files import parse_text
from ops.migrations.parse import MigrationSyntaxError, Source

ROOT = Path(__file__).resolve().parents[3]

# ruff: noqa: S608 - texts for the parser; no server sees them
NESTED: dict[str, Callable[[int], str]] = {
    "concatenation": lambda n: "select a" + " || a" * n,
    "right": lambda n: "select " + "a || (" * n + "a" + ")" * n,
    "function": lambda n: "select " + "lower(" * n + "a" + ")" * n,
    "parenthesis": lambda n: "select " + "(" * n + "a" + ")" * n,
    "sub-select": lambda n: "select " + "(select " * n + "1" + ")" * n,
    "union": lambda n: "select 1" + " union select 1" * n,
    "union of lists": lambda n: "select 1, 2" + " union all select 1, 2" * n,
    "case": lambda n: "select " + "case a when " * n + "1" + " then 1 end" * n,
    "not": lambda n: "select " + "not " * n + "a",
    "minus": lambda n: "select " + "- " * n + "a",
    "array": lambda n: "select " + "array[" * n + "1" + "]" * n,
    "row": lambda n: "select " + "row(" * n + "1" + ")" * n,
    "join": lambda n: "select 1 from t" + " join t on a and b" * n,
    "cast": lambda n: "select a" + "::text" * n,
    "collation": lambda n: "select a" + ' collate "C"' * n,
    "subscript": lambda n: "select " + "a[" * n + "1" + "]" * n,
    "field": lambda n: "select " + "(" * n + "a" + ").b" * n,
    "both ways": lambda n: "select " + "(" * (n // 10) + "a" + (")" + " || b" * 9) * (n // 10),
    "default": lambda n: "alter table t add c text default 'a'" + " || 'a'" * n,
    "index": lambda n: "create index concurrently i on t ((a" + " || a" * n + "))",
}
# PostgreSQL's own parser has no room for more of these.
SHALLOWER: dict[str, Callable[[int], str]] = {
    "and, or": lambda n: "select " + "(a and (b or " * n + "a" + "))" * n,
    "case else": lambda n: "select " + "case when a and b then c else " * n + "1" + " end" * n,
    "sub-select in from": lambda n: "select * from " + "(select * from " * n + "t" + ") x" * n,
    "exists": lambda n: "select " + "exists(select 1 where " * n + "a" + ")" * n,
    "with": lambda n: "with c as (" * n + "select 1" + ") select 1" * n,
}
FLAT: dict[str, Callable[[int], str]] = {
    "and": lambda n: "select a = 1" + " and a = 1" * n,
    "values": lambda n: "insert into t values (1, -1, 'a'::text)" + ", (1, -1, 'a'::text)" * n,
    "when": lambda n: "select case" + " when a = 1 then -b" * n + " end",
}


def _depth(message: object) -> int:
    """Return how many messages of a tree are below each other."""
    deepest, pending = 0, [(message, 1)]
    while pending:
        node, level = pending.pop()
        deepest = max(deepest, level)
        pending.extend((child, level + 1) for child in trees._children(node))
    return deepest


@pytest.mark.parametrize(
    ("kind", "levels"),
    [(kind, n) for kind in NESTED for n in (60, 3_000)] + [(kind, 1_200) for kind in SHALLOWER],
)
def test_what_postgresql_accepts_is_read_at_any_depth(kind: str, levels: int) -> None:
    nested = (NESTED | SHALLOWER)[kind]
    text = f"select 1;\n{nested(levels)};\nselect 2"
    flat = parse.parse(Source("x.sql", f"select 1;\n{nested(20)};\nselect 2"))
    deep = parse.parse(Source("x.sql", text))
    assert [s.line for s in deep] == [1, 2, 3]
    assert [s.text for s in deep] == text.split(";\n")
    assert [s.facts for s in deep] == [s.facts for s in flat]
    assert len(list(trees.walk(deep[1].node))) > 1
    assert enums.use(deep[1].node, "no such value") is enums.Use.NONE
    steps.plan(parse_text("0001_x.sql", f"-- migrate:up\n{text}"))


@pytest.mark.parametrize("kind", NESTED | SHALLOWER)
def test_the_tree_is_the_parsers_own(kind: str) -> None:
    text = f"select 1; {(NESTED | SHALLOWER)[kind](9)}"
    own = postgast.parse(text)
    data = own.SerializeToString()
    decoded = pb.ParseResult()
    trees._decode_deep(decoded, memoryview(data))
    assert decoded == own
    assert json_format.MessageToDict(decoded) == json_format.MessageToDict(own)


@pytest.mark.parametrize("kind", NESTED | SHALLOWER)
def test_no_tree_is_deeper_than_its_words_say(kind: str) -> None:
    nested = (NESTED | SHALLOWER)[kind]
    few, many = nested(10), nested(60)
    grown = _depth(_tree(many)) - _depth(_tree(few))
    said = trees.nesting(_words(many)) - trees.nesting(_words(few))
    # 12: messages of a WITH's level, the kind that needs most
    assert 0 < grown <= 12 * said or kind == "parenthesis"


@pytest.mark.parametrize("kind", FLAT)
def test_long_lists_are_not_deep(kind: str) -> None:
    text = FLAT[kind](5_000)
    assert trees.nesting(_words(text)) < 20
    assert len(parse.parse(Source("x.sql", text))) == 1


@pytest.mark.parametrize("kind", ["concatenation", "function", "sub-select", "union", "case"])
def test_100_000_levels_are_a_sentence(kind: str) -> None:
    text = f"select 1;\n\n{NESTED[kind](100_000)};\nselect 2"
    with pytest.raises((errors.NestedTooDeeplyError, MigrationSyntaxError)) as caught:
        parse.parse(Source("x.sql", text))
    assert str(caught.value).startswith("x.sql:3: the statement is nested too deeply")


def test_the_parsers_own_limit_is_a_sentence() -> None:
    with pytest.raises(MigrationSyntaxError, match=r"x\.sql:1: memory exhausted.*too deeply"):
        parse.parse(Source("x.sql", "select " + "(" * 20_000 + "1" + ")" * 20_000))


def test_no_memory_for_a_stack_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(errors.NestedTooDeeplyError):
        parse.parse(Source("x.sql", NESTED["concatenation"](3_000)))


def test_a_deep_index_has_its_lock_and_its_probe() -> None:
    (statement,) = parse.parse(Source("x.sql", NESTED["index"](3_000)))
    assert statement.facts.lock is locks.LockMode.SHARE_UPDATE_EXCLUSIVE
    probe = parse.probe(statement, "tmp", "p")
    assert probe == "CREATE INDEX p ON pg_temp.tmp ((a" + " || a" * 3_000 + "))"


def _tree(text: str) -> pb.ParseResult:
    result = pb.ParseResult()
    trees._decode_deep(result, memoryview(trees._encoded(text)))
    return result


def _words(text: str) -> list[pb.ScanToken]:
    return list(postgast.scan(text).tokens)


OVERSIZE = """
import sys
from google._upb import _message
from ops.migrations import parse
from tests.unit.migrations.test_trees import NESTED, SHALLOWER

_message.SetAllowOversizeProtos(True)  # as pulumi does when it is imported
for kind, nested in NESTED.items():
    for levels in (60, 3_000, 20_000):
        try:
            parse.parse(parse.Source("x.sql", nested(levels)))
        except parse.MigrationSyntaxError as error:
            assert levels == 20_000, (kind, error)
print("read")
"""


def test_nothing_ends_the_process_once_pulumi_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OVERSIZE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "read\n"), done.stderr
