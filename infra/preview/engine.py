"""What `pulumi preview` says, where there is the CLI and a backend to ask."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ops.errors import OpsError

Steps = Mapping[str, str]
"""By a resource's name in the program: the step in words."""

LIMIT_S = 600


class NoCliError(OpsError):
    """The Pulumi CLI was asked for, and is not there."""

    def __init__(self) -> None:
        super().__init__(
            "There is no Pulumi CLI on PATH or in ~/.pulumi/bin. Install it"
            " (https://www.pulumi.com/docs/install/), or leave --engine out: everything else of"
            " the preview needs none."
        )


class EngineFailedError(OpsError):
    """`pulumi preview` failed."""

    def __init__(self, stack: str, why: str) -> None:
        super().__init__(
            f"`pulumi preview -s {stack}` failed: {why}. Log in to the stack's backend, or leave"
            " --engine out."
        )


def cli() -> str:
    """Return the Pulumi CLI; raises NoCliError."""
    own = Path.home() / ".pulumi/bin"
    path_of_cli = shutil.which("pulumi", path=f"{os.environ.get('PATH', '')}:{own}")
    if path_of_cli is None:
        raise NoCliError
    return path_of_cli


def steps(stack: str, root: Path) -> Steps:
    """Run `pulumi preview --json` and return its steps, without those that change nothing.

    Raises:
        NoCliError: There is no CLI.
        EngineFailedError: It failed: no backend, no stack there, no provider.
    """
    command = [cli(), "preview", "--json", "--non-interactive", "--stack", stack]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise EngineFailedError(stack, f"it did not end within {LIMIT_S} s") from None
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise EngineFailedError(stack, _last(done.stderr)) from None
    if done.returncode != 0:
        raise EngineFailedError(stack, _diagnosis(document) or _last(done.stderr))
    return read(document)


def read(document: Mapping[str, object]) -> Steps:
    """Return the steps of `pulumi preview --json`, by the resources' names."""
    texts: dict[str, str] = {}
    for step in document.get("steps") or ():  # type: ignore[attr-defined]  # JSON
        if step["op"] in {"same", "read", "refresh"}:
            continue
        name = step["urn"].rsplit("::", 1)[-1]
        paths = ", ".join(sorted(step.get("detailedDiff") or {}))
        words = step["op"].replace("-", " ")
        texts[name] = f"{words}: {paths}" if paths else words
    return texts


def _diagnosis(document: Mapping[str, object]) -> str:
    messages = [
        diagnostic.get("message", "")
        for diagnostic in document.get("diagnostics") or ()  # type: ignore[attr-defined]  # JSON
        if diagnostic.get("severity") == "error"
    ]
    return _last("\n".join(messages)) if messages else ""


def _last(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
