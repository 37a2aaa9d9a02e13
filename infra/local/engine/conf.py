"""The configuration files of a cluster."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.engine.account import Account

_WRITING = threading.Lock()
ADMIN = "cloudsqladmin"
# Whoever is in one of these logs in with a token instead of a password.
IAM_USERS = "cloudsqliamuser"
IAM_SERVICE_ACCOUNTS = "cloudsqliamserviceaccount"
CLIENT_CERTIFICATES = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
# Cloud SQL ships WAL every five minutes or sooner; a minute keeps a rehearsal short.
ARCHIVE_TIMEOUT_S = 60
# Flags of Cloud SQL's own that load a module.
_MODULE_FLAGS = {
    "cloudsql.enable_pgaudit": "pgaudit",
    "cloudsql.enable_pg_cron": "pg_cron",
    "cloudsql.enable_auto_explain": "auto_explain",
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a cluster that starts from a base backup recovers, and how far.

    Attributes:
        archive: Where it reads WAL; None for the base backup's own alone.
        target_time: Up to this time, in ISO 8601 with its zone; None for no such target.
        target_lsn: Up to and with this place in the WAL; None for no such target.
    """

    archive: Path | None
    target_time: str | None = None
    target_lsn: str | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """What a standby or a replica streams from.

    Attributes:
        socket: Folder of the primary's socket.
        name: What the standby calls itself there.
        archive: The primary's WAL archive; None where it has none.
        hot: Whether clients may read from the standby.
        paused: Whether nothing is streamed for the time being.
    """

    socket: Path
    name: str
    archive: Path | None
    hot: bool
    paused: bool = False


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """What the server decides about a cluster.

    Attributes:
        name: The instance's name, shown in process titles.
        address: The loopback address to listen on.
        port: PostgreSQL's port.
        socket: Folder of the socket.
        archive: WAL archive; None when point-in-time recovery is off.
        flags: Database flags as the API takes them: name and value in base units.
        synchronous: File that says whether commits wait for a standby; None without one.
        upstream: What it streams from; None for a primary.
        tls: Folder of its certificates; None for a cluster that speaks no TLS.
        ssl_mode: Cloud SQL's, as ``ENCRYPTED_ONLY``.
        connectors_only: Whether nobody is let in but through the connectors' door.
    """

    name: str
    address: str
    port: int
    socket: Path
    archive: Path | None
    flags: tuple[tuple[str, str], ...] = ()
    synchronous: Path | None = None
    upstream: Upstream | None = None
    tls: Path | None = None
    ssl_mode: str = "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
    connectors_only: bool = False


def server_pem(tls: Path) -> Path:
    """Return where the server's certificate and key lie."""
    return tls / "server.pem"


def trusted_pem(tls: Path) -> Path:
    """Return where the authority of the clients' certificates lies."""
    return tls / "trusted.pem"


def revoked_pem(tls: Path) -> Path:
    """Return where the list of revoked clients' certificates lies."""
    return tls / "revoked.pem"


