"""The certificates of one instance: its authorities, and what PostgreSQL reads of them.

One file holds all of them and is replaced in one step; the files that PostgreSQL reads are
made from it. A server killed in between makes them again at its next start.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from infra.local.engine import certificates, conf
from infra.local.engine.certificates import Pair, describe
from infra.local.engine.process import Runner
from infra.local.errors import EngineError

_FILE = "keyring.json"
_END_OF_LIST = "-----END X509 CRL-----\n"
_PREVIOUS, _ACTIVE, _UPCOMING = range(3)


class KeyringUnreadableError(EngineError):
    """The file of an instance's certificates is damaged."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} can't be read. Put it back from a copy, or remove it and restart the local "
            "Cloud SQL: the instance then gets a new server CA."
        )


class NoSuchAuthorityError(EngineError):
    """There is no such server CA to rotate to."""

    def __init__(self, version: str | None) -> None:
        what = "upcoming server CA" if version is None else f"server CA {version:.40}"
        super().__init__(f"There is no {what} to rotate to. Add one first.")


@dataclass(frozen=True, slots=True)
class ServerVersion:
    """A server CA with the server's certificate that it signed."""

    authority: Pair
    server: Pair


@dataclass(frozen=True, slots=True)
class Keyring:
    """All certificates of an instance.

    Attributes:
        versions: The server CAs: the previous, the active and the upcoming one; None where
            there is none.
        client_authority: Signs the clients' certificates.
        ephemeral_authority: Signs what connectors ask for.
        clients: The clients' certificates.
        revoked: Serial numbers of those that were deleted, in decimal.
    """

    versions: tuple[ServerVersion | None, ServerVersion | None, ServerVersion | None]
    client_authority: Pair
    ephemeral_authority: Pair
    clients: tuple[Pair, ...] = ()
    revoked: tuple[str, ...] = ()

    @property
    def active(self) -> ServerVersion:
        """The server CA in use."""
        authority = self.versions[_ACTIVE]
        assert authority is not None, "made with one"  # noqa: S101 - for the type checker
        return authority

    @property
    def trusted(self) -> tuple[ServerVersion, ...]:
        """Every server CA, the previous one first."""
        return tuple(version for version in self.versions if version is not None)


@dataclass(frozen=True, slots=True)
class Ring:
    """Where an instance's certificates lie.

    Attributes:
        folder: A folder of their own, below the instance's.
        runner: Knows who runs PostgreSQL, which reads some of them.
    """

    folder: Path
    runner: Runner

    def read(self) -> Keyring:
        """Return the certificates.

        Raises:
            KeyringUnreadableError: If they are damaged or missing.
        """
        path = self.folder / _FILE
        try:
            return _parsed(json.loads(path.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeyringUnreadableError(path) from error

    def furnish(self, name: str) -> None:
        """Make the certificates if there are none, and the files that PostgreSQL reads.

        Args:
            name: The instance as connectors know it: ``project:instance``.
        """
        if (self.folder / _FILE).exists():
            self._render(self.read())
            return
        self.runner.make_folder(self.folder)
        self.write(fresh(name))

    def write(self, keyring: Keyring) -> None:
        """Replace the certificates; PostgreSQL has to be told to read them again."""
        conf.write(self.folder / _FILE, json.dumps(asdict(keyring), indent=1))
        self._render(keyring)

    def _render(self, keyring: Keyring) -> None:
        server = keyring.active.server
        # One file for both: they never belong to different versions.
        _put(conf.server_pem(self.folder), server.cert + server.key)
        _put(conf.trusted_pem(self.folder), keyring.client_authority.cert)
        revoked = conf.revoked_pem(self.folder)
        mark = f"{keyring.client_authority.created} {' '.join(keyring.revoked)}\n"
        if not _is_whole(revoked, mark):
            conf.write(revoked, mark + _revocations(keyring), durable=False)


def fresh(name: str) -> Keyring:
    """Return new certificates for an instance ``project:instance``."""
    return Keyring(
        versions=(None, _new_version(name), None),
        client_authority=certificates.new_authority("Google Cloud SQL Client CA"),
        ephemeral_authority=certificates.new_authority("Google Cloud SQL Signing CA"),
    )


def with_upcoming(keyring: Keyring, name: str) -> Keyring:
    """Return it with another server CA to rotate to; one that was never used is replaced."""
    previous, active, _ = keyring.versions
    return replace(keyring, versions=(previous, active, _new_version(name)))


def rotated(keyring: Keyring, fingerprint: str | None) -> Keyring:
    """Return it with another server CA in use: the upcoming one, or the named one.

    Raises:
        NoSuchAuthorityError: If there is none.
    """
    previous, active, upcoming = keyring.versions
    if fingerprint is None:
        target = upcoming
    else:
        matches = (
            version
            for version in keyring.trusted
            if describe(version.authority.cert).fingerprint == fingerprint
        )
        target = next(matches, None)
    if target is None:
        raise NoSuchAuthorityError(fingerprint)
    if target is active:
        return keyring
    if target is previous:  # a rollback: what was in use can be rotated to again
        return replace(keyring, versions=(None, target, active))
    return replace(keyring, versions=(active, target, None))


def reset(keyring: Keyring, name: str) -> Keyring:
    """Return it with a new server CA and no client certificate; those there were are void."""
    return replace(fresh(name), ephemeral_authority=keyring.ephemeral_authority)


def with_client(keyring: Keyring, name: str) -> tuple[Keyring, Pair]:
    """Return it with another client's certificate, and that one with its key."""
    pair = certificates.client_certificate(keyring.client_authority, name)
    without_key = replace(pair, key="")  # which nobody but the client has to have
    return replace(keyring, clients=(*keyring.clients, without_key)), pair


def without_client(keyring: Keyring, client: Pair) -> Keyring:
    """Return it without a client's certificate, which is void from then on."""
    return replace(
        keyring,
        clients=tuple(known_client for known_client in keyring.clients if known_client != client),
        revoked=(*keyring.revoked, str(describe(client.cert).serial)),
    )


def _new_version(name: str) -> ServerVersion:
    authority = certificates.new_authority("Google Cloud SQL Server CA")
    return ServerVersion(authority, certificates.server_certificate(authority, name))


def _revocations(keyring: Keyring) -> str:
    serials = [int(serial) for serial in keyring.revoked]
    return certificates.revocations(keyring.client_authority, serials)


def _put(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        conf.write(path, text, durable=False)


def _is_whole(revoked: Path, mark: str) -> bool:
    if not revoked.exists():
        return False
    text = revoked.read_text()
    return text.startswith(mark) and text.endswith(_END_OF_LIST)


def _parsed(raw: dict[str, Any]) -> Keyring:
    previous, active, upcoming = (_version(version) for version in raw["versions"])
    return Keyring(
        versions=(previous, active, upcoming),
        client_authority=Pair(**raw["client_authority"]),
        ephemeral_authority=Pair(**raw["ephemeral_authority"]),
        clients=tuple(Pair(**pair) for pair in raw["clients"]),
        revoked=tuple(raw["revoked"]),
    )


def _version(raw: dict[str, Any] | None) -> ServerVersion | None:
    return None if raw is None else ServerVersion(Pair(**raw["authority"]), Pair(**raw["server"]))
