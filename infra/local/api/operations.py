"""operations: get, list."""

from infra.local.api import resources
from infra.local.api.call import Call
from infra.local.api.errors import not_found
from infra.local.model import Body

_PAGE = 500


def get(call: Call) -> Body:
    """Answer operations.get."""
    name = call.params["operation"]
    found = call.service.store.operation(call.project, name)
    if found is None:
        raise not_found(f"Operation {name:.60}")
    return resources.operation(found, call.base)


def every(call: Call) -> Body:
    """Answer operations.list: newest first, of one instance if it is named."""
    found = call.service.store.operations(call.project, call.query.get("instance") or None)
    items = [resources.operation(one, call.base) for one in found[:_PAGE]]
    return {"kind": "sql#operationsList", "items": items}
