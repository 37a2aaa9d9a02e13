"""X.509 certificates as Cloud SQL's: authorities, server, client and ephemeral certificates.

Everything is PEM outside this module. Keys are elliptic (P-256): made in half a
millisecond, where RSA would cost an instance's creation a tenth of a second each.
"""

import base64
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# As long as Cloud SQL's own.
TEN_YEARS = timedelta(days=3650)
_ORGANIZATION = "Google, Inc"
# Marks a certificate that was made with an access token: its bearer may be an IAM user.
_LOGIN = "IAM login"


class UnusableKeyError(ValueError):
    """A public key that no certificate can be made for."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key.

    Attributes:
        cert: PEM.
        key: PEM, PKCS #8; empty where only its bearer has it.
        created: When, in ISO 8601: the certificate itself knows whole seconds only.
    """

    cert: str
    key: str
    created: str


@dataclass(frozen=True, slots=True)
class Description:
    """What is told of a certificate.

    Attributes:
        serial: Its serial number.
        subject: Its subject's common name.
        fingerprint: SHA-1 of its DER form, in hexadecimal.
        expires: When.
    """

    serial: int
    subject: str
    fingerprint: str
    expires: datetime


def new_authority(name: str) -> Pair:
    """Return a new self-signed certificate authority; its name is made unique."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name, qualifier=str(uuid.uuid4()))
    builder = (
        _builder(subject, subject, key.public_key(), TEN_YEARS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(_key_id(key.public_key()), critical=False)
    )
    return Pair(_pem(builder.sign(key, hashes.SHA256())), _key_pem(key), _now())


def server_certificate(authority: Pair, name: str) -> Pair:
    """Return a server's certificate; connectors look for ``project:instance`` as its name."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH
    return Pair(_issue(authority, name, key.public_key(), TEN_YEARS, usage), _key_pem(key), _now())


def client_certificate(authority: Pair, name: str) -> Pair:
    """Return a client's certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    return Pair(_issue(authority, name, key.public_key(), TEN_YEARS, usage), _key_pem(key), _now())


def ephemeral_certificate(
    authority: Pair, public_key: str, valid_for: timedelta, *, login: bool
) -> str:
    """Return a short-lived certificate for somebody else's key.

    Args:
        authority: Signs it.
        public_key: PEM; labelled as PKCS #1 or not, since connectors label it wrongly.
        valid_for: From now on.
        login: Whether it was asked for with an access token.

    Raises:
        UnusableKeyError: If the key is none.
    """
    key = _public_key(public_key)
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    return _issue(authority, "Cloud SQL client", key, valid_for, usage, login=login)


def may_log_in(der: bytes) -> bool:
    """Return whether a certificate, in DER, was made with an access token."""
    units = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
        NameOID.ORGANIZATIONAL_UNIT_NAME
    )
    return any(unit.value == _LOGIN for unit in units)


def revocations(authority: Pair, serials: Sequence[int]) -> str:
    """Return an authority's list of revoked certificates, PEM."""
    now = datetime.now(UTC)
    issuer = x509.load_pem_x509_certificate(authority.cert.encode()).subject
    builder = x509.CertificateRevocationListBuilder(issuer).last_update(now)
    builder = builder.next_update(now + TEN_YEARS)
    for serial in serials:
        revocation = x509.RevokedCertificateBuilder(serial, now).build()
        builder = builder.add_revoked_certificate(revocation)
    signed = builder.sign(_load_key(authority), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@lru_cache(maxsize=1024)
def describe(cert: str) -> Description:
    """Return what is told of a certificate."""
    certificate = x509.load_pem_x509_certificate(cert.encode())
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Description(
        serial=certificate.serial_number,
        subject=str(names[0].value),
        fingerprint=hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        expires=certificate.not_valid_after_utc,
    )


@lru_cache(maxsize=1024)
def distinguished_name(cert: str) -> str:
    """Return a certificate's whole subject as Cloud SQL writes it, the country first."""
    subject = x509.load_pem_x509_certificate(cert.encode()).subject
    parts = (attribute.rfc4514_string() for attribute in subject)
    return ",".join(part.replace("2.5.4.46=", "dnQualifier=") for part in parts)


def _issue(
    authority: Pair,
    name: str,
    key: CertificateIssuerPublicKeyTypes,
    valid_for: timedelta,
    usage: x509.ObjectIdentifier,
    *,
    login: bool = False,
) -> str:
    issuer = x509.load_pem_x509_certificate(authority.cert.encode())
    signer = _load_key(authority)
    builder = (
        _builder(_name(name, unit=_LOGIN if login else None), issuer.subject, key, valid_for)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(_key_id(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return _pem(builder.sign(signer, hashes.SHA256()))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificateIssuerPublicKeyTypes,
    valid_for: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + valid_for)
    )


def _name(common: str, *, qualifier: str | None = None, unit: str | None = None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
        # X.520 allows 64 characters; a project's and an instance's name may have 98.
        x509.NameAttribute(NameOID.COMMON_NAME, common, _validate=False),
    ]
    if unit is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    if qualifier is not None:
        attributes.append(x509.NameAttribute(NameOID.DN_QUALIFIER, qualifier))
    return x509.Name(attributes)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _key_id(key: CertificateIssuerPublicKeyTypes) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key)


def _public_key(text: str) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    lines = [line.strip() for line in text.strip().splitlines()]
    if len(lines) < 3 or not lines[0].startswith("-----BEGIN"):  # noqa: PLR2004 - a body between two lines
        raise UnusableKeyError("it is not PEM")
    try:
        key = serialization.load_der_public_key(base64.b64decode("".join(lines[1:-1])))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnusableKeyError("it can't be read") from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UnusableKeyError("it is neither RSA nor elliptic")
    return key


def _load_key(pair: Pair) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UnusableKeyError("it is not elliptic")
    return key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
