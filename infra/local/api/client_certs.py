"""sslCerts: the clients' certificates of an instance."""

import re

from infra.local.api import certificates
from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.api.resources import link
from infra.local.engine import keyring
from infra.local.engine.certificates import Pair, describe
from infra.local.engine.keyring import Keyring
from infra.local.model import Body, Instance

_NAME = re.compile(r"[A-Za-z0-9._ -]{1,64}")


def insert(call: Call) -> Body:
    """Answer sslCerts.insert: the only time that the client's key is told."""
    owner = call.ready()
    name = required(call.body, "commonName")
    if not _NAME.fullmatch(name):
        raise invalid(f"commonName {name:.80} may have letters, digits, spaces and . _ - in it.")
    pairs: list[Pair] = []

    def add(ring: Keyring) -> Keyring:
        if any(describe(client.cert).subject == name for client in ring.clients):
            raise ApiError(
                409, "sslCertAlreadyExists", f"The SSL certificate {name} already exists."
            )
        after, client = keyring.with_client(ring, name)
        pairs.append(client)
        return after

    operation = certificates.change(call, owner, add)
    ring = call.service.ring(owner).read()
    return {
        "kind": "sql#sslCertsInsert",
        "operation": operation,
        "serverCaCert": certificates.server_ca(owner, ring.active.authority),
        "clientCert": {
            "certInfo": _resource(call, owner, pairs[0]),
            "certPrivateKey": pairs[0].key.strip(),
        },
    }


def get(call: Call) -> Body:
    """Answer sslCerts.get."""
    owner = certificates.settled(call)
    return _resource(call, owner, _pair(call, owner))


def list_all(call: Call) -> Body:
    """Answer sslCerts.list."""
    owner = certificates.settled(call)
    clients = call.service.ring(owner).read().clients
    return {
        "kind": "sql#sslCertsList",
        "items": [_resource(call, owner, client) for client in clients],
    }


def delete(call: Call) -> Body:
    """Answer sslCerts.delete: PostgreSQL refuses the certificate from then on."""
    owner = call.ready()
    pair = _pair(call, owner)
    return certificates.change(call, owner, lambda ring: keyring.without_client(ring, pair))


def _pair(call: Call, owner: Instance) -> Pair:
    fingerprint = call.params["sha1Fingerprint"]
    for client in call.service.ring(owner).read().clients:
        if describe(client.cert).fingerprint == fingerprint:
            return client
    raise ApiError(404, "sslCertDoesNotExist", "The SSL certificate does not exist.")


def _resource(call: Call, owner: Instance, pair: Pair) -> Body:
    certificate = certificates.resource(owner, pair, describe(pair.cert).subject)
    path = ("projects", owner.project, "instances", owner.name, "sslCerts")
    return {**certificate, "selfLink": link(call.base, *path, certificate["sha1Fingerprint"])}
