"""Encryption on the wire, who may connect without a connector, and what passwords must be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from infra.settings.keys import Keys, Rule, key, keys

if TYPE_CHECKING:
    from infra.settings.declared import Declared

CUSTOMER_CA = "CUSTOMER_MANAGED_CAS_CA"


class ProtectionKeys(Keys):
    """Keys of encryption, connectors and passwords."""

    ssl_mode: Literal[
        "ENCRYPTED_ONLY",
        "TRUSTED_CLIENT_CERTIFICATE_REQUIRED",
        "ALLOW_UNENCRYPTED_AND_ENCRYPTED",
    ] = Field("ENCRYPTED_ONLY", description="Which connections are taken, as the API names it.")
    server_ca_mode: Literal[
        "GOOGLE_MANAGED_INTERNAL_CA", "GOOGLE_MANAGED_CAS_CA", "CUSTOMER_MANAGED_CAS_CA"
    ] = Field("GOOGLE_MANAGED_INTERNAL_CA", description="Who signs the server's certificate.")
    server_ca_pool: str = Field(
        "", description="Pool of Certificate Authority Service, with CUSTOMER_MANAGED_CAS_CA alone."
    )
    connector_enforcement: bool = Field(
        default=False,
        description="Whether only the connectors and the Auth Proxy may connect.",
    )
    password_min_length: int = Field(
        12, ge=0, le=128, description="Least characters of a password; 0 for no password policy."
    )
    password_complexity: bool = Field(
        default=True,
        description="Whether passwords need lower and upper case, a digit and another character.",
    )
    password_without_user_name: bool = Field(
        default=True, description="Whether a password may not contain its user's name."
    )


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What Cloud SQL asks of passwords.

    Attributes:
        min_length: Least number of characters.
        complexity: Whether four kinds of characters are asked for.
        without_user_name: Whether the user's name may not be in it.
    """

    min_length: int
    complexity: bool
    without_user_name: bool


@dataclass(frozen=True, slots=True)
class Protection:
    """Encryption on the wire, connectors, passwords.

    Attributes:
        ssl_mode: As the API names it.
        server_ca_mode: As the API names it.
        server_ca_pool: The customer's own pool; None without one.
        connector_enforcement: Whether only connectors may connect.
        password_policy: None for none.
    """

    ssl_mode: str
    server_ca_mode: str
    server_ca_pool: str | None
    connector_enforcement: bool
    password_policy: PasswordPolicy | None


def protection(d: "Declared") -> Protection:
    """Return the settings of encryption, connectors and passwords."""
    policy = PasswordPolicy(
        d.password_min_length, d.password_complexity, d.password_without_user_name
    )
    return Protection(
        ssl_mode=d.ssl_mode,
        server_ca_mode=d.server_ca_mode,
        server_ca_pool=d.server_ca_pool or None,
        connector_enforcement=d.connector_enforcement,
        password_policy=policy if d.password_min_length else None,
    )


def _ca_pool(d: "Declared") -> Iterator[str]:
    if bool(d.server_ca_pool) != (d.server_ca_mode == CUSTOMER_CA):
        yield (
            f"{key('server_ca_pool')}: a pool goes with serverCaMode {CUSTOMER_CA}, and with no"
            f" other; this stack's is {d.server_ca_mode}."
        )


RULES: tuple[Rule, ...] = ((keys("server_ca_mode", "server_ca_pool"), _ca_pool),)
