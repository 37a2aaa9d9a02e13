"""users: list, get, insert, update, delete. Passwords go through and are kept nowhere."""

from infra.local.api import iam_users, passwords
from infra.local.api.body import identifier, required
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.api.resources import etag
from infra.local.engine import roles
from infra.local.engine.roles import Role
from infra.local.model import Body, Instance, OperationType
from infra.local.work import new_operation
from ops.cloudsqlroles import CLOUD_SQL, DEFAULT_USER

_BUILT_IN = (None, "", "BUILT_IN")


def list_all(call: Call) -> Body:
    """Answer users.list."""
    owner = call.ready()
    items = [_resource(owner, role) for role in _roles(call, owner)]
    return {"kind": "sql#usersList", "items": items}


def get(call: Call) -> Body:
    """Answer users.get."""
    owner = call.ready()
    return _resource(owner, _role(call, owner, call.params["name"]))


def insert(call: Call) -> Body:
    """Answer users.insert; for postgres, which every instance has, it sets the password."""
    owner = call.ready()
    name = _checked(identifier(call.body, "name"))
    if call.body.get("type") not in _BUILT_IN:
        return iam_users.insert(call, owner)
    password = call.body.get("password")
    passwords.check(owner.settings, name, password)
    groups = tuple(call.body.get("databaseRoles") or ())
    cluster = call.service.cluster(owner)

    def make() -> None:
        if name == roles.DEFAULT_USER and password:
            roles.set_password(cluster, name, password)
        else:
            roles.create(cluster, name, password, groups)

    operation = new_operation(OperationType.CREATE_USER, call.project, owner.name)
    return call.answer(call.inline(operation, make, refused=f"failed to create user {name}"))


def update(call: Call) -> Body:
    """Answer users.update: set the password, the database roles, or both.

    Roles are those of the query, as the API has it; the body's are ignored.
    """
    owner = call.ready()
    name = call.query.get("name") or required(call.body, "name")
    role = _role(call, owner, name)
    groups = call.lists.get("databaseRoles", ())
    revoke = call.query.get("revokeExistingRoles") == "true"
    password = call.body.get("password")
    if password or not (groups or revoke):
        iam_users.check_password(role)
        password = required(call.body, "password")
        passwords.check(owner.settings, name, password)
    cluster = call.service.cluster(owner)

    def change() -> None:
        if groups or revoke:
            kinds = iam_users.kinds_of(role)
            removed = set(role.groups) - set(groups) - kinds if revoke else set()
            roles.regroup(cluster, name, groups, sorted(removed))
        if password:
            roles.set_password(cluster, name, password)

    operation = new_operation(OperationType.UPDATE_USER, call.project, owner.name)
    return call.answer(call.inline(operation, change, refused=f"failed to update user {name}"))


def delete(call: Call) -> Body:
    """Answer users.delete."""
    owner = call.ready()
    name = _checked(call.query.get("name") or required(call.body, "name"))
    _role(call, owner, name)
    operation = new_operation(OperationType.DELETE_USER, call.project, owner.name)
    done = call.inline(
        operation,
        lambda: roles.drop(call.service.cluster(owner), name),
        refused=f"failed to delete user {name}",
    )
    return call.answer(done)


def _checked(name: str) -> str:
    if name.startswith("pg_") or (name in CLOUD_SQL and name != DEFAULT_USER):
        raise invalid(f"user {name} belongs to the system.")
    return name


def _roles(call: Call, owner: Instance) -> tuple[Role, ...]:
    with call.service.admin_errors():
        return roles.names(call.service.cluster(owner))


def _role(call: Call, owner: Instance, name: str) -> Role:
    for role in _roles(call, owner):
        if role.name == name:
            return role
    raise ApiError(404, "notFound", f"The user {name:.63} does not exist.")


def _resource(owner: Instance, role: Role) -> Body:
    return {
        "kind": "sql#user",
        "name": role.name,
        "host": "",
        "type": iam_users.type_of(role),
        "instance": owner.name,
        "project": owner.project,
        "etag": etag(owner.uid, role.name, role.groups),
        "databaseRoles": list(role.groups),
        **iam_users.email_of(role),
    }
