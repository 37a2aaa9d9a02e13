"""What connectors ask: where an instance is, and a certificate for their own key."""

import re
from datetime import UTC, datetime, timedelta

from infra.local.api import certificates, resources
from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import invalid
from infra.local.engine.certificates import Pair, UnusableKeyError, ephemeral_certificate
from infra.local.model import Body, Instance, InstanceState

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_DEFAULT_DURATION = timedelta(hours=1)
# As long as a login of Google's lasts at most.
_LONGEST_DURATION = timedelta(hours=12)


def get(call: Call) -> Body:
    """Answer connect.get."""
    owner = certificates.settled(call)
    ring = call.service.ring(owner).read()
    network = owner.settings.get("ipConfiguration") or {}
    return {
        "kind": "sql#connectSettings",
        "serverCaCert": certificates.server_ca(owner, ring.active.authority),
        "ipAddresses": resources.addresses(owner),
        "region": owner.region,
        "databaseVersion": owner.version,
        "backendType": "SECOND_GEN",
        "serverCaMode": network.get("serverCaMode") or "GOOGLE_MANAGED_INTERNAL_CA",
        "connectionName": resources.connection_name(owner),
    }


def generate_ephemeral(call: Call) -> Body:
    """Answer connect.generateEphemeral."""
    return {"ephemeralCert": _ephemeral(call)}


def create_ephemeral(call: Call) -> Body:
    """Answer sslCerts.createEphemeral, as older connectors ask."""
    return _ephemeral(call)


def _ephemeral(call: Call) -> Body:
    owner = _reachable(call)
    valid_for = _duration(call.body.get("validDuration"))
    authority = call.service.ring(owner).read().ephemeral_authority
    try:
        cert = ephemeral_certificate(
            authority,
            required(call.body, "publicKey"),
            valid_for,
            login=bool(call.body.get("accessToken")),
        )
    except UnusableKeyError as error:
        raise invalid(f"public_key is not usable: {error}.") from None
    pair = Pair(cert, "", datetime.now(UTC).isoformat(timespec="milliseconds"))
    return certificates.resource(owner, pair, "Google Cloud SQL client")


def _reachable(call: Call) -> Instance:
    owner = certificates.settled(call)
    if owner.stopped or owner.state is not InstanceState.RUNNABLE:
        raise certificates.wrong_state()
    return owner


def _duration(text: object) -> timedelta:
    if text is None:
        return _DEFAULT_DURATION
    match = _DURATION.fullmatch(str(text))
    duration = timedelta(seconds=float(match[1])) if match else timedelta()
    if not timedelta(seconds=1) <= duration <= _LONGEST_DURATION:
        raise invalid(
            f"validDuration {text!s:.40} is not between 1s and "
            f"{int(_LONGEST_DURATION.total_seconds())}s."
        )
    return duration
