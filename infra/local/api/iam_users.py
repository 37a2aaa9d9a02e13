"""IAM users: users.insert of the types that log in with a token instead of a password."""

from collections.abc import Mapping

from infra.local.api.body import required
from infra.local.api.call import Call
from infra.local.api.errors import invalid, unimplemented
from infra.local.engine import conf, roles
from infra.local.engine.roles import Role
from infra.local.model import Body, Instance, OperationType
from infra.local.work import new_operation

_KINDS: Mapping[str, str] = {
    "CLOUD_IAM_USER": conf.IAM_USERS,
    "CLOUD_IAM_SERVICE_ACCOUNT": conf.IAM_SERVICE_ACCOUNTS,
}
# PostgreSQL's names have 63 bytes: Cloud SQL leaves this end out.
_SUFFIX = ".gserviceaccount.com"
_NAME_BYTES = 63


def insert(call: Call, owner: Instance) -> Body:
    """Answer users.insert of an IAM type."""
    kind = str(call.body["type"])
    if kind not in _KINDS:
        raise unimplemented(f"users.insert of type {kind}")
    if call.body.get("password") or call.body.get("host"):
        raise invalid("For IAM users, password or hostname should not be specified.")
    if dict(owner.flags).get("cloudsql.iam_authentication") != "on":
        raise invalid(
            "IAM authentication is not enabled on the instance: set the database flag "
            "cloudsql.iam_authentication to on."
        )
    name = _name(required(call.body, "name"), kind)
    groups = tuple(call.body.get("databaseRoles") or ())
    operation = new_operation(OperationType.CREATE_USER, call.project, owner.name)
    done = call.inline(
        operation,
        lambda: roles.create_iam(call.service.cluster(owner), name, _KINDS[kind], groups),
        refused=f"failed to create user {name}",
    )
    return call.answer(done)


def _name(user: str, kind: str) -> str:
    name = user.lower()
    if kind == "CLOUD_IAM_SERVICE_ACCOUNT":
        name = name.removesuffix(_SUFFIX)
    who, at, where = name.partition("@")
    if not (who and at and where) or len(name.encode()) > _NAME_BYTES:
        raise invalid(
            f"user name {user:.80} is no IAM principal: give its e-mail address, at most "
            f"{_NAME_BYTES} bytes."
        )
    return name


def check_password(role: Role) -> None:
    """Refuse a password for a user who logs in without.

    Raises:
        ApiError: 400.
    """
    if type_of(role) != "BUILT_IN":
        raise invalid("For IAM users, password or hostname should not be specified.")


def type_of(role: Role) -> str:
    """Return the API's type of a user."""
    return next((kind for kind, group in _KINDS.items() if group in role.groups), "BUILT_IN")


def kinds_of(role: Role) -> set[str]:
    """Return those of a user's roles that make an IAM user of it."""
    return set(role.groups) & set(_KINDS.values())


def email_of(role: Role) -> Body:
    """Return what is told of an IAM user besides."""
    kind = type_of(role)
    if kind == "BUILT_IN":
        return {}
    return {"iamEmail": role.name + (_SUFFIX if kind == "CLOUD_IAM_SERVICE_ACCOUNT" else "")}
