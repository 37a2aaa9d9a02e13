"""What decides a deployment beside the program: provider configuration, environments, pins."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.desired import Desired
from infra.preview.beside import beside, doubts
from infra.preview.review import compared
from infra.preview.revision import Side
from infra.preview.show import sentences
from infra.preview.verdict import Preview, Verdict, fail_on
from ops.checks.result import State

STACK = """secretsprovider: gcpkms://key
config:
  gcp:project: p
  gcp:region: r
  ours:tier: t
"""
PINS = "pulumi-gcp==10.2.0 \\\n    --hash=x\npulumi==3.1\n"


def tree(folder: Path, stack: str = STACK, pins: str = PINS) -> Path:
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: ours\n", encoding="utf-8")
    (folder / "Pulumi.prod.yaml").write_text(stack, encoding="utf-8")
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("stack", "pins", "told"),
    [
        (STACK, PINS, ()),
        (STACK.replace("ours:tier: t", "ours:tier: u"), PINS, ()),
        (STACK.replace("gcp:region: r", "gcp:region: s"), PINS, ()),
        (STACK.replace("gcpkms://key", "gcpkms://other"), PINS, ()),
        (f"{STACK}  gcp:token:\n    secure: v1:x\n", PINS, ()),
        (f"{STACK}  gcp:zone: z\n", PINS, ("gcp:zone",)),
        (f"{STACK}  gcp:defaultLabels:\n    a: b\n", PINS, ("gcp:defaultLabels",)),
        (f"environment:\n- prod\n{STACK}", PINS, ("environment",)),
        (STACK, PINS.replace("10.2.0", "11.0.0"), ("pulumi-gcp",)),
        (STACK, PINS.replace("3.1", "3.2"), ()),
    ],
)
def test_what_differs_beside_the_program_is_said(
    tmp_path: Path, stack: str, pins: str, told: tuple[str, ...]
) -> None:
    sides = beside(tree(tmp_path / "a"), "prod"), beside(tree(tmp_path / "b", stack, pins), "prod")
    assert tuple(line.split(" ")[0] for line in doubts(*sides)) == told


def test_a_doubt_is_never_good_and_shows_no_value() -> None:
    nothing = Desired((), {})
    before = Side(nothing)
    after = Side(nothing, beside={"gcp:credentials": "a key in plain"})
    found = compared(
        "prod",
        before,
        after,
        secrets=(),
        window=None,
        target=None,
        now=datetime(2026, 11, 30, tzinfo=UTC),
    )
    assert found.verdict is Verdict.UNKNOWN
    (said,) = sentences(found)
    assert "gcp:credentials" in said
    assert "plain" not in said
    assert Preview("a", "b", (found,), fail_on("never")).state is State.UNKNOWN
