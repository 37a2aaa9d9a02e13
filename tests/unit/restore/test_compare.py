from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ops.checks.questions import sequence_reach as reach
from ops.checks.result import CheckResult, State
from ops.checks.trouble import Trouble
from ops.restore.proof import alike
from ops.restore.proof.baseline import Baseline
from ops.restore.proof.marker import Marker
from ops.schema import catalogs, compare, sequences
from ops.schema.catalogs import Catalogs, Rows
from ops.schema.content import Content
from ops.schema.definitions import Answer, moving
from ops.schema.proven import Proven, prove
from ops.schema.sequences import Reach
from ops.schema.tablecontent import Sum, TableShape
from ops.schema.transactions import Window
from tests.unit.findings import findings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHAPE = TableShape("public", "t", 8192, ())
UNREADABLE = Trouble(State.UNKNOWN, "permission denied", "Grant it.")


def _reach(last: int | None, *, increment: int = 1, readable: bool = True) -> Reach:
    return Reach(readable, last, increment, 33, cycles=False)


def _baseline(
    *,
    answers: Mapping[str, str] | None = None,
    changing: frozenset[str] = frozenset(),
    content: Mapping[str, Proven] | None = None,
    before: Mapping[str, Reach] | None = None,
    after: Mapping[str, Reach] | None = None,
) -> Baseline:
    marker = Marker("d", 1, 2, 3, NOW, NOW, True, 1, (), before or {}, ("s",))  # noqa: FBT003 - a record
    empty = Catalogs({})
    return Baseline(
        marker,
        {"tables": answers or {}},
        {"tables": changing},
        content or {},
        after or {},
        (empty, empty),
    )


def _content(sums: Mapping[int, Sum]) -> Content:
    return Content(SHAPE, sums)


def _compare_answers(
    baseline: Baseline, question: str, copy: Answer | Trouble, rows: Rows = Rows.UNKNOWN
) -> CheckResult:
    source, changing = baseline.answers[question], baseline.moving[question]
    return compare.answers(question, source, copy, changing, rows)


def _compare_reach(
    baseline: Baseline, copy: Mapping[str, Reach], now: Mapping[str, Reach] | None = None
) -> CheckResult:
    return compare.reach(baseline.marker.sequences, baseline.sequences, copy, now)


def test_equal_answers_are_ok_and_counted() -> None:
    found = _compare_answers(
        _baseline(answers={"a": "1", "b": "2"}), "tables", {"b": "2", "a": "1"}
    )
    assert (found.state, found.examined, found.total, found.differences) == (State.OK, 2, 2, ())


def test_every_way_to_differ_is_a_line() -> None:
    source = {"kept": "x", "lost": "x", "changed": "x"}
    copy = {"kept": "x", "new": "x", "changed": "y" * 500}
    found = _compare_answers(_baseline(answers=source), "tables", copy)
    assert found.state is State.FINDING
    assert [line.split(":")[0] for line in found.differences] == ["changed", "lost", "new"]
    assert all(len(line) < 400 for line in found.differences)


def test_what_changed_while_it_was_read_is_unknown_but_hides_no_loss() -> None:
    baseline = _baseline(answers={"a": "1", "b": "1"}, changing=frozenset({"a"}))
    assert _compare_answers(baseline, "tables", {"b": "1"}).state is State.UNKNOWN
    assert _compare_answers(baseline, "tables", {"a": "2"}).state is State.FINDING
    assert moving({"a": "1", "b": "1"}, {"a": "2", "b": "1", "c": "1"}) == {"a", "c"}


def test_a_question_without_an_answer_is_what_its_failure_means() -> None:
    found = _compare_answers(_baseline(answers={"a": "1"}), "tables", UNREADABLE)
    assert (found.state, found.examined, found.remedy) == (State.UNKNOWN, 0, "Grant it.")


FULL = {0: Sum(3, "30"), 1: Sum(2, "20")}


