"""Differences of resources: options, secrets, long and hostile values."""

from typing import Any

import pytest

from infra.consequences import Effect
from infra.desired import DATABASE, INSTANCE, PASSWORD, SECRET, USER, Desired, DesiredResource
from infra.preview.difference import Action, ResourceChange, differences, secrets_changed
from infra.preview.markdown import document
from infra.preview.page import page
from infra.preview.revision import Side
from infra.preview.text import sections
from infra.preview.verdict import Preview, StackPreview, Verdict, decide

HOSTILE = "`</code><script>x</script> @team #1 | a\nb\n```\n"


def resource(kind: str, **inputs: Any) -> DesiredResource:  # noqa: ANN401 - a resource's inputs
    options = {"protect": False, "ignore_changes": (), "depends_on": (), "deleted_with": ""}
    options |= {key: inputs.pop(key) for key in tuple(options) if key in inputs}
    return DesiredResource(type=kind, name="one", inputs=inputs, **options)  # type: ignore[arg-type]  # by name


def turned(before: DesiredResource | None, after: DesiredResource | None) -> ResourceChange:
    sides = [Desired(() if one is None else (one,), {}) for one in (before, after)]
    (found,) = differences(*sides)
    return found


def test_what_is_the_same_is_not_told() -> None:
    same = Desired((resource(USER, name="app"),), {})
    assert differences(same, same) == ()


@pytest.mark.parametrize(("kind", "loses"), [(INSTANCE, True), (DATABASE, True), (USER, False)])
def test_what_goes_takes_its_data_along(kind: str, loses: bool) -> None:  # noqa: FBT001 - a parameter of the table above
    gone = turned(resource(kind, name="x"), None)
    assert (gone.action, gone.loses_data) == (Action.DELETE, loses)
    come = turned(None, resource(kind, name="x"))
    assert (come.action, come.loses_data) == (Action.CREATE, False)


@pytest.mark.parametrize(
    ("kind", "path", "effect"),
    [
        (DATABASE, "name", Effect.REPLACE),
        (DATABASE, "deletionPolicy", Effect.UPDATE),
        (USER, "type", Effect.REPLACE),
        (PASSWORD, "length", Effect.REPLACE),
        ("gcp:storage/bucket:Bucket", "location", Effect.REPLACE),
        ("gcp:storage/bucket:Bucket", "versioning", Effect.UPDATE),
    ],
)
def test_some_inputs_make_a_resource_new(kind: str, path: str, effect: Effect) -> None:
    (change,) = turned(resource(kind, **{path: "a"}), resource(kind, **{path: "b"})).changes
    assert change.effect is effect


def test_protection_that_goes_is_said() -> None:
    found = turned(resource(DATABASE, name="d", protect=True), resource(DATABASE, name="d"))
    (change,) = found.changes
    assert (change.property, change.before, change.after) == ("options.protect", "true", "false")
    assert change.consequence is not None
    assert "without asking" in change.consequence.why


def test_an_input_of_an_older_program_is_unknown() -> None:
    old = resource(INSTANCE, name="i", settings={"tier": "t", "activeDirectoryConfig": {"x": 1}})
    new = resource(INSTANCE, name="i", settings={"tier": "u"})
    effects = {change.property: change.effect for change in turned(old, new).changes}
    assert effects == {
        "settings.activeDirectoryConfig.x": Effect.UNKNOWN,
        "settings.tier": Effect.RESTART,
    }
    changes = differences(Desired((old,), {}), Desired((new,), {}))
    assert decide(changes, (), blocked=False) is Verdict.UNKNOWN


def test_a_secret_that_stays_secret_is_no_difference() -> None:
    assert (
        differences(
            Desired((resource(USER, password=SECRET),), {}),
            Desired((resource(USER, password=SECRET),), {}),
        )
        == ()
    )


def test_encrypted_values_are_compared_by_their_keys_alone() -> None:
    assert secrets_changed({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ("b", "c")
    assert Side(None).secrets == {}


def test_long_values_show_where_they_part() -> None:
    before, after = f"{'x' * 50_000}old{'y' * 50_000}", f"{'x' * 50_000}new{'y' * 50_000}"
    (change,) = turned(resource(USER, text=before), resource(USER, text=after)).changes
    assert "old" in change.before
    assert "new" in change.after
    assert len(change.before) < 200
    assert "(100,003 characters)" in change.after


def hostile() -> Preview:
    change = turned(resource(USER, text="plain"), resource(USER, text=HOSTILE))
    one = StackPreview(HOSTILE, Verdict.SAFE, note=HOSTILE, changes=(change,), secrets=(HOSTILE,))
    return Preview(HOSTILE, "the working tree", (one,), frozenset())


def test_no_value_breaks_out_of_the_markdown() -> None:
    text = document(sections(hostile()), "<!-- marker -->")
    assert "<script>" not in text
    assert "@team" not in text
    assert "```" not in text
    (row,) = [line for line in text.splitlines() if "<code>text</code>" in line]
    assert row.count(" | ") == 4


def test_no_value_breaks_out_of_the_page() -> None:
    text = page(hostile())
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
