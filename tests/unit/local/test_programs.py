import os
from pathlib import Path

import pytest

from ops import programs


def _server(
    folder: Path, version: str, *, without: str = "", contrib: tuple[str, ...] | None = None
) -> Path:
    bin_dir = folder / "bin"
    bin_dir.mkdir(parents=True)
    for name in ("initdb", "postgres", "pg_ctl", "pg_basebackup", "pg_verifybackup"):
        if name != without:
            program = bin_dir / name
            program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            program.chmod(0o755)
    (folder / "lib").mkdir()
    for module in ("basic_archive.so", "amcheck.so") if contrib is None else contrib:
        (folder / "lib" / module).touch()
    return bin_dir


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "DEBIAN_ROOT", tmp_path / "debian")
    monkeypatch.setattr(programs, "_WHEEL", "a_wheel_that_is_not_installed")


def test_pg_bin_comes_before_path(tmp_path: Path) -> None:
    chosen = _server(tmp_path / "chosen", "15.3")
    on_path = _server(tmp_path / "path", "15.9")

    found = programs.find(15, environ={"PG_BIN": str(chosen), "PATH": str(on_path)})

    assert found == programs.Programs(chosen.resolve(), 15, "15.3")
    assert found.path("initdb") == chosen.resolve() / "initdb"


def test_links_on_the_path_lead_to_the_whole_server(tmp_path: Path) -> None:
    real = _server(tmp_path / "real", "15.18 (Debian 15.18-0)")
    links = tmp_path / "links"
    links.mkdir()
    (links / "postgres").symlink_to(real / "postgres")

    assert programs.find(15, environ={"PATH": f"{os.pathsep}{links}"}).bin == real.resolve()


def test_debian_majors_are_found_without_a_path(tmp_path: Path) -> None:
    _server(tmp_path / "debian" / "15", "15.18")
    _server(tmp_path / "debian" / "9", "9.6.1")
    _server(tmp_path / "debian" / "17", "17.10")

    assert [server.version for server in programs.available({})] == ["17.10", "15.18", "9.6.1"]


@pytest.mark.parametrize(
    ("without", "contrib"),
    [("initdb", None), ("pg_basebackup", None), ("", ("amcheck.so",))],
)
def test_half_a_server_does_not_count(
    tmp_path: Path, without: str, contrib: tuple[str, ...] | None
) -> None:
    half = _server(tmp_path / "half", "15.18", without=without, contrib=contrib)

    assert programs.available({"PG_BIN": str(half)}) == ()


def test_a_server_that_does_not_start_does_not_count(tmp_path: Path) -> None:
    broken = _server(tmp_path / "broken", "15.18")
    (broken / "postgres").write_text("#!/bin/sh\nexit 1\n")

    assert programs.available({"PG_BIN": str(broken)}) == ()


def test_missing_major_is_named_with_its_remedy(tmp_path: Path) -> None:
    newer = _server(tmp_path / "newer", "17.10")

    with pytest.raises(programs.ProgramsMissingError) as missing:
        programs.find(15, environ={"PG_BIN": str(newer)})

    assert "PostgreSQL 15" in str(missing.value)
    assert "apt-get install postgresql-15" in str(missing.value)


def test_the_nearest_newer_major_stands_in(tmp_path: Path) -> None:
    for major in (13, 16, 17):
        _server(tmp_path / "debian" / str(major), f"{major}.1")

    assert programs.find(15, stand_in=True, environ={}).major == 16
    assert programs.find(18, stand_in=True, environ={}).major == 17


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    server = programs.find(15, environ={"PG_BIN": str(_server(tmp_path / "s", "15.18"))})

    with pytest.raises(programs.ProgramMissingError, match="pg_dump"):
        server.path("pg_dump")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_closed_folder_on_the_path_is_passed_over(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)

    assert programs.available({"PATH": str(closed)}) == ()