@pytest.mark.parametrize(
    ("low", "high", "copy", "counts", "contents"),
    [
        (FULL, FULL, FULL, State.OK, State.OK),
        (FULL, FULL, {0: Sum(3, "31"), 1: Sum(2, "20")}, State.OK, State.FINDING),
        (FULL, FULL, {0: Sum(3, "30")}, State.FINDING, State.FINDING),
        (FULL, FULL, FULL | {2: Sum(1, "1")}, State.FINDING, State.FINDING),
        ({}, {}, {}, State.OK, State.OK),
        ({}, {}, {0: Sum(1, "1")}, State.FINDING, State.FINDING),
        # stretch 1 moves: anything may be in it, and in pages behind it, but not in stretch 0
        (
            FULL,
            FULL | {1: Sum(4, "7")},
            FULL | {1: Sum(9, "9"), 2: Sum(1, "1")},
            State.OK,
            State.OK,
        ),
        (FULL, FULL | {1: Sum(4, "7")}, {0: Sum(3, "31")}, State.OK, State.FINDING),
        (FULL, FULL | {1: Sum(4, "7")}, {0: Sum(2, "30")}, State.FINDING, State.FINDING),
        # all of it moves: nothing was proven
        ({0: Sum(1, "1")}, {0: Sum(2, "3")}, {0: Sum(2, "3")}, State.OK, State.UNKNOWN),
    ],
)
def test_content_is_equal_in_what_stood_still(
    low: Mapping[int, Sum],
    high: Mapping[int, Sum],
    copy: Mapping[int, Sum],
    counts: State,
    contents: State,
) -> None:
    baseline = _baseline(content={"public.t": prove(_content(low), _content(high))})
    have = {"public.t": _content(copy)}
    assert compare.counts(baseline.tables, have).state is counts
    assert compare.contents(baseline.tables, have).state is contents


def test_the_rows_and_hashes_of_both_sides_are_told_for_a_comparison_anew() -> None:
    baseline = _baseline(
        content={"public.t": prove(_content(FULL), _content(FULL | {1: Sum(4, "7")}))}
    )
    have = {"public.t": _content({0: Sum(3, "31"), 1: Sum(9, "9"), 2: Sum(1, "1")})}
    tables = compare.contents(baseline.tables, have).evidence["tables"]
    assert tables == {
        "public.t": {
            "stretch_pages": 0,
            "hashed_as_text": [],
            "source": {"rows": 3, "hash": "30"},
            "clone": {"rows": 3, "hash": "31"},
            "stretches_not_compared": 2,
        }
    }


CUT = replace(SHAPE, stretch_pages=4)


def test_a_difference_says_which_pages_hold_it() -> None:
    source = {key: Sum(10, str(key)) for key in range(9)}
    copy = source | {1: Sum(10, "51"), 2: Sum(9, "52"), 7: Sum(11, "57")}
    sides = Content(CUT, source), Content(CUT, copy)
    baseline = _baseline(content={"public.t": prove(sides[0], sides[0])})
    found = compare.contents(baseline.tables, {"public.t": sides[1]})
    (line,) = found.differences
    assert "in 3 of 9 stretches: pages 4-11, pages 28-31 (30 rows there on the source, 30" in line
    assert found.evidence["wrong"] == 1


def test_a_difference_of_a_table_read_as_one_is_located_afterwards() -> None:
    whole = _content({0: Sum(20, "1")})
    baseline = _baseline(content={"public.t": prove(whole, whole)})
    found = compare.contents(baseline.tables, {"public.t": _content({0: Sum(20, "2")})})
    assert found.differences == ("public.t: its rows are not those of the source",)
    now = Content(CUT, {0: Sum(20, "1")})
    places = {"public.t": (prove(now, now), Content(CUT, {0: Sum(20, "2")}))}
    (line,) = compare.located(found, places).differences
    assert "in 1 of 1 stretches: pages 0-3 (20 rows there" in line
    assert line.endswith("as the source is now")
    same = {"public.t": (prove(now, now), now)}
    assert compare.located(found, same) == found


def test_moving_rows_are_counted() -> None:
    proven = prove(_content(FULL), _content(FULL | {1: Sum(4, "7")}))
    assert (proven.rows, proven.moving_rows, proven.moving) == (7, 4, frozenset({1}))


def test_a_table_that_cannot_be_read_is_never_ok() -> None:
    unread = Content(SHAPE, {}, UNREADABLE)
    whole = {"public.t": prove(_content(FULL), _content(FULL))}
    assert (
        compare.contents(_baseline(content=whole).tables, {"public.t": unread}).state
        is State.UNKNOWN
    )
    assert compare.contents(_baseline(content=whole).tables, {}).state is State.UNKNOWN
    refused = {"public.t": prove(unread, unread)}
    found = compare.contents(_baseline(content=refused).tables, {"public.t": _content(FULL)})
    assert found.state is State.UNKNOWN
    assert "permission denied" in found.differences[0]


