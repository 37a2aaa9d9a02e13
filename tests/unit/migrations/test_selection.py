from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ops.arguments import BadArgumentError
from ops.checks.result import State as Found
from ops.errors import OpsError
from ops.migrations import change, disagreements, errors, files, results, selection, standing
from ops.migrations.files import Migration
from ops.migrations.ledger import Applied, State, StepRow
from ops.migrations.standing import Standing
from ops.migrations.steps import Direction

CIC = "create index concurrently i on t(a); select 1;"


def _migration(version: str, sql: str = "", down: str = "select 2;") -> Migration:
    text = f"-- migrate:up\n{sql or f'select {version};'}\n-- migrate:down {down}"
    return files.parse_text(f"{version}_m.sql", text.replace("down select", "down\nselect"))


def _applied(migration: Migration, checksum: str = "") -> Applied:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Applied(migration.version, "m", checksum or migration.up.checksum, at, "owner", 5)


def _step(migration: Migration, direction: Direction, *, finished: bool) -> StepRow:
    planned = selection.remaining(migration, direction, State())
    return StepRow(migration.version, direction, 1, planned[0].checksum, finished)


ONE, TWO, THREE = (_migration(f"000{n}") for n in (1, 2, 3))
ALL = (ONE, TWO, THREE)


def test_pending_files_are_applied_in_order_up_to_the_target() -> None:
    state = State((_applied(ONE),))
    assert selection.to_apply(ALL, state) == (TWO, THREE)
    assert selection.to_apply(ALL, state, to="2") == (TWO,)
    assert selection.to_apply(ALL, state, to="0002_m") == (TWO,)


def test_the_last_applied_one_is_taken_back_first() -> None:
    state = State((_applied(ONE), _applied(THREE), _applied(TWO)))
    assert selection.to_take_back(ALL, state) == (TWO,)
    assert selection.to_take_back(ALL, state, to="1") == (TWO, THREE)
    assert selection.to_take_back(ALL, state, to="0") == (TWO, THREE, ONE)


def test_out_of_order_needs_to_be_allowed() -> None:
    state = State((_applied(ONE), _applied(THREE)))
    with pytest.raises(disagreements.OutOfOrderError, match="--allow-out-of-order"):
        selection.to_apply(ALL, state)
    assert selection.to_apply(ALL, state, allow_out_of_order=True) == (TWO,)


