"""The catalogue and the units against a real PostgreSQL 15, which is asked and not started."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.flags import FlagType, catalogue, compile_flag
from infra.flags.units import NotANumberError, parse_float, parse_integer
from ops.programs import Programs, ProgramsMissingError, find

PG_INTEGER_TYPES = {
    "INTEGER": FlagType.INTEGER,
    "REAL": FlagType.FLOAT,
    "BOOLEAN": FlagType.BOOLEAN,
}
# Where Cloud SQL says otherwise than PostgreSQL.
NARROWER = {
    "max_connections",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "min_wal_size",
    "temp_file_limit",
    "track_activity_query_size",
}
OTHER_TYPE = {"autovacuum_vacuum_cost_delay"}  # fractions in PostgreSQL, whole numbers in Cloud SQL


@pytest.fixture(scope="module")
def programs() -> Programs:
    try:
        return find(15)
    except ProgramsMissingError as error:
        pytest.skip(str(error))


def _run(programs: Programs, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run postgres, which refuses to be root."""
    return subprocess.run(
        [programs.path("postgres"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user="nobody" if os.geteuid() == 0 else None,
    )


@pytest.fixture(scope="module")
def described(programs: Programs) -> Mapping[str, list[str]]:
    text = _run(programs, "--describe-config").stdout
    return {row.split("\t")[0]: row.split("\t") for row in text.splitlines()}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder that looks enough like a cluster for ``postgres -C``."""
    # /tmp, since the unprivileged user of a root's run has to enter it
    with TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        data = Path(name) / "data"
        data.mkdir(mode=0o700)
        (data / "postgresql.conf").touch()
        if os.geteuid() == 0:
            shutil.chown(data, user="nobody")
        yield data


def test_every_flag_is_a_setting_of_its_type_range_and_restart(
    described: Mapping[str, list[str]],
) -> None:
    for flag in catalogue().values():
        if "." in flag.name:
            continue  # an extension's, or Cloud SQL's own
        _, context, _, kind, _, low, high, *_ = described[flag.name]
        assert flag.restart == (context == "postmaster"), flag.name
        if kind == "ENUM":
            assert flag.type is FlagType.ENUM, flag.name
            continue
        if flag.name not in OTHER_TYPE:
            assert flag.type is PG_INTEGER_TYPES[kind], flag.name
        if kind == "BOOLEAN":
            continue
        assert flag.minimum is not None
        assert flag.maximum is not None
        if flag.name in NARROWER:
            assert float(low) <= flag.minimum, flag.name
            assert flag.maximum <= float(high), flag.name
        else:
            assert (flag.minimum, flag.maximum) == (float(low), float(high)), flag.name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shared_buffers", "2.5GB"),
        ("shared_buffers", "300.7MB"),
        ("shared_buffers", "1000001 kB"),
        ("work_mem", "64.5kB"),
        ("work_mem", "0x1000"),
        ("work_mem", "010000"),
        ("work_mem", "1e4"),
        ("work_mem", "70000B"),
        ("maintenance_work_mem", ".5GB"),
        ("autovacuum_naptime", "1.1min"),
        ("autovacuum_naptime", "1500ms"),
        ("autovacuum_naptime", "2500ms"),
        ("checkpoint_timeout", "0.3h"),
        ("log_min_duration_statement", "1.0005s"),
        ("log_min_duration_statement", "0.7 d"),
        ("log_min_duration_statement", "-1"),
        ("deadlock_timeout", "1499us"),
        ("max_wal_size", "1.5GB"),
        ("min_wal_size", "100.3MB"),
        ("track_activity_query_size", "1.1kB"),
        ("temp_file_limit", "1.1TB"),
        ("log_temp_files", "512B"),
        ("log_temp_files", "1536B"),
    ],
)
def test_integers_are_read_as_postgresql_reads_them(
    programs: Programs, folder: Path, name: str, words: str
) -> None:
    told = _run(programs, "-D", str(folder), "-C", name, "-c", f"{name}={words}")
    assert told.returncode == 0, told.stderr
    assert parse_integer(words, catalogue()[name].unit) == int(told.stdout)


@pytest.mark.parametrize("words", ["1.1", "4", "1e-3", "0x10", ".25"])
def test_floats_are_read_as_postgresql_reads_them(
    programs: Programs, folder: Path, words: str
) -> None:
    told = _run(
        programs, "-D", str(folder), "-C", "random_page_cost", "-c", f"random_page_cost={words}"
    )
    assert parse_float(words) == float(told.stdout)


@pytest.mark.parametrize("words", ["8mb", "3TB", "lots", "1 2", "1e", "inf"])
def test_what_we_refuse_postgresql_refuses(programs: Programs, folder: Path, words: str) -> None:
    told = _run(programs, "-D", str(folder), "-C", "work_mem", "-c", f"work_mem={words}")
    assert told.returncode != 0
    with pytest.raises(NotANumberError):
        parse_integer(words, "kB")


def test_postgresql_takes_every_default_and_every_choice(programs: Programs, folder: Path) -> None:
    arguments: list[str] = []
    for flag in catalogue().values():
        value = flag.default or (flag.choices[0] if flag.choices else "")
        if value:
            arguments += ["-c", f"{flag.name}={compile_flag(flag.name, value).value}"]
    told = _run(programs, "-D", str(folder), "-C", "work_mem", *arguments)
    assert told.returncode == 0, told.stderr
    for flag in catalogue().values():
        for choice in flag.choices if "." not in flag.name else ():
            told = _run(programs, "-D", str(folder), "-C", flag.name, "-c", f"{flag.name}={choice}")
            assert told.returncode == 0, (flag.name, told.stderr)
