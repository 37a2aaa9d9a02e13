from dataclasses import replace
from pathlib import Path

from infra.local.engine import conf
from infra.local.engine.account import Account

SETTINGS = conf.ClusterSettings(
    name="main",
    address="127.1.2.3",
    port=5432,
    socket=Path("/run/s"),
    archive=Path("/data/it's/archive"),
    flags=(("work_mem", "8192"),),
)


def read(text: str) -> dict[str, str]:
    return dict(line.split(" = ", 1) for line in text.splitlines())


def test_flags_stand_beside_the_servers_own_settings_and_values_are_quoted() -> None:
    lines = read(conf.render(SETTINGS))

    assert lines["work_mem"] == "'8192'"
    assert lines["listen_addresses"] == "'127.1.2.3'"
    assert lines["basic_archive.archive_directory"] == "'/data/it''s/archive'"


def test_without_point_in_time_recovery_nothing_is_archived() -> None:
    lines = read(conf.render(replace(SETTINGS, archive=None)))

    assert lines["archive_mode"] == "'off'"
    assert "archive_library" not in lines


def test_cloud_sqls_own_flags_load_modules_and_raise_the_wal_level() -> None:
    flags = (("cloudsql.enable_auto_explain", "on"), ("cloudsql.logical_decoding", "on"))

    lines = read(conf.render(replace(SETTINGS, flags=flags)))

    assert lines["shared_preload_libraries"] == "'pg_stat_statements, auto_explain'"
    assert lines["wal_level"] == "'logical'"


def test_a_recovery_lets_nobody_in_and_has_room_for_the_sources_transactions() -> None:
    recovery = conf.Recovery(Path("/arch%ive"), target_time="2026-01-01T00:00:00+00:00")

    lines = read(conf.render(SETTINGS, recovery, prepared_transactions=7))

    assert lines["listen_addresses"] == "''"
    assert lines["max_prepared_transactions"] == "'7'"
    assert lines["restore_command"] == '\'cp "/arch%%ive/%f" "%p"\''
    assert lines["recovery_target_action"] == "'promote'"
    assert "recovery_target_lsn" not in lines


def test_the_administrator_is_let_in_through_the_socket_alone() -> None:
    rules = [line.split() for line in conf.host_based_authentication(SETTINGS).splitlines()[1:]]

    admin = [rule for rule in rules if "cloudsqladmin" in rule]
    assert {rule[0]: rule[-1] for rule in admin} == {"local": "map=server", "host": "reject"}
    mapped = conf.identity_map((Account("postgres", 1, 1), Account("root", 0, 0)))
    assert mapped.count("cloudsqladmin") == 2


def test_a_file_is_replaced_whole_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "postgresql.conf"
    path.write_text("old")

    conf.write(path, "new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
