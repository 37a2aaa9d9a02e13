"""What the server does unasked: it looks after its instances once a second.

A watcher looks, and begins operations where something is to be done: a standby to be
promoted, a backup that is due. It is called again and again, so that it keeps nothing in
mind that a killed server would forget.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from infra.local.errors import StoppingError
from infra.local.service import Service
from infra.local.work import Work

Watcher = Callable[[Service, Work], None]
_PAUSE_S = 1.0
_log = logging.getLogger(__name__)


class Watch:
    """Calls the watchers in turn, on a thread of its own."""

    def __init__(self, service: Service, work: Work, watchers: Sequence[Watcher]) -> None:
        self._service = service
        self._work = work
        self._watchers = watchers
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end of the last look; the server is stopping already."""
        self._thread.join()

    def _run(self) -> None:
        while True:
            for watcher in self._watchers:
                try:
                    watcher(self._service, self._work)
                except StoppingError:
                    return
                except Exception:  # noqa: BLE001 - the next look may find it mended
                    _log.exception("%s failed", watcher.__module__)
            try:
                self._service.runner.pause(_PAUSE_S)
            except StoppingError:
                return