@pytest.mark.parametrize(
    ("before", "after", "copy", "fault"),
    [
        (_reach(10), _reach(10), _reach(10), ""),
        (_reach(10), _reach(10), _reach(42), ""),
        (_reach(10), _reach(10), _reach(44), "is ahead: was at 10, is at 44"),
        (_reach(10), _reach(50), _reach(30), ""),
        (_reach(10), _reach(10), _reach(9), "lags: was at 10, is at 9"),
        (_reach(10), _reach(10), _reach(None), "was at 10, is unused"),
        (_reach(None), _reach(None), _reach(33), ""),
        (_reach(-5, increment=-1), _reach(-5, increment=-1), _reach(-4, increment=-1), "lags"),
    ],
)
def test_a_recovered_sequence_is_never_behind(
    before: Reach, after: Reach, copy: Reach, fault: str
) -> None:
    told = sequences.fault(before, after, copy)
    assert told.startswith(fault) if fault else told == ""


def test_a_sequence_that_was_restarted_around_the_marker_is_unknown() -> None:
    first, second = (replace(_reach(last), file=file) for last, file in ((100, 1), (100, 2)))
    baseline = _baseline(before={"s": first}, after={"s": second})
    found = _compare_reach(baseline, {"s": _reach(None)})
    assert found.state is State.UNKNOWN
    assert found.differences == ("s: was restarted or set back around the marker",)
    assert found.remedy


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (_reach(12), State.FINDING),
        (_reach(9), State.UNKNOWN),
        (_reach(None), State.UNKNOWN),
        (replace(_reach(12), file=2), State.UNKNOWN),
    ],
)
def test_a_sequence_that_is_set_all_the_time_is_not_blamed_on_the_copy(
    later: Reach, state: State
) -> None:
    copy = {"s": _reach(1)}
    before, after = _baseline(before={"s": _reach(10)}, after={"s": _reach(11)}), {"s": later}
    assert _compare_reach(before, copy).state is State.FINDING
    assert _compare_reach(before, copy, after).state is state
    assert _compare_reach(before, copy, {}).state is State.FINDING
    around = _baseline(before={"s": _reach(10)}, after={"s": later})
    assert _compare_reach(around, copy).state is state


def test_an_unreadable_sequence_is_unknown() -> None:
    hidden = _reach(None, readable=False)
    baseline = _baseline(before={"s": hidden}, after={"s": hidden})
    assert _compare_reach(baseline, {"s": hidden}).state is State.UNKNOWN
    assert _compare_reach(_baseline(), {}).state is State.NOT_APPLICABLE


def _found(state: State, *lines: str, check: str = sequences.CHECK) -> CheckResult:
    wrong = tuple(
        replace(one, object=replace(one.object, kind="sequence"))
        for one in findings(*lines, state=state)
    )
    return CheckResult(check, state, 2, 2, "told", wrong)


BEHIND = _found(State.FINDING, "public.s: is at 1; t.id has 9", check=reach.CHECK)


@pytest.mark.parametrize(
    "compared",
    [
        _found(State.OK),
        _found(State.UNKNOWN, "public.s: was restarted or set back around the marker"),
        _found(State.FINDING, "public.other: lags: was at 9, is at 1"),
    ],
)
def test_a_sequence_that_stands_as_on_the_source_is_not_lost(compared: CheckResult) -> None:
    (_, told) = alike.reached([compared, BEHIND])
    assert (told.state, told.examined, told.total) == (State.UNKNOWN, 1, 2)
    assert "on the source at the marker" in told.detail
    assert told.remedy
    assert told.differences == BEHIND.differences


@pytest.mark.parametrize(
    "compared",
    [
        [_found(State.FINDING, "public.s: lags: was at 9, is at 1")],
        [CheckResult(sequences.CHECK, State.UNKNOWN, 0, 2, "nothing was looked at")],
        [],
    ],
)
def test_a_sequence_of_which_nothing_is_proven_is_loud(compared: list[CheckResult]) -> None:
    assert alike.reached([*compared, BEHIND])[-1] == BEHIND


def test_a_question_that_fails_on_the_source_says_what_to_do() -> None:
    broken = Trouble(State.FINDING, "cache lookup failed for index 1").on_source()
    assert (broken.state, bool(broken.remedy)) == (State.UNKNOWN, True)
    assert UNREADABLE.on_source().remedy == UNREADABLE.remedy


