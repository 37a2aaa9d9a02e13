"""operations: get, list."""

from infra.local.api import paging, resources
from infra.local.api.call import Call
from infra.local.api.errors import not_found
from infra.local.model import Body


def get(call: Call) -> Body:
    """Answer operations.get."""
    name = call.params["operation"]
    operation = call.service.store.operation(call.project, name)
    if operation is None:
        raise not_found(f"Operation {name:.60}")
    return resources.operation(operation, call.base)


def list_all(call: Call) -> Body:
    """Answer operations.list: newest first, of one instance if it is named."""
    store = call.service.store
    limit, last = paging.parse(call.query)
    if last is not None and store.operation(call.project, last) is None:
        raise paging.no_token()
    instance = call.query.get("instance") or None
    # One more than is shown tells whether there are more.
    operations = store.operations(call.project, instance, before=last, limit=limit + 1)
    listed = operations[:limit]
    items = [resources.operation(operation, call.base) for operation in listed]
    more = paging.following(listed[-1].name) if len(operations) > limit else {}
    return {"kind": "sql#operationsList", **({"items": items} if items else {}), **more}
