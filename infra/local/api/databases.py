"""databases: list, get, insert, patch, update, delete."""

from infra.local.api.body import identifier
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid
from infra.local.api.resources import etag, link
from infra.local.engine import databases
from infra.local.engine.databases import Database
from infra.local.model import Body, Instance, OperationType
from infra.local.work import new_operation

# Cloud SQL's own: the one that everybody is let into first, and the templates.
_PROTECTED = ("postgres", "template0", "template1")


def every(call: Call) -> Body:
    """Answer databases.list."""
    owner = call.ready()
    with call.service.admin_errors():
        found = databases.every(call.service.cluster(owner))
    return {"kind": "sql#databasesList", "items": [_resource(call, owner, one) for one in found]}


def get(call: Call) -> Body:
    """Answer databases.get."""
    owner = call.ready()
    return _resource(call, owner, _found(call, owner))


def insert(call: Call) -> Body:
    """Answer databases.insert."""
    owner = call.ready()
    name = identifier(call.body, "name")
    charset, collation = call.body.get("charset"), call.body.get("collation")
    operation = new_operation(OperationType.CREATE_DATABASE, call.project, owner.name)
    done = call.inline(
        operation,
        lambda: databases.create(call.service.cluster(owner), name, charset, collation),
        refused=f"failed to create database {name}",
    )
    return call.answer(done)


def update(call: Call) -> Body:
    """Answer databases.patch and update: PostgreSQL can't change a database's encoding."""
    owner = call.ready()
    found = _found(call, owner)
    wanted = (
        call.body.get("charset") or found.charset,
        call.body.get("collation") or found.collation,
    )
    if wanted != (found.charset, found.collation):
        raise invalid(f"the charset and collation of {found.name} can't be changed.")
    operation = new_operation(OperationType.UPDATE_DATABASE, call.project, owner.name)
    return call.answer(call.inline(operation, lambda: None, refused=""))


def delete(call: Call) -> Body:
    """Answer databases.delete."""
    owner = call.ready()
    name = call.params["database"]
    if name in _PROTECTED:
        raise invalid(f"database {name} is a system database and can't be deleted.")
    found = _found(call, owner)
    operation = new_operation(OperationType.DELETE_DATABASE, call.project, owner.name)
    done = call.inline(
        operation,
        lambda: databases.drop(call.service.cluster(owner), found.name),
        refused=f"failed to delete database {name}",
    )
    return call.answer(done)


def _found(call: Call, owner: Instance) -> Database:
    name = call.params["database"]
    with call.service.admin_errors():
        every_one = databases.every(call.service.cluster(owner))
    for found in every_one:
        if found.name == name:
            return found
    raise ApiError(404, "notFound", f"The database {name:.63} does not exist.")


def _resource(call: Call, owner: Instance, found: Database) -> Body:
    path = ("projects", owner.project, "instances", owner.name, "databases", found.name)
    return {
        "kind": "sql#database",
        "name": found.name,
        "charset": found.charset,
        "collation": found.collation,
        "instance": owner.name,
        "project": owner.project,
        "etag": etag(owner.uid, found.name),
        "selfLink": link(call.base, *path),
    }
