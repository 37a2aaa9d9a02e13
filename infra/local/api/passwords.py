"""The password policy of an instance, for its built-in users."""

from collections.abc import Iterator
from typing import Any

from infra.local.api.errors import invalid
from infra.local.model import Body

# What a complex password has at least one of each.
_KINDS = (
    ("a lower-case letter", str.islower),
    ("an upper-case letter", str.isupper),
    ("a digit", str.isdigit),
    ("a character that is neither letter nor digit", lambda character: not character.isalnum()),
)


def check(settings: Body, user: str, password: str | None) -> None:
    """Check a user's new password; the message tells what is missing, never the password.

    Args:
        settings: The instance's.
        user: The user's name.
        password: As it is to be; None for none, which nobody can log in with.

    Raises:
        ApiError: 400 naming what the policy wants.
    """
    policy = settings.get("passwordValidationPolicy") or {}
    if password is None or not policy.get("enablePasswordPolicy"):
        return
    wants = ", ".join(_missing(policy, user, password))
    if wants:
        raise invalid(f"the password of {user} does not meet the password policy: {wants}.")


def _missing(policy: Any, user: str, password: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    least = int(policy.get("minLength") or 0)
    if len(password) < least:
        yield f"it needs at least {least} characters"
    if policy.get("complexity") == "COMPLEXITY_DEFAULT":
        for what, test in _KINDS:
            if not any(test(character) for character in password):
                yield f"it needs {what}"
    if policy.get("disallowUsernameSubstring") and user.lower() in password.lower():
        yield "it must not contain the user's name"
