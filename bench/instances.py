"""Many instances: 20 made one after the other, 8 at once, their memory, and 50 listed.

Each beside its floor of the same run: initdb and start, bare, one after the other and as
many at once; the memory of bare clusters; reading one instance.

Run with the project's Python: .venv/bin/python -m bench.instances
"""

import contextlib
import http.client
import itertools
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.floor import Bare, bare
from bench.memory import pss_bytes
from bench.stand import stand
from bench.timing import Pair, report, seconds
from ops.cloudsql import CloudSql

PROJECT = "bench"
IN_TURN, AT_ONCE, LISTED = 20, 8, 50
READS = 9
_MIB = 1024**2
# Without backups: initdb and start are all that has to be done.
SETTINGS = {"tier": "db-custom-1-3840", "edition": "ENTERPRISE"}
_numbers = itertools.count()


def _create(api: CloudSql) -> None:
    body = {
        "name": f"bench-{next(_numbers)}",
        "region": "asia-east1",
        "databaseVersion": "POSTGRES_15",
        "settings": SETTINGS,
    }
    api.wait(api.insert(body))


def _floor(programs: Bare, made: list[Path]) -> None:
    number = next(_numbers)
    data = programs.folder / f"c{number}"
    programs.run("initdb", f"--pgdata={data}", "--data-checksums", "--auth=trust")
    programs.start(data, f"port={6000 + number}")  # names the socket alone
    made.append(data)


def _at_once(action: Callable[[], None], count: int) -> float:
    def all_of_them() -> None:
        with ThreadPoolExecutor(count) as pool:
            for one in [pool.submit(action) for _ in range(count)]:
                one.result()

    return seconds(all_of_them)


def _in_turn(api: CloudSql, programs: Bare, made: list[Path]) -> None:
    pairs = [
        (seconds(lambda: _create(api)), seconds(lambda: _floor(programs, made)))
        for _ in range(IN_TURN)
    ]
    timed = Pair(tuple(one for one, _ in pairs), tuple(floor for _, floor in pairs))
    report(f"one of {IN_TURN} instances in turn", "initdb + start", timed, goal=1.3)


def _together(api: CloudSql, programs: Bare, made: list[Path]) -> None:
    ours = _at_once(lambda: _create(api), AT_ONCE)
    floor = _at_once(lambda: _floor(programs, made), AT_ONCE)
    timed = Pair((ours,), (floor,))
    report(f"{AT_ONCE} instances at once", f"{AT_ONCE} x initdb + start", timed, goal=1.3)


def _memory(data: Path, api: CloudSql, made: list[Path]) -> None:
    ours = pss_bytes(data / "instances") / len(api.instances()) / _MIB
    floor = sum(map(pss_bytes, made)) / len(made) / _MIB
    print(f"memory an instance {ours:.1f} MiB PSS, a bare cluster {floor:.1f} MiB")


def _listing(api: CloudSql, url: str) -> None:
    missing = LISTED - len(api.instances())
    _at_once(lambda: _create(api), missing)
    every = f"/v1/projects/{PROJECT}/instances"
    one = f"{every}/{api.instances()[0].name}"
    timed = Pair(
        tuple(seconds(lambda: _get(url, every)) for _ in range(READS)),
        tuple(seconds(lambda: _get(url, one)) for _ in range(READS)),
    )
    listed, read = (statistics.median(times) * 1000 for times in (timed.subject_s, timed.floor_s))
    print(f"{LISTED} instances listed {listed:.1f} ms, one read {read:.1f} ms")


def _get(url: str, path: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": "Bearer any"})
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise OSError(answer.status, path)
        answer.read()


def main() -> None:
    """Print the figures beside their floors."""
    made: list[Path] = []
    with stand(5499) as stood:
        server, folder = stood.server, stood.folder
        api = CloudSql(PROJECT, server.url)
        with bare() as programs:
            try:
                _create(api)  # the first one finds programs and caches cold
                _floor(programs, made)
                _in_turn(api, programs, made)
                _together(api, programs, made)
                _memory(folder, api, made)
            finally:
                for data in made:
                    programs.stop(data)
        _listing(api, server.url)


if __name__ == "__main__":
    main()
