"""Passwords that a change makes and nobody receives."""

from collections.abc import Iterator

from infra.desired import PASSWORD, Desired, DesiredResource
from infra.settings.keys import key

OF_A_ROLE = "-password"
# What a role's password is handed to, and the input that says when it is sent again.
HANDED_TO = {"-user": "passwordWoVersion", "-secret-version": "secretDataWoVersion"}


def not_received(before: Desired, after: Desired) -> Iterator[str]:
    """Yield a sentence for each password that is made anew and not handed over.

    Write-only inputs are sent with another version alone: with the same one the state holds
    a password that nobody uses.
    """
    old = {(resource.type, resource.name): resource for resource in before.resources}
    new = {resource.name: resource for resource in after.resources}
    for password in after.of_type(PASSWORD):
        was = old.get((password.type, password.name))
        if was is None or was.inputs == password.inputs:
            continue
        role = password.name.removesuffix(OF_A_ROLE)
        for suffix, version in HANDED_TO.items():
            receiver = new.get(f"{role}{suffix}")
            if receiver is not None and _keeps(old, receiver, version):
                yield (
                    f"{password.name}: another password is made, and {receiver.name} keeps the old"
                    f" one, since {version} stays {receiver.inputs.get(version)}. Raise"
                    f" {key('password_version')}, or add a recipe (infra/settings/access.py)."
                )


def _keeps(
    old: dict[tuple[str, str], DesiredResource], receiver: DesiredResource, version: str
) -> bool:
    """Tell whether nothing of what was handed over before is sent again."""
    was = old.get((receiver.type, receiver.name))
    if was is None:
        return False
    sent = ("name", "instance", "secret", version)  # another of these is made anew
    return all(was.inputs.get(name) == receiver.inputs.get(name) for name in sent)