def preload_libraries(flags: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return the modules that a cluster with these flags loads at its start."""
    chosen = dict(flags)
    modules = (module for flag, module in _MODULE_FLAGS.items() if chosen.get(flag) == "on")
    return ("pg_stat_statements", *modules)


def render(
    settings: ClusterSettings, recovery: Recovery | None = None, *, prepared_transactions: int = 0
) -> str:
    """Return a cluster's postgresql.conf.

    Args:
        settings: What the server decides about it.
        recovery: What it recovers at its next start; None for none.
        prepared_transactions: How many the source of a recovery could hold.
    """
    lines = dict(_fixed(settings))
    lines |= dict(settings.flags)
    if settings.upstream is not None:
        lines |= dict(_standby(settings, settings.upstream))
    if recovery is not None:
        own = int(lines.get("max_prepared_transactions", "0"))
        lines["max_prepared_transactions"] = str(max(prepared_transactions, own))
        lines |= dict(_recovery(recovery))
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in lines.items())


def _fixed(settings: ClusterSettings) -> Iterator[tuple[str, str]]:
    yield "cluster_name", settings.name[:63]
    yield "listen_addresses", settings.address
    yield "port", str(settings.port)
    yield "unix_socket_directories", str(settings.socket)
    yield "password_encryption", "scram-sha-256"
    yield "wal_level", "logical" if _logical(settings.flags) else "replica"
    yield "archive_mode", "off" if settings.archive is None else "on"
    if settings.archive is not None:
        yield "archive_library", "basic_archive"
        yield "basic_archive.archive_directory", str(settings.archive)
        yield "archive_timeout", str(ARCHIVE_TIMEOUT_S)
    if settings.archive is not None or settings.synchronous is not None:
        # A clean stop's checkpoint would else recycle what the standbys were not yet sent.
        yield "wal_keep_size", "64MB" if settings.synchronous is None else "256MB"
    if settings.tls is not None:
        yield from _tls(settings.tls)
    yield "shared_preload_libraries", ", ".join(preload_libraries(settings.flags))
    # One call instead of an fsync for each of a thousand files, after a crash or a restore.
    yield "recovery_init_sync_method", "syncfs"
    yield "TimeZone", "UTC"
    yield "log_timezone", "UTC"
    yield "log_line_prefix", "%m [%p] %q%u@%d "
    yield "lc_messages", "C"
    if settings.synchronous is not None:
        # In a file of its own: whether a standby is there changes without any operation.
        yield "include_if_exists", str(settings.synchronous)


def _standby(settings: ClusterSettings, upstream: Upstream) -> Iterator[tuple[str, str]]:
    where = f"host={upstream.socket} port={settings.port} user={ADMIN}"
    yield "primary_conninfo", "" if upstream.paused else f"{where} application_name={upstream.name}"
    yield "recovery_target_timeline", "latest"
    # The primary is back within this time after its restart, not after the usual 5 s.
    yield "wal_retrieve_retry_interval", "200ms"
    if upstream.archive is not None and not upstream.paused:
        yield "restore_command", _fetch(upstream.archive)
    if upstream.hot:
        return
    # Nobody asks it anything before it is promoted; so it needs none of the primary's limits
    # but the prepared transactions.
    yield "listen_addresses", ""
    yield "hot_standby", "off"
    if settings.archive is not None:
        # What the primary completed but had not archived yet when it died.
        yield "archive_mode", "always"


def _tls(folder: Path) -> Iterator[tuple[str, str]]:
    yield "ssl", "on"
    yield "ssl_min_protocol_version", "TLSv1.2"
    yield "ssl_cert_file", str(server_pem(folder))
    yield "ssl_key_file", str(server_pem(folder))
    yield "ssl_ca_file", str(trusted_pem(folder))
    yield "ssl_crl_file", str(revoked_pem(folder))


def _recovery(recovery: Recovery) -> Iterator[tuple[str, str]]:
    yield "listen_addresses", ""
    yield "hot_standby", "off"
    yield "recovery_target_timeline", "latest"
    yield "recovery_target_action", "promote"
    if recovery.archive is None:
        # Nothing to fetch, but PostgreSQL wants a command: the end of the backup is the end.
        yield "restore_command", "false"
    else:
        yield "restore_command", _fetch(recovery.archive)
    if recovery.target_time is not None:
        yield "recovery_target_time", recovery.target_time
    if recovery.target_lsn is not None:
        yield "recovery_target_lsn", recovery.target_lsn


def _fetch(archive: Path) -> str:
    return f'cp "{str(archive).replace("%", "%%")}/%f" "%p"'


def _logical(flags: tuple[tuple[str, str], ...]) -> bool:
    return dict(flags).get("cloudsql.logical_decoding") == "on"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", " ") + "'"


def host_based_authentication(settings: ClusterSettings) -> str:
    """Return pg_hba.conf: the server's own user through the socket, all others by password.

    IAM users have no password. The socket, whose folder is closed to others, lets them in;
    the connectors' door uses it, and holds those back who have no token to show.
    """
    iam = "trust" if dict(settings.flags).get("cloudsql.iam_authentication") == "on" else "reject"
    return f"""\
# TYPE  DATABASE     USER            ADDRESS       METHOD
local   all          {ADMIN}                       peer map=server
local   replication  {ADMIN}                       peer map=server
local   all          +{IAM_USERS},+{IAM_SERVICE_ACCOUNTS} {iam}
local   all          all                           scram-sha-256
host    all          {ADMIN}         all           reject
host    all          +{IAM_USERS},+{IAM_SERVICE_ACCOUNTS} all reject
{_direct(settings)}
"""


def _direct(settings: ClusterSettings) -> str:
    """Return the rule for those who come to PostgreSQL's own port."""
    if settings.connectors_only:
        return "host    all          all             127.0.0.0/8   reject"
    kind = "host   " if settings.ssl_mode == "ALLOW_UNENCRYPTED_AND_ENCRYPTED" else "hostssl"
    certified = " clientcert=verify-ca" if settings.ssl_mode == CLIENT_CERTIFICATES else ""
    return f"{kind} all          all             127.0.0.0/8   scram-sha-256{certified}"


def identity_map(accounts: tuple[Account, ...]) -> str:
    """Return pg_ident.conf: the operating system users who may be the administrator."""
    names = dict.fromkeys(account.name for account in accounts)
    return "".join(f"server {json.dumps(name)} {ADMIN}\n" for name in names)


def write(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a configuration file in one step, keeping its folder's owner.

    Args:
        path: The file.
        text: Its whole content.
        durable: Whether it has to outlive a power failure: what is made anew needs not.
    """
    with suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") == text:
            return  # a failover waits for each fsync
    with _WRITING:  # the guard writes whatever else is going on
        _replace(path, text, durable=durable)


def _replace(path: Path, text: str, *, durable: bool) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with fresh.open("x", encoding="utf-8") as file:
        owner = path.parent.stat()
        os.fchmod(file.fileno(), 0o600)
        if owner.st_uid != os.geteuid():
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(text)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    fresh.replace(path)
