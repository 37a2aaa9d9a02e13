"""gcloud as shipped, talking to a local Cloud SQL; its JSON is parsed."""

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.local.server import PROJECT, Json

LIMIT_S = 90  # gcloud polls with growing pauses
# Starting gcloud takes a second of one core; the machine has few of them.
AT_ONCE = 4


class Gcloud:
    """Runs ``gcloud sql`` with a configuration folder of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        token = folder / "token"
        token.write_text("any")
        self._environment = {
            **os.environ,
            "CLOUDSDK_CONFIG": str(folder),
            "CLOUDSDK_CORE_PROJECT": PROJECT,
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": f"{url}/",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command; it may fail."""
        return subprocess.run(
            ["gcloud", "sql", *arguments, "--format=json"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def __call__(self, *arguments: str) -> Json:
        """Run a command that must succeed; return what it prints, parsed."""
        done = self.run(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None


def together(*chains: Callable[[], None]) -> None:
    """Run chains of commands that don't need each other at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for chain in [pool.submit(chain) for chain in chains]:
            chain.result()
