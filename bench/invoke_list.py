"""`invoke --list` of this project against Invoke with a single empty task.

Run with the project's Python: .venv/bin/python -m bench.invoke_list
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import pair, report

ROOT = Path(__file__).resolve().parent.parent
BARE = "from invoke.tasks import task\n\n@task\ndef nothing(c):\n    pass\n"


def _list(folder: Path) -> None:
    command = [sys.executable, "-m", "invoke", "--list"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Print both figures and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        bare = Path(name)
        (bare / "tasks.py").write_text(BARE)
        timed = pair(lambda: _list(ROOT), lambda: _list(bare), runs=15)
    report("invoke --list, this project", "invoke --list, one empty task", timed, goal=1.5)


if __name__ == "__main__":
    main()
