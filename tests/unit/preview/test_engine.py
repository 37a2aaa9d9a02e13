"""What `pulumi preview --json` says, and what is said where it can't be asked."""

from pathlib import Path

import pytest

from infra.preview import engine
from infra.preview.show import Shown
from infra.preview.verdict import Preview, StackPreview, Verdict

DOCUMENT = {
    "steps": [
        {"op": "same", "urn": "urn:pulumi:prod::p::pulumi:pulumi:Stack::p-prod"},
        {
            "op": "update",
            "urn": "urn:pulumi:prod::p::gcp:sql/databaseInstance:DatabaseInstance::instance",
            "detailedDiff": {"settings.tier": {"kind": "update"}},
        },
        {"op": "create-replacement", "urn": "urn:pulumi:prod::p::gcp:sql/user:User::app-user"},
    ]
}


def test_steps_are_told_by_name_and_those_that_change_nothing_are_not() -> None:
    assert engine.read(DOCUMENT) == {
        "instance": "update: settings.tier",
        "app-user": "create replacement",
    }
    assert engine.read({}) == {}


def test_what_the_engine_says_alone_is_not_no_change() -> None:
    one = StackPreview("prod", Verdict.NO_CHANGE, engine={"instance": "create"})
    told = Shown(Preview("main", "the working tree", (one,), frozenset())).blocks()
    assert any("What `pulumi preview` says" in str(block) for block in told)


def test_without_a_cli_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(engine.NoCliError, match="leave --engine out"):
        engine.steps("prod", Path())


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'error: no stack named prod found' >&2; exit 255", "no stack named prod found"),
        (
            'echo \'{"diagnostics": [{"severity": "error", "message": "no plugin"}]}\'; exit 1',
            "no plugin",
        ),
        ("exit 1", "it said nothing"),
    ],
)
def test_a_preview_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """A script stands for the CLI: its failures can't be had without a backend."""
    cli = tmp_path / "pulumi"
    cli.write_text(f"#!/bin/sh\n{script}\n")
    cli.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(engine.EngineFailedError, match=said):
        engine.steps("prod", tmp_path)
