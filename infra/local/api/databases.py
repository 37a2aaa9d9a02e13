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


def list_all(call: Call) -> Body:
    """Answer databases.list."""
    owner = call.ready()
    with call.service.admin_errors():
        all_databases = databases.list_all(call.service.cluster(owner))
    return {
        "kind": "sql#databasesList",
        "items": [_resource(call, owner, database) for database in all_databases],
    }


def get(call: Call) -> Body:
    """Answer databases.get."""
    owner = call.ready()
    return _resource(call, owner, _database(call, owner))


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
    database = _database(call, owner)
    desired = (
        call.body.get("charset") or database.charset,
        call.body.get("collation") or database.collation,
    )
    if desired != (database.charset, database.collation):
        raise invalid(f"the charset and collation of {database.name} can't be changed.")
    operation = new_operation(OperationType.UPDATE_DATABASE, call.project, owner.name)
    return call.answer(call.inline(operation, lambda: None, refused=""))


def delete(call: Call) -> Body:
    """Answer databases.delete."""
    owner = call.ready()
    name = call.params["database"]
    if name in _PROTECTED:
        raise invalid(f"database {name} is a system database and can't be deleted.")
    database = _database(call, owner)
    operation = new_operation(OperationType.DELETE_DATABASE, call.project, owner.name)
    done = call.inline(
        operation,
        lambda: databases.drop(call.service.cluster(owner), database.name),
        refused=f"failed to delete database {name}",
    )
    return call.answer(done)


def _database(call: Call, owner: Instance) -> Database:
    name = call.params["database"]
    with call.service.admin_errors():
        every_one = databases.list_all(call.service.cluster(owner))
    for database in every_one:
        if database.name == name:
            return database
    raise ApiError(404, "notFound", f"The database {name:.63} does not exist.")


def _resource(call: Call, owner: Instance, database: Database) -> Body:
    path = ("projects", owner.project, "instances", owner.name, "databases", database.name)
    return {
        "kind": "sql#database",
        "name": database.name,
        "charset": database.charset,
        "collation": database.collation,
        "instance": owner.name,
        "project": owner.project,
        "etag": etag(owner.uid, database.name),
        "selfLink": link(call.base, *path),
    }
