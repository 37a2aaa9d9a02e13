from ops.schema.transactions import Snapshot, Window


def test_a_snapshot_is_read_as_postgresql_writes_it() -> None:
    assert Snapshot.parse("10:20:12,15") == Snapshot(10, 20, frozenset({12, 15}))
    assert Snapshot.parse("10:10:") == Snapshot(10, 10, frozenset())


def test_the_marker_alone_finished_on_an_idle_server() -> None:
    assert Snapshot.parse("11:11:").finished_since(Snapshot.parse("10:10:")) == {10}


def test_who_was_running_and_ended_counts_as_finished() -> None:
    low, high = Snapshot.parse("8:12:8,9"), Snapshot.parse("9:14:9,12")
    assert high.finished_since(low) == {8, 13}


def test_who_runs_on_through_the_marker_does_not_count() -> None:
    low, high = Snapshot.parse("8:12:8"), Snapshot.parse("8:13:8")
    assert high.finished_since(low) == {12}


def test_unseen_are_those_begun_before_and_not_finished() -> None:
    assert Snapshot.parse("8:12:8,11,13").unseen_before(13) == {8, 11, 12}
    assert Snapshot.parse("14:14:").unseen_before(13) == frozenset()


def test_a_window_knows_rows_by_their_short_numbers_across_an_epoch() -> None:
    epoch = 1 << 32
    window = Window(epoch - 2, epoch + 3)
    assert [one in window for one in (epoch - 3, epoch - 2, 0, 2, 3, 7)] == [
        *(False, True, True, True, False, False)
    ]
    assert 0 not in Window()
    assert 7 not in Window()
