"""The server CAs of an instance: shown, added, rotated to; and their reset."""

from collections.abc import Callable
from datetime import datetime

from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.api.resources import moment
from infra.local.engine import keyring
from infra.local.engine.certificates import Pair, describe, distinguished_name
from infra.local.engine.keyring import Keyring, KeyringUnreadableError, NoSuchAuthorityError
from infra.local.model import Body, Instance, InstanceState, OperationType
from infra.local.service import Service
from infra.local.work import new_operation


def resource(owner: Instance, pair: Pair, common_name: str) -> Body:
    """Return a certificate's resource; its key is never part of it."""
    certificate = describe(pair.cert)
    return {
        "kind": "sql#sslCert",
        "certSerialNumber": str(certificate.serial),
        "cert": pair.cert.strip(),
        "createTime": moment(datetime.fromisoformat(pair.created)),
        "commonName": common_name,
        "expirationTime": moment(certificate.expires),
        "sha1Fingerprint": certificate.fingerprint,
        "instance": owner.name,
    }


def server_ca(owner: Instance, pair: Pair) -> Body:
    """Return a server CA's resource."""
    return resource(owner, pair, distinguished_name(pair.cert))


def of_instance(service: Service, owner: Instance) -> Body:
    """Return what an instance's resource tells of its certificates."""
    try:
        ring = service.ring(owner).read()
    except KeyringUnreadableError:
        return {}  # it is being made, or its next start tells
    return {"serverCaCert": server_ca(owner, ring.active.authority)}


def settled(call: Call) -> Instance:
    """Return the instance in the path, if it has its certificates.

    Raises:
        ApiError: 404 instanceDoesNotExist, 409 invalidState while it is made or deleted.
    """
    owner = call.instance()
    if owner.state in (InstanceState.PENDING_CREATE, InstanceState.PENDING_DELETE):
        raise wrong_state()
    return owner


def wrong_state() -> ApiError:
    """Return the error of an instance that can't be connected to now."""
    return ApiError(
        409,
        "invalidState",
        "The instance or operation is not in an appropriate state to handle the request.",
    )


def server_cas(call: Call) -> Body:
    """Answer instances.listServerCas."""
    owner = settled(call)
    ring = call.service.ring(owner).read()
    return {
        "kind": "sql#instancesListServerCas",
        "certs": [server_ca(owner, version.authority) for version in ring.trusted],
        "activeVersion": describe(ring.active.authority.cert).fingerprint,
    }


def server_certificates(call: Call) -> Body:
    """Answer instances.ListServerCertificates: each CA has signed one."""
    owner = settled(call)
    ring = call.service.ring(owner).read()
    return {
        "kind": "sql#instancesListServerCertificates",
        "caCerts": [server_ca(owner, version.authority) for version in ring.trusted],
        "serverCerts": [server_ca(owner, version.server) for version in ring.trusted],
        "activeVersion": describe(ring.active.server.cert).fingerprint,
    }


def not_by_certificate(call: Call) -> Body:
    """Answer instances.addServerCertificate and RotateServerCertificate: not for this CA mode."""
    settled(call)
    raise invalid(
        "server certificates are rotated together with their CA in instances whose serverCaMode "
        "is GOOGLE_MANAGED_INTERNAL_CA: use addServerCa and rotateServerCa."
    )


def add_server_ca(call: Call) -> Body:
    """Answer instances.addServerCa: it is trusted, and used from the rotation on."""
    owner = call.ready()
    return change(call, owner, lambda ring: keyring.with_upcoming(ring, owner.certified_name))


def rotate(call: Call) -> Body:
    """Answer instances.rotateServerCa: to the upcoming CA, or to the named one."""
    owner = call.ready()
    context = call.body.get("rotateServerCaContext") or {}
    version = context.get("nextVersion") or None
    try:
        keyring.rotated(call.service.ring(owner).read(), version)
    except NoSuchAuthorityError as error:
        raise invalid(str(error)) from None
    return change(call, owner, lambda ring: keyring.rotated(ring, version))


def reset(call: Call) -> Body:
    """Answer instances.resetSslConfig: a new server CA, and no client certificate any more."""
    owner = call.ready()
    return change(call, owner, lambda ring: keyring.reset(ring, owner.certified_name))


def change(call: Call, owner: Instance, make: Callable[[Keyring], Keyring]) -> Body:
    """Give an instance other certificates, and let all who show or check them know.

    Raises:
        ApiError: 409 operationInProgress.
    """
    ring = call.service.ring(owner)

    def apply() -> None:
        ring.write(make(ring.read()))
        call.service.cluster(owner).reload()
        call.service.settle_doors()

    operation = new_operation(
        OperationType.UPDATE, call.project, owner.name, facts={"uid": owner.uid}
    )
    return call.answer(call.inline(operation, apply, refused="failed to change certificates"))
