"""Server CAs rotated by gcloud as shipped; client certificates; the reset of both."""

import shutil
from pathlib import Path

import pytest

from tests.integration.local.connecting import address_of, psql
from tests.integration.local.gcloud import Gcloud
from tests.integration.local.server import LocalServer


class Trust:
    """Those who trust one server CA, kept in a file."""

    def __init__(self, local: LocalServer, folder: Path, cert: str) -> None:
        self._local = local
        self._file = folder / f"{len(list(folder.iterdir()))}.pem"
        self._file.write_text(cert + "\n")

    def connects(self) -> bool:
        there = {"host": address_of(self._local, "main"), "user": "postgres"}
        done = psql("SELECT 1", sslmode="verify-ca", sslrootcert=self._file, **there)
        return done.returncode == 0


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_gcloud_rotates_the_server_ca_and_rolls_back(local: LocalServer, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, local.url)
    certs = ("ssl", "server-ca-certs")
    [first] = gcloud(*certs, "list", "--instance=main")
    (tmp_path / "trust").mkdir()
    old = Trust(local, tmp_path / "trust", first["cert"])
    with local.connect("main") as session:
        second = gcloud(*certs, "create", "--instance=main")
        assert second["sha1Fingerprint"] != first["sha1Fingerprint"]
        new = Trust(local, tmp_path / "trust", second["cert"])
        assert (old.connects(), new.connects()) == (True, False)
        assert local.get("/instances/main")["serverCaCert"] == first

        gcloud(*certs, "rotate", "--instance=main")
        assert (old.connects(), new.connects()) == (False, True)
        settings = local.get("/instances/main/connectSettings")
        assert settings["serverCaCert"]["sha1Fingerprint"] == second["sha1Fingerprint"]
        assert len(gcloud(*certs, "list", "--instance=main")) == 2

        gcloud(*certs, "rollback", "--instance=main")
        assert (old.connects(), new.connects()) == (True, False)
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine")
def test_gcloud_makes_and_deletes_client_certificates(local: LocalServer, tmp_path: Path) -> None:
    gcloud = Gcloud(tmp_path, local.url)
    key = tmp_path / "client.key"
    made = gcloud("ssl", "client-certs", "create", "laptop", str(key), "--instance=main")
    assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert made["commonName"] == "laptop"
    assert local.get("/instances/main/sslCerts")["items"] == [made]
    gcloud("ssl", "client-certs", "delete", "laptop", "--instance=main")
    assert local.get("/instances/main/sslCerts")["items"] == []


def test_a_rotation_needs_something_to_rotate_to(local: LocalServer) -> None:
    unknown = {"rotateServerCaContext": {"nextVersion": "0" * 40}}
    refused = local.ask("POST", "/instances/main/rotateServerCa", unknown)
    assert refused.status == 400
    assert "no server CA 0000" in refused.body["error"]["message"]
    refused = local.ask("POST", "/instances/main/addServerCertificate")
    assert "addServerCa" in refused.body["error"]["message"]


def test_a_reset_makes_everything_new(local: LocalServer, tmp_path: Path) -> None:
    before = Trust(local, tmp_path, local.get("/instances/main")["serverCaCert"]["cert"])
    name = {"commonName": "lost"}
    local.begin("POST", "/instances/main/sslCerts", name)
    again = local.ask("POST", "/instances/main/sslCerts", name)
    assert again.status == 409

    local.do("POST", "/instances/main/resetSslConfig")

    after = Trust(local, tmp_path, local.get("/instances/main")["serverCaCert"]["cert"])
    assert (before.connects(), after.connects()) == (False, True)
    assert local.get("/instances/main/sslCerts")["items"] == []
    listed = local.get("/instances/main/listServerCas")
    assert [one["sha1Fingerprint"] for one in listed["certs"]] == [listed["activeVersion"]]
    shown = local.get("/instances/main/listServerCertificates")
    assert shown["serverCerts"][0]["commonName"].endswith("CN=demo:main")
