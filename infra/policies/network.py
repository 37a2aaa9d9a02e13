"""Who reaches the instance, and how: addresses, networks, encryption, connectors."""

from collections.abc import Iterator
from ipaddress import ip_network

from infra.policies.limits import OPEN_PREFIX
from infra.policies.rule import Answer, Ids, Rule, Severity, either, fine
from infra.policies.subject import Subject

UNENCRYPTED = "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
CLIENT_CERTIFICATES = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
_IP = "settings.ipConfiguration"


def ssl_mode(s: Subject) -> str:
    """Return the encryption in force; without sslMode the older requireSsl decides."""
    mode = s.text(f"{_IP}.sslMode")
    return mode or (CLIENT_CERTIFICATES if s.on(f"{_IP}.requireSsl") else UNENCRYPTED)


def _encrypted(s: Subject) -> Answer:
    mode = ssl_mode(s)
    return either(mode in {"ENCRYPTED_ONLY", CLIENT_CERTIFICATES}, f"sslMode {mode}")


def _client_certificates(s: Subject) -> Answer:
    mode = ssl_mode(s)
    return either(mode == CLIENT_CERTIFICATES, f"sslMode {mode}")


def _open_networks(s: Subject) -> Iterator[str]:
    for entry in s.entries(f"{_IP}.authorizedNetworks"):
        value = str(entry.get("value", ""))
        if ip_network(value, strict=False).prefixlen < OPEN_PREFIX:
            yield value


def _closed(s: Subject) -> Answer:
    wide = tuple(_open_networks(s))
    if wide:
        return either(good=False, detail=f"authorized: {', '.join(wide)}")
    return fine(f"{len(s.entries(f'{_IP}.authorizedNetworks'))} authorized networks")


def _no_public_address(s: Subject) -> Answer:
    # the API gives a public address to an instance that does not say
    public = s.get(f"{_IP}.ipv4Enabled") is not False
    return either(not public, "a public address" if public else "no public address")


def _private_address(s: Subject) -> Answer:
    if s.on(f"{_IP}.pscConfig.pscEnabled"):
        return fine("Private Service Connect")
    private = s.has(f"{_IP}.privateNetwork")
    return either(private, "private services access" if private else "no private address")


def _connectors(s: Subject) -> Answer:
    enforced = s.text("settings.connectorEnforcement") or "NOT_REQUIRED"
    return either(enforced == "REQUIRED", f"connectorEnforcement {enforced}")


RULES = (
    Rule(
        id="tls-required",
        row=1,
        title="Connections are encrypted",
        severity=Severity.CRITICAL,
        ask=_encrypted,
        remedy="Set sslMode: ENCRYPTED_ONLY.",
        ids=Ids(
            cis=("6.4",),
            trivy=("GCP-0015",),
            kics=("02474449-71aa-40a1-87ae-e14497747b00",),
            prowler=("ssl_connections",),
            cloudsploit=("dbSSLEnabled",),
            google=("custom.cloudsqlRequireSSLConnection", "gcp_sql_ssl_v1"),
        ),
    ),
    Rule(
        id="client-certificates",
        row=1,
        title="Clients show a certificate",
        severity=Severity.LOW,
        ask=_client_certificates,
        remedy=f"Set sslMode: {CLIENT_CERTIFICATES}, or waive where connectors do it.",
        ids=Ids(checkov=("CKV_GCP_6",)),
    ),
    Rule(
        id="no-open-network",
        row=2,
        title=f"No authorized network is wider than /{OPEN_PREFIX}",
        severity=Severity.CRITICAL,
        ask=_closed,
        remedy=(
            "Remove it: `gcloud sql instances patch NAME --clear-authorized-networks`;"
            " the program authorizes none, and networkName is the way in."
        ),
        ids=Ids(
            cis=("6.5",),
            checkov=("CKV_GCP_11",),
            trivy=("GCP-0017",),
            kics=("b187edca-b81e-4fdc-aff4-aab57db45edb",),
            prowler=("public_access",),
            cloudsploit=("dbPubliclyAccessible",),
            google=(
                "custom.cloudsqlDisablePublicAuthorizedNetworks",
                "sql.restrictAuthorizedNetworks",
                "gcp_sql_world_readable_v1",
                "gcp_sql_allowed_authorized_networks_v1",
            ),
        ),
    ),
    Rule(
        id="no-public-address",
        row=3,
        title="The instance has no public address",
        severity=Severity.HIGH,
        ask=_no_public_address,
        remedy="Set networkName: a stack with a network declares no public address.",
        ids=Ids(
            cis=("6.7",),
            checkov=("CKV_GCP_60",),
            trivy=("GCP-0017",),
            prowler=("public_ip",),
            cloudsploit=("sqlNoPublicIps",),
            google=("sql.restrictPublicIp", "gcp_sql_public_ip_v1"),
        ),
    ),
    Rule(
        id="private-address",
        row=4,
        title="The instance has a private address",
        severity=Severity.MEDIUM,
        ask=_private_address,
        remedy="Set networkName, and networkMode: PSA or PSC.",
        ids=Ids(prowler=("private_ip_assignment",)),
    ),
    Rule(
        id="connectors-enforced",
        row=38,
        title="Only the connectors and the Auth Proxy may connect",
        severity=Severity.MEDIUM,
        ask=_connectors,
        remedy="Set connectorEnforcement: true.",
    ),
)
