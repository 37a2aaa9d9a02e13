"""The whole program of a stack under the SDK against importing what it uses.

The floor is a fresh Python that imports pulumi and the very pulumi_gcp modules that the
program has imported when it is done.

Run with the project's Python: .venv/bin/python -m bench.program [STACK ...]
"""

import json
import subprocess
import sys

from bench.timing import pair, report

GOAL = 1.5
PROGRAM = """
import json, sys
from infra.desired import collect
from infra.settings import load
collect(load(sys.argv[1]))
if len(sys.argv) > 2:
    used = [name for name in sys.modules if name.split(".")[0].startswith("pulumi")]
    print(json.dumps(used))
"""
IMPORTS = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


def _python(source: str, *arguments: str) -> str:
    # -W: pulumi_gcp.compute warns of classes of its own while it is imported
    command = [sys.executable, "-W", "ignore", "-c", source, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def used_by(stack: str) -> list[str]:
    """Return the pulumi modules that a stack's program has imported when it is done."""
    used: list[str] = json.loads(_python(PROGRAM, stack, "used"))
    return used


def main() -> None:
    """Print both figures and their ratio for each stack."""
    for stack in sys.argv[1:] or ("local", "staging", "prod"):
        used = used_by(stack)
        timed = pair(
            lambda stack=stack: _python(PROGRAM, stack),  # type: ignore[misc]  # bound now
            lambda used=used: _python(IMPORTS, *used),  # type: ignore[misc]  # bound now
            runs=7,
        )
        report(f"the program of stack {stack}", f"importing its {len(used)} modules", timed, GOAL)


if __name__ == "__main__":
    main()