@pytest.mark.parametrize(
    ("migrations", "state", "error", "words"),
    [
        (ALL, State((_applied(ONE, "other"),)), disagreements.ChangedError, "was changed after"),
        ((TWO,), State((_applied(ONE, TWO.up.checksum),)), disagreements.RenumberedError, "0001_m"),
        (
            ALL,
            State((_applied(ONE),), (_step(ONE, Direction.DOWN, finished=True),)),
            disagreements.HalfDoneError,
            "migrate.down",
        ),
    ],
)
def test_up_refuses_when_files_and_ledger_do_not_agree(
    migrations: tuple[Migration, ...], state: State, error: type[OpsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        selection.to_apply(migrations, state)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("migrations", "state", "error", "words"),
    [
        ((), State((_applied(ONE),)), disagreements.FileMissingError, "no file here"),
        (ALL, State((_applied(ONE, "other"),)), disagreements.ChangedError, "was changed after"),
        (
            ALL,
            State((), (_step(ONE, Direction.UP, finished=True),)),
            disagreements.HalfDoneError,
            "up",
        ),
        (
            (_migration("1", down='irreversible:"the old column is gone"'),),
            State((_applied(_migration("1")),)),
            disagreements.IrreversibleError,
            "the old column is gone",
        ),
        (
            (_migration("1", down=""),),
            State((_applied(_migration("1")),)),
            disagreements.IrreversibleError,
            "no statement under",
        ),
    ],
)
def test_down_refuses_what_it_can_not_take_back(
    migrations: tuple[Migration, ...], state: State, error: type[OpsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        selection.to_take_back(migrations, state)
    assert words in str(caught.value)


@pytest.mark.parametrize("to", ["9", "x", "-1"])
def test_an_unknown_version_is_refused(to: str) -> None:
    with pytest.raises(disagreements.UnknownVersionError):
        selection.to_apply(ALL, State(), to=to)
    with pytest.raises(disagreements.UnknownVersionError):
        selection.to_take_back(ALL, State(), to=to)


def test_finished_steps_are_not_run_again_and_must_not_have_changed() -> None:
    migration = _migration("0001", CIC)
    done = State((), (_step(migration, Direction.UP, finished=True),))
    assert [s.number for s in selection.remaining(migration, Direction.UP, done)] == [2]
    edited = _migration("0001", CIC.replace("t(a)", "t(b)"))
    with pytest.raises(disagreements.ChangedError, match="step 1"):
        selection.remaining(edited, Direction.UP, done)


def test_a_begun_step_is_known_unless_it_was_edited_since() -> None:
    migration = _migration("0001", CIC)
    state = State((), (_step(migration, Direction.UP, finished=False),))
    first, second = selection.remaining(migration, Direction.UP, state)
    assert selection.is_begun(first, state)
    assert not selection.is_begun(second, state)
    edited = _migration("0001", CIC.replace("t(a)", "t(b)"))
    assert not selection.is_begun(selection.remaining(edited, Direction.UP, state)[0], state)


def test_every_standing_is_told() -> None:
    half_back, half_on = _migration("0005"), _migration("0009", CIC)
    changed, early, gone = _migration("0002"), _migration("0003"), _migration("0004")
    state = State(
        (_applied(ONE), _applied(changed, "other"), _applied(gone), _applied(half_back)),
        (
            _step(half_back, Direction.DOWN, finished=False),
            _step(half_on, Direction.UP, finished=True),
        ),
    )
    files_here = (ONE, changed, early, half_back, half_on, _migration("0010"))
    assert [(e.version, e.standing) for e in standing.entries(files_here, state)] == [
        ("0001", Standing.APPLIED),
        ("0002", Standing.CHANGED),
        ("0003", Standing.OUT_OF_ORDER),
        ("0004", Standing.FILE_MISSING),
        ("0005", Standing.HALF_TAKEN_BACK),
        ("0009", Standing.HALF_APPLIED),
        ("0010", Standing.PENDING),
    ]


def test_a_draft_is_listed_and_skipped() -> None:
    draft, later = _migration("0003", "-- nothing yet"), _migration("0004")
    state = State((_applied(ONE), _applied(TWO)))
    here = (ONE, TWO, draft, later)
    assert standing.entries(here, state)[2].standing is Standing.DRAFT
    assert selection.to_apply(here, state) == (later,)
    assert selection.drafts(here, state) == (draft,)
    assert selection.drafts(here, state, to="2") == ()
    assert selection.to_take_back(here, state) == (TWO,)


def test_a_file_that_was_emptied_is_no_draft() -> None:
    emptied = _migration("0001", "-- nothing any more")
    half = State((), (_step(_migration("0001", CIC), Direction.UP, finished=True),))
    assert standing.entries((emptied,), half)[0].standing is Standing.HALF_APPLIED
    assert selection.drafts((emptied,), half) == ()
    applied = State((_applied(ONE),))
    assert standing.entries((emptied,), applied)[0].standing is Standing.CHANGED


UNREADABLE = Migration(
    "0002",
    "m",
    "0002_m.sql",
    files.Section((), "", 1),
    None,
    errors.NulByteError("0002_m.sql", 7),
    analysed=False,
)
ALMOST = _migration("0002", "select 2;\n-- migrate: down\nselect 3;")


@pytest.mark.parametrize("bad", [UNREADABLE, ALMOST])
def test_a_pending_file_that_must_not_run_stops_up_before_it(bad: Migration) -> None:
    here = (ONE, bad, THREE)
    assert selection.to_apply(here, State()) == (ONE,)
    assert selection.refused_file(here, State()) is bad
    assert selection.refused_file(here, State(), to="1") is None
    found = standing.entries(here, State())
    assert [e.standing for e in found] == [Standing.PENDING, Standing.REFUSED, Standing.PENDING]
    assert found[1].detail.startswith("0002_m.sql:")
    assert results.Status(found).state is Found.FINDING


@pytest.mark.parametrize("text", ["begin; vacuum t; commit;", "copy t from stdin;", "commit;"])
def test_a_pending_file_that_can_not_be_cut_is_a_finding_of_status(text: str) -> None:
    for bad in (_migration("0002", text), _migration("0002", down=text.join(("select 1; ", "")))):
        found = standing.entries((ONE, bad), State((_applied(ONE),)))
        assert found[1].standing is Standing.REFUSED
        assert found[1].detail.startswith("0002_m.sql:")
        assert results.Status(found).state is Found.FINDING
    applied = State((_applied(ONE), _applied(bad)))
    assert standing.entries((ONE, bad), applied)[1].standing is Standing.APPLIED


def test_an_applied_file_that_can_not_be_read_is_unknown_not_changed() -> None:
    state, here = State((_applied(ONE), _applied(TWO))), (ONE, UNREADABLE, THREE)
    status = results.Status(standing.entries(here, state))
    assert status.migrations[1].standing is Standing.UNREADABLE
    assert "0002_m.sql:7" in status.migrations[1].detail
    assert status.state is Found.UNKNOWN
    changed = State((_applied(ONE, "other"), _applied(TWO)))
    assert results.Status(standing.entries(here, changed)).state is Found.FINDING
    for select in (selection.to_apply, selection.to_take_back):
        with pytest.raises(
            disagreements.UnverifiableError, match=r"whether it was changed .* unknown"
        ):
            select(here, state)


def test_an_almost_mark_in_an_applied_file_is_a_finding_and_no_way_back() -> None:
    state, here = State((_applied(ONE), _applied(ALMOST))), (ONE, ALMOST, THREE)
    status = results.Status(standing.entries(here, state))
    assert status.migrations[1].standing is Standing.ALMOST_MARKED
    assert "0002_m.sql:3" in status.migrations[1].detail
    assert "ran as a part of the section above" in status.migrations[1].detail
    assert status.state is Found.FINDING
    assert selection.to_apply(here, state) == (THREE,)
    with pytest.raises(disagreements.IrreversibleError, match="almost a section's mark"):
        selection.to_take_back(here, state)


def test_a_changed_way_back_is_noticed_unless_an_older_program_applied_it() -> None:
    now = _migration("0001", down="select 9;")
    older = _applied(ONE)
    row = replace(older, down_checksum=ONE.down_checksum)
    assert standing.entries((now,), State((row,)))[0].standing is Standing.DOWN_CHANGED
    with pytest.raises(disagreements.DownChangedError, match=r"0001_m\.sql: its down section"):
        selection.to_apply((now,), State((row,)))
    assert selection.to_take_back((now,), State((row,))) == (now,)
    assert selection.to_apply((now,), State((older,))) == ()
    assert selection.to_apply((ONE,), State((row,))) == ()


def test_an_applied_file_that_is_missing_stops_up() -> None:
    with pytest.raises(disagreements.AppliedFileMissingError, match=r"has 0001_m, without a file"):
        selection.to_apply((TWO, THREE), State((_applied(ONE),)))


def test_status_is_a_finding_where_files_and_database_do_not_agree() -> None:
    def state_of(migrations: tuple[Migration, ...], state: State) -> Found:
        return results.Status(standing.entries(migrations, state)).state

    assert state_of(ALL, State((_applied(ONE),))) is Found.OK
    assert state_of(ALL, State((_applied(ONE, "other"),))) is Found.FINDING
    assert state_of((TWO,), State((_applied(ONE),))) is Found.FINDING
    assert state_of(ALL, State((_applied(TWO),))) is Found.FINDING


@pytest.mark.parametrize("given", ["x", "-1", "inf", "nan", ""])
def test_a_wait_that_is_no_time_is_refused(given: str) -> None:
    assert change.seconds("1.5") == 1.5
    with pytest.raises(BadArgumentError, match="number of seconds from 0"):
        change.seconds(given)
