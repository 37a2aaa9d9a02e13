"""Start the local Cloud SQL: ``python -m infra.local --data DIR --port N --pg-port N``."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn

from infra.local import aside, caretaker, inspection
from infra.local.actions import ACTIONS
from infra.local.addresses import Addresses, holder_of
from infra.local.api.app import Api
from infra.local.engine.account import cluster_owner
from infra.local.engine.process import Runner, end_all_in
from infra.local.errors import PortInUseError
from infra.local.folder import Folder, hold
from infra.local.guard import Guard
from infra.local.service import Service
from infra.local.standbys import StandbyCheck
from infra.local.start import bring_back, stop_clusters
from infra.local.store import Store
from infra.local.watch import Watch, Watcher
from infra.local.work import Work
from ops.errors import ExitCode, OpsError

DEFAULT_PORT = 8765
DEFAULT_PG_PORT = 5432
STAND_IN = "LOCAL_CLOUDSQL_STAND_IN"
_LOOPBACK = "127.0.0.1"
_KEEP_ALIVE_S = 120
# What is done unasked, in this order.
WATCHERS: tuple[Watcher, ...] = (
    StandbyCheck(),
    *caretaker.WATCHERS,
    lambda service, _work: service.settle_doors(),
    lambda service, _work: service.store.keep_spare(),
)
_log = logging.getLogger("infra.local")


class Server(uvicorn.Server):
    """uvicorn, ended by this module's own signal handlers, telling when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: uvicorn's own way raises them again before we clean up."""
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run the server until it is stopped; return its exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        _serve(options)
    except OpsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the one sentence its starter shows
        return error.exit_code
    except OSError as error:
        sentence = f"The data folder {options.data} can't be used: {error.strerror}. Give another."
        print(sentence, file=sys.stderr)  # noqa: T201 - as above
        return ExitCode.REFUSED
    return ExitCode.GOOD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the API; 0: any")
    parser.add_argument("--pg-port", type=int, default=DEFAULT_PG_PORT, help="of every instance")
    parser.add_argument(
        "--stop",
        action="store_true",
        help="serve nothing: stop the clusters that a killed server left running",
    )
    parser.add_argument(
        "--set-aside",
        action="store_true",
        help="move what the state does not know out of the way, instead of refusing to start",
    )
    parser.add_argument(
        "--stand-in",
        action="store_true",
        default=os.environ.get(STAND_IN, "") not in ("", "0"),
        help="let another major version of PostgreSQL serve where the asked one is missing",
    )
    return parser


def _serve(options: argparse.Namespace) -> None:
    data = options.data.expanduser().resolve()
    runner = Runner(cluster_owner())
    folder = hold(data, runner.owner)
    finding = inspection.inspect(data)
    if options.stop:
        _stop_left(data, folder, runner, options, readable=finding is None or finding.readable)
        return
    if finding is not None and not options.set_aside:
        raise inspection.refusal(data, finding)
    listener = _listen(options.port)
    if finding is not None:
        aside.set_aside(data, finding)
    service = _service(data, folder, runner, options)
    port = int(listener.getsockname()[1])
    url = f"http://{_LOOPBACK}:{port}"
    service.check_reachable()
    service.addresses.check_port()
    work = Work(service, ACTIONS)
    _log.warning("The local Cloud SQL is for rehearsals on this machine, not for production.")
    bring_back(service, work)
    service.settle_doors()
    watch = Watch(service, work, WATCHERS)
    watch.start()
    guard = Guard(service, work)
    guard.start()
    _answer(service, work, (watch, guard), folder, listener, url)


def _service(data: Path, folder: Folder, runner: Runner, options: argparse.Namespace) -> Service:
    return Service(
        data=data,
        pg_port=options.pg_port,
        stand_in=folder.stands_in(allowed=options.stand_in),
        store=Store(data / inspection.STATE),
        runner=runner,
        addresses=Addresses(data, options.pg_port),
    )


def _stop_left(
    data: Path, folder: Folder, runner: Runner, options: argparse.Namespace, *, readable: bool
) -> None:
    """Stop the clusters that a killed server left, by what the state knows of them if it can."""
    homes = data / "instances"
    if readable and (data / inspection.STATE).exists():
        service = _service(data, folder, runner, options)
        stop_clusters(service)
        service.store.close()
    for home in homes.iterdir():
        aside.stop_clusters_in(home)
    end_all_in(homes)


def _answer(
    service: Service,
    work: Work,
    watches: tuple[Watch | Guard, ...],
    folder: Folder,
    listener: socket.socket,
    url: str,
) -> None:
    leave_clusters = False
    server: Server

    def stop(clusters: bool) -> None:  # noqa: FBT001 - as the request says
        nonlocal leave_clusters
        leave_clusters = not clusters
        server.should_exit = True

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    def listening() -> None:
        port = int(listener.getsockname()[1])
        folder.announce(url=url, port=port, pg_port=service.pg_port)
        _log.info("The local Cloud SQL answers at %s; its data is in %s.", url, service.data)

    api = Api(service, work, url=url, stop=stop)
    config = uvicorn.Config(
        api.application(),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        # Clients poll every few seconds: a connection that ends as they ask again is an error.
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    server = Server(config, listening)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    try:
        server.run(sockets=[listener])
    finally:
        folder.withdraw()
        work.stop()
        for watch in watches:
            watch.stop()
        service.doors.stop()
        if not leave_clusters:
            stop_clusters(service)
        service.store.close()
        _log.info("The local Cloud SQL has stopped.")


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
    except OSError:
        listener.close()
        holder = holder_of(port, _LOOPBACK) or holder_of(port) or "another process"
        raise PortInUseError(port, holder) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
