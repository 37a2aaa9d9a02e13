"""Secrets of a stack file: in clear they are refused, encrypted they are taken."""

from pathlib import Path

import pytest

from infra.settings import SettingsError, load
from tests.unit.infra.declared import write

CLEAR = """
config:
  gcp:project: p
  gcp:region: asia-east1
  ai-square-db:networkName: net
"""


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("gcp:credentials: hunter2-key", "hunter2-key"),
        ("gcp:accessToken: ya29.hunter2", "hunter2"),
        ("other:dbPassword: hunter2", "hunter2"),
        ("other:url: postgres://app:hunter2@10.0.0.1/db", "hunter2"),
        ("other:keys: ['-----BEGIN RSA PRIVATE KEY-----']", "BEGIN"),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(
    tmp_path: Path, line: str, value: str
) -> None:
    write(tmp_path, "x", f"{CLEAR}  {line}\n")
    with pytest.raises(SettingsError) as caught:
        load("x", tmp_path)
    (said,) = caught.value.problems
    assert said.startswith(line.split(": ", maxsplit=1)[0])
    assert "a secret stands in the file in clear" in said
    assert value not in str(caught.value)


def test_an_encrypted_secret_is_taken(tmp_path: Path) -> None:
    write(tmp_path, "x", f"{CLEAR}  other:dbPassword:\n    secure: v1:abc:def\n")
    assert load("x", tmp_path).project == "p"
