"""Stack settings of tests: a good one, and what is said of worse."""

from pathlib import Path

import pytest

from infra.settings import SettingsError
from infra.settings.validation import validate
from infra.stackfile import ROOT

GOOD: dict[str, object] = {
    "gcp:project": "p",
    "gcp:region": "asia-east1",
    "ai-square-db:networkName": "net",
}


def problems(**ours: object) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        validate("test", GOOD | {f"ai-square-db:{key}": value for key, value in ours.items()})
    return caught.value.problems


def declared_flags(words: dict[str, object]) -> set[str]:
    settings = validate("test", GOOD | {"ai-square-db:flags": words})
    return {flag.name for flag in settings.instance.flags}


def write(root: Path, stack: str, text: str) -> None:
    (root / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (root / f"Pulumi.{stack}.yaml").write_text(text)
