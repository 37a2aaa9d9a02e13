"""Secrets that somebody typed into a stack file in clear."""

import re
from collections.abc import Iterator, Mapping

# What secrets are called, and what some of them look like: a private key's armour, a URL
# with a password in it, Google's API keys and access tokens.
CALLED = re.compile(
    r"(password|passwd|secret|credential|private_?key|access_?token)", re.IGNORECASE
)
LOOKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\w+://[^\s/:@]+:[^\s/@]+@|AIza[\w-]{35}|\bya29\.[\w-]+"
)
# Settings about secrets that are none themselves.
NONE_THEMSELVES = re.compile(r":password(MinLength|Complexity|WithoutUserName|Version)$")


def in_clear(values: Mapping[str, object], *, local: bool) -> Iterator[str]:
    """Yield a sentence for each secret in clear; the value is never in it.

    Args:
        values: A stack file's configuration by whole keys; what Pulumi encrypted is a
            mapping with ``secure``.
        local: Whether the stack is on the local Cloud SQL, which asks for a token and
            takes any.
    """
    for key, value in values.items():
        if local and key == "gcp:accessToken":
            continue
        named = CALLED.search(key) and not NONE_THEMSELVES.search(key)
        if (named and _texts(value)) or any(LOOKS.search(text) for text in _texts(value)):
            yield (
                f"{key}: a secret stands in the file in clear. Take it out, change it where it"
                f" is in use, and set it with `pulumi config set --secret {key}`, which asks."
            )


def _texts(value: object) -> list[str]:
    """Return the texts of a value, but not those that Pulumi encrypted."""
    if isinstance(value, Mapping):
        return [] if "secure" in value else [t for item in value.values() for t in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [] if value is None or isinstance(value, bool) or not str(value) else [str(value)]
