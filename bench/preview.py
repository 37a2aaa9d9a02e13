"""`invoke preview` where nothing changes, against the imports that it can't do without.

Twice: in an untouched tree, where nothing has to run; and with a comment changed in the
program, so that both sides of all stacks run. The floor is one Python that imports pulumi and
what the production program uses of pulumi_gcp.

Run with the project's Python: .venv/bin/python -m bench.preview
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.program import IMPORTS, used_by
from bench.timing import pair, report

ROOT = Path(__file__).resolve().parent.parent
GOAL_S = 3


def _preview(tree: Path) -> None:
    command = [sys.executable, "-m", "invoke", "preview", "--base", "HEAD"]
    subprocess.run(command, cwd=tree, check=True, stdout=subprocess.DEVNULL)


def _imports(used: list[str]) -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", IMPORTS, *used], check=True)


def main() -> None:
    """Print both figures beside the floor's."""
    used = used_by("prod")
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "tree"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tree)], check=True)
        for title, touch in (("untouched", False), ("a comment changed", True)):
            if touch:
                with (tree / "infra/instance.py").open("a") as program:
                    program.write("# nothing\n")
            timed = pair(lambda: _preview(tree), lambda: _imports(used), runs=5)
            report(f"invoke preview, all stacks, {title}", "the imports alone", timed, goal=3)
            slowest = max(timed.subject_s)
            print(f"slowest {slowest:.1f} s, goal {GOAL_S} s on 2 quiet cores")


if __name__ == "__main__":
    main()
