"""Connectors, the Auth Proxy and psql with TLS, as shipped; IAM users; who is refused."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from aiohttp import ClientError
from google.cloud.sql.connector import Connector
from google.oauth2.credentials import Credentials

from tests.integration.local.connecting import (
    Login,
    address_of,
    connection_name,
    ephemeral,
    loop_on_a_thread,
    proxied,
    psql,
    startup,
    talk,
)
from tests.integration.local.server import PASSWORD, Json, LocalServer

PERSON = "ada@example.com"
ROBOT = "robot@demo.iam"
IAM_ON = [{"name": "cloudsql.iam_authentication", "value": "on"}]
NO_BACKUPS = {"enabled": False}


@pytest.fixture(scope="module", autouse=True)
def door(local: LocalServer) -> Iterator[str]:
    """An instance with two IAM users."""
    local.create("door", databaseFlags=IAM_ON, backupConfiguration=NO_BACKUPS)
    robot = "Robot@demo.iam.gserviceaccount.com"
    for name, kind in ((PERSON, "CLOUD_IAM_USER"), (robot, "CLOUD_IAM_SERVICE_ACCOUNT")):
        local.do("POST", "/instances/door/users", {"name": name, "type": kind})
    yield "door"
    local.delete("door")


@contextlib.contextmanager
def connector(
    local: LocalServer, *, iam: bool = False, strategy: str = "LAZY"
) -> Iterator[Connector]:
    token = Login("any") if iam else Credentials("any")  # type: ignore[no-untyped-call]  # as shipped

    async def make() -> Connector:
        return Connector(
            loop=loop,  # one that is closed in the end, as the connector's own is not
            sqladmin_api_endpoint=local.url,
            credentials=token,
            refresh_strategy=strategy,
            enable_iam_auth=iam,
        )

    with loop_on_a_thread() as loop:
        found = asyncio.run_coroutine_threadsafe(make(), loop).result()
        with found:
            yield found


def ask(connection: Json, question: str) -> Json:
    with contextlib.closing(connection):
        cursor = connection.cursor()
        cursor.execute(question)
        return cursor.fetchone()[0]


@pytest.mark.parametrize("strategy", ["LAZY", "BACKGROUND"])
@pytest.mark.parametrize("driver", ["psycopg", "pg8000"])
def test_the_python_connector_connects(local: LocalServer, driver: str, strategy: str) -> None:
    with connector(local, strategy=strategy) as cloud:
        connection = cloud.connect(
            connection_name("door"), driver, user="postgres", password=PASSWORD, db="postgres"
        )
        assert ask(connection, "SELECT session_user::text") == "postgres"


@pytest.mark.parametrize("driver", ["psycopg", "pg8000"])
@pytest.mark.parametrize("user", [PERSON, ROBOT])
def test_an_iam_user_logs_in_without_a_password(local: LocalServer, driver: str, user: str) -> None:
    with connector(local, iam=True) as cloud:
        connection = cloud.connect(connection_name("door"), driver, user=user, db="postgres")
        assert ask(connection, "SELECT session_user::text") == user


@pytest.mark.timeout(700)  # an empty home has it built first, a minute or two of Go
def test_the_auth_proxy_connects(local: LocalServer) -> None:
    with proxied(local, "door") as port:
        # libpq asks for TLS within the tunnel first, and is told that there is none
        for sslmode in ("prefer", "disable"):
            done = psql(
                "SELECT session_user",
                host="127.0.0.1",
                port=str(port),
                user="postgres",
                dbname="postgres",
                sslmode=sslmode,
            )
            assert (done.stdout, done.stderr) == ("postgres\n", "")


def test_the_auth_proxy_logs_iam_users_in(local: LocalServer) -> None:
    # A bare token tells no expiry: the proxy has to ask for each connection anew.
    options = ("--auto-iam-authn", "--login-token=any", "--lazy-refresh")
    with proxied(local, "door", *options) as port:
        there = {"host": "127.0.0.1", "port": str(port), "dbname": "postgres"}
        done = psql("SELECT session_user", user=ROBOT, **there)
        assert (done.stdout, done.stderr) == (f"{ROBOT}\n", "")


def test_iam_users_are_listed_as_such(local: LocalServer) -> None:
    users = {one["name"]: one for one in local.get("/instances/door/users")["items"]}
    assert users[PERSON]["type"] == "CLOUD_IAM_USER"
    assert users[ROBOT]["type"] == "CLOUD_IAM_SERVICE_ACCOUNT"
    assert users[ROBOT]["iamEmail"] == f"{ROBOT}.gserviceaccount.com"
    assert users["postgres"]["type"] == "BUILT_IN"


@pytest.mark.parametrize(
    ("instance", "body", "message"),
    [
        ("door", {"name": PERSON, "password": "x"}, "password or hostname should not be"),
        ("door", {"name": "nobody"}, "is no IAM principal"),
        ("door", {"name": PERSON}, "already exists"),
        ("main", {"name": PERSON}, "IAM authentication is not enabled"),
    ],
)
def test_an_iam_user_that_can_not_be_made_is_refused(
    local: LocalServer, instance: str, body: Json, message: str
) -> None:
    body = {"type": "CLOUD_IAM_USER", **body}
    refused = local.ask("POST", f"/instances/{instance}/users", body)
    assert (refused.status, refused.reason) == (400, "invalid")
    assert message in refused.body["error"]["message"]


def test_a_password_is_asked_for_without_a_token_and_of_built_in_users(local: LocalServer) -> None:
    name = connection_name("door")
    with (
        connector(local, iam=True) as cloud,
        pytest.raises(psycopg.OperationalError, match="no pas"),
    ):
        cloud.connect(name, "psycopg", user="postgres", db="postgres")
    with connector(local) as cloud, pytest.raises(psycopg.OperationalError, match="IAM user auth"):
        cloud.connect(name, "psycopg", user=PERSON, db="postgres")
    address = address_of(local, "door")
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        psycopg.connect(host=address, user=PERSON, password="token", dbname="postgres")


def test_what_is_said_before_the_password_is_not_heard(local: LocalServer, tmp_path: Path) -> None:
    """A client sends a statement together with its startup packet, with a token and without."""
    statement = b"SELECT pg_notify('heard', 'x')\0"
    said = startup(PERSON) + b"Q" + (len(statement) + 4).to_bytes(4, "big") + statement
    with local.connect("door") as listening:
        listening.execute("LISTEN heard")
        refused = talk(local, ephemeral(local, "door"), said, tmp_path)
        answered = talk(local, ephemeral(local, "door", access_token="any"), said, tmp_path)
        heard = list(listening.notifies(timeout=5, stop_after=1))
        assert list(listening.notifies(timeout=0.1)) == []
    assert len(heard) == 1
    assert b"28000" in refused
    assert b"pg_notify" in answered  # the name of its column


def test_nobody_comes_as_the_administrator(local: LocalServer, tmp_path: Path) -> None:
    shown = ephemeral(local, "door", access_token="any")
    for more in ({}, {"replication": "true"}):
        assert b"28000" in talk(local, shown, startup("cloudsqladmin", **more), tmp_path)


def test_who_has_no_certificate_of_this_instance_is_refused(
    local: LocalServer, tmp_path: Path
) -> None:
    said = startup("postgres")
    assert talk(local, ephemeral(local, "door"), said, tmp_path).startswith(b"R")

    for foreign in (None, ephemeral(local, "main")):
        with pytest.raises(ssl.SSLError, match="ALERT"):
            talk(local, foreign, said, tmp_path)


def test_a_short_certificate_expires(local: LocalServer, tmp_path: Path) -> None:
    short = ephemeral(local, "door", validDuration="1.5s")
    assert talk(local, short, startup("postgres"), tmp_path).startswith(b"R")
    with pytest.raises(ssl.SSLError, match="EXPIRED"):
        talk_until_refused(local, short, tmp_path)


def talk_until_refused(local: LocalServer, shown: tuple[str, str], folder: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        talk(local, shown, startup("postgres"), folder)


def test_many_come_at_once_and_carry_much(local: LocalServer) -> None:
    size = 3_000_000

    def carry(cloud: Connector) -> tuple[int, int]:
        connection = cloud.connect(
            connection_name("door"), "psycopg", user="postgres", password=PASSWORD, db="postgres"
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT length(%s), repeat('x', %s)", ("y" * size, size))
            sent, received = cursor.fetchone()
            return sent, len(received)

    with connector(local) as cloud, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: carry(cloud), range(8))) == [(size, size)] * 8


def test_psql_verifies_the_server(local: LocalServer, tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours.pem", tmp_path / "foreign.pem"
    ours.write_text(local.get("/instances/door")["serverCaCert"]["cert"])
    foreign.write_text(local.get("/instances/main")["serverCaCert"]["cert"])
    there = {"host": address_of(local, "door"), "user": "postgres", "sslmode": "verify-ca"}
    question = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"

    assert psql(question, sslrootcert=ours, **there).stdout == "TLSv1.3\n"
    assert "certificate verify failed" in psql(question, sslrootcert=foreign, **there).stderr
    older = psql(question, sslrootcert=ours, ssl_max_protocol_version="TLSv1.1", **there)
    assert older.returncode != 0


def test_ssl_modes_and_client_certificates(local: LocalServer, tmp_path: Path) -> None:
    there = {"host": address_of(local, "door"), "user": "postgres", "dbname": "postgres"}

    def switch(**network: object) -> None:
        local.do("PATCH", "/instances/door", {"settings": {"ipConfiguration": network}})

    def login(sslmode: str, **more: Path) -> str:
        return psql("SELECT 'in'", sslmode=sslmode, **there, **more).stdout.strip()

    assert (login("disable"), login("require")) == ("in", "in")
    switch(sslMode="ENCRYPTED_ONLY")
    assert (login("disable"), login("require")) == ("", "in")
    switch(requireSsl=True, sslMode=None)
    network = local.get("/instances/door")["settings"]["ipConfiguration"]
    assert network["sslMode"] == "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    assert (login("disable"), login("require")) == ("", "")

    made = local.begin("POST", "/instances/door/sslCerts", {"commonName": "laptop"})
    client = made["clientCert"]
    cert, key = tmp_path / "client.pem", tmp_path / "client.key"
    cert.write_text(client["certInfo"]["cert"])
    key.touch(mode=0o600)
    key.write_text(client["certPrivateKey"])
    assert login("require", sslcert=cert, sslkey=key) == "in"
    listed = local.get("/instances/door/sslCerts")["items"]
    assert listed == [client["certInfo"]]
    assert client["certPrivateKey"] not in (local.data / "state.sqlite").read_text(errors="replace")

    fingerprint = client["certInfo"]["sha1Fingerprint"]
    local.do("DELETE", f"/instances/door/sslCerts/{fingerprint}")
    assert login("require", sslcert=cert, sslkey=key) == ""
    assert local.ask("GET", f"/instances/door/sslCerts/{fingerprint}").status == 404
    with connector(local) as cloud:  # which is in spite of all that
        connection = cloud.connect(
            connection_name("door"), "pg8000", user="postgres", password=PASSWORD, db="postgres"
        )
        assert ask(connection, "SELECT 1") == 1
    switch(requireSsl=False, sslMode=None)
    assert login("disable") == "in"


def test_enforced_connectors_are_the_only_way_in(local: LocalServer) -> None:
    def enforce(wanted: str) -> None:
        local.do("PATCH", "/instances/door", {"settings": {"connectorEnforcement": wanted}})

    enforce("REQUIRED")
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        local.connect("door").__enter__()
    with connector(local) as cloud:
        connection = cloud.connect(
            connection_name("door"), "psycopg", user="postgres", password=PASSWORD, db="postgres"
        )
        assert ask(connection, "SELECT 1") == 1
    enforce("NOT_REQUIRED")
    with local.connect("door") as direct:
        assert direct.execute("SELECT 1").fetchone() == (1,)


def test_a_door_closes_and_opens_with_its_instance(local: LocalServer) -> None:
    def policy(wanted: str) -> None:
        local.do("PATCH", "/instances/door", {"settings": {"activationPolicy": wanted}})

    policy("NEVER")
    assert not local.status("door")["connectors"]
    with socket.socket() as plain:
        assert plain.connect_ex((address_of(local, "door"), 3307)) != 0
    refused = local.ask("POST", "/instances/door:generateEphemeralCert", {"public_key": "x"})
    assert (refused.status, refused.reason) == (409, "invalidState")

    policy("ALWAYS")
    assert local.status("door")["connectors"]
    with connector(local) as cloud:
        connection = cloud.connect(
            connection_name("door"), "psycopg", user="postgres", password=PASSWORD, db="postgres"
        )
        assert ask(connection, "SELECT 1") == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "publicKey"),
        ({"public_key": "x"}, "public_key is not usable"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}, "usable"),
        ({"public_key": "x", "validDuration": "-3s"}, "validDuration"),
        ({"public_key": "x", "validDuration": "99999s"}, "validDuration"),
    ],
)
def test_a_certificate_that_can_not_be_made_is_refused(
    local: LocalServer, body: Json, message: str
) -> None:
    for version in ("/sql/v1beta4", "/v1beta4", "/sql/v1", "/v1"):
        path = f"{version}/projects/demo/instances/door:generateEphemeralCert"
        refused = local.ask("POST", path, body)
        assert refused.status == 400
        assert message in refused.body["error"]["message"]


def test_an_unknown_instance_is_told(local: LocalServer) -> None:
    for verb, path in (("GET", "/connectSettings"), ("POST", ":generateEphemeralCert")):
        refused = local.ask(verb, f"/instances/none{path}", {} if verb == "POST" else None)
        assert (refused.status, refused.reason) == (404, "instanceDoesNotExist")
    with connector(local) as cloud, pytest.raises(ClientError, match="does not exist"):
        cloud.connect("demo:asia-east1:none", "psycopg", user="x", db="x")