def test_objects_whose_catalog_rows_are_alike_were_only_printed_at_another_time() -> None:
    source = {"kept": "x", "renamed away": "x", "changed": "x"}
    copy = {"kept": "x", "renamed": "x", "changed": "y"}
    baseline = _baseline(answers=source, changing=frozenset({"changed"}))
    found = _compare_answers(baseline, "tables", copy, Rows.ALIKE)
    assert (found.state, found.examined, found.total) == (State.OK, 3, 3)
    assert "2 changed before or after it" in found.detail
    assert found.evidence["by_catalog_rows"] == ["changed", "renamed"]
    assert _compare_answers(baseline, "tables", copy).state is State.FINDING


def test_what_the_source_could_not_print_is_known_by_its_rows() -> None:
    baseline = replace(_baseline(), answers={"tables": UNREADABLE})
    found = _compare_answers(baseline, "tables", {"a": "1"}, Rows.ALIKE)
    assert (found.state, found.examined) == (State.OK, 1)
    assert _compare_answers(baseline, "tables", {"a": "1"}).state is State.UNKNOWN


def test_a_copy_that_can_not_print_its_objects_is_damaged_whatever_its_rows_are() -> None:
    broken = Trouble(State.FINDING, "cache lookup failed")
    baseline = _baseline(answers={"a": "1"})
    assert _compare_answers(baseline, "tables", broken, Rows.ALIKE).state is State.FINDING


def test_what_changed_around_the_marker_is_not_known() -> None:
    baseline = _baseline(answers={"kept": "x", "renamed away": "x"})
    copy = {"kept": "x", "renamed": "x"}
    found = _compare_answers(baseline, "tables", copy, Rows.MOVED)
    assert (found.state, found.examined, found.total) == (State.UNKNOWN, 1, 3)
    assert found.differences == ("renamed", "renamed away")
    for question in ("roles", "large_objects"):
        other = replace(baseline, answers={question: baseline.answers["tables"]})
        other = replace(other, moving={question: frozenset()})
        assert _compare_answers(other, question, copy, Rows.MOVED).state is State.FINDING


def _held(**sums: int) -> Catalogs:
    """Return catalogs of which ``by_7=3`` wrote transaction 7 rows with the hash 3."""
    return Catalogs({("pg_class", int(by[3:])): Sum(2, str(n)) for by, n in sums.items()})


BEFORE = _held(by_5=1, by_7=3)
AFTER = _held(by_5=1, by_12=4)
AROUND = Window(10, 14)


@pytest.mark.parametrize(
    ("after", "copy", "between", "rows"),
    [
        (BEFORE, BEFORE, Window(), Rows.ALIKE),
        (BEFORE, BEFORE, AROUND, Rows.ALIKE),
        (BEFORE, _held(by_5=1, by_99=3), Window(), Rows.ALIKE),
        (AFTER, BEFORE, AROUND, Rows.MOVED),
        (AFTER, AFTER, AROUND, Rows.MOVED),
        (AFTER, _held(by_5=1, by_11=9), AROUND, Rows.MOVED),
        (BEFORE, _held(by_5=1, by_7=3, by_11=9), AROUND, Rows.MOVED),
        (BEFORE, _held(by_5=1, by_7=3, by_11=9), Window(), Rows.UNKNOWN),
        (BEFORE, _held(by_5=1, by_7=3, by_15=9), AROUND, Rows.UNKNOWN),
        (BEFORE, _held(by_5=1, by_7=4), AROUND, Rows.UNKNOWN),
        (AFTER, _held(by_5=2, by_7=3), AROUND, Rows.UNKNOWN),
        (AFTER, _held(by_7=3), AROUND, Rows.UNKNOWN),
    ],
)
def test_a_catalog_row_is_from_before_the_marker_or_from_around_it(
    after: Catalogs, copy: Catalogs, between: Window, rows: Rows
) -> None:
    assert catalogs.rows_of(BEFORE, after, copy, between) is rows
    told = catalogs.check(BEFORE, after, copy, between, ())
    assert (told.state is State.FINDING) is (rows is Rows.UNKNOWN)
    assert (told.state is State.OK) is (rows is Rows.ALIKE and after == BEFORE)


def test_nothing_is_known_of_catalogs_that_could_not_be_read() -> None:
    assert catalogs.rows_of(BEFORE, UNREADABLE, BEFORE, AROUND) is Rows.UNKNOWN
    assert catalogs.rows_of(Catalogs({}), Catalogs({}), Catalogs({}), AROUND) is Rows.UNKNOWN
