"""What moves data: instances.export and instances.import."""

from infra.local import objects, replication
from infra.local.actions.move import csv_format
from infra.local.api.body import required, without_nulls
from infra.local.api.call import Call
from infra.local.api.errors import ApiError, invalid, unimplemented
from infra.local.api.replicas import refuse_replica
from infra.local.model import Body, OperationType
from infra.local.objects import BadUriError, NoBucketError
from infra.local.work import new_operation

_TYPES = ("SQL", "CSV")
_LINE_ENDS = ("", "0A")


def export(call: Call) -> Body:
    """Answer instances.export."""
    owner = call.ready()
    required(call.body, "exportContext", "uri")
    context = {"kind": "sql#exportContext", **without_nulls(call.body["exportContext"])}
    _check(call, context)
    databases = context.get("databases") or []
    if context["fileType"] == "CSV":
        required(context, "csvExportOptions", "selectQuery")
        _check_characters(context["csvExportOptions"])
        if len(databases) > 1:
            raise invalid("a CSV export reads one database: name one in databases.")
    elif len(databases) != 1:
        raise invalid("an export from a PostgreSQL instance has one database: name it.")
    _refuse_parallel("instances.export", context.get("sqlExportOptions"))
    facts = {"uid": owner.uid, "exportContext": context}
    # The login that it is done with is written into a replica's primary.
    store = call.service.store
    source = None if owner.primary is None else replication.primary_of(store, owner).name
    operation = new_operation(
        OperationType.EXPORT, call.project, owner.name, source=source, facts=facts
    )
    call.begin(operation)
    return call.answer(call.work.start(operation))


def bring_in(call: Call) -> Body:
    """Answer instances.import."""
    owner = call.ready()
    refuse_replica(owner)
    required(call.body, "importContext", "uri")
    context = {"kind": "sql#importContext", **without_nulls(call.body["importContext"])}
    _check(call, context)
    required(context, "database")
    if context["fileType"] == "CSV":
        required(context, "csvImportOptions", "table")
        _check_characters(context["csvImportOptions"])
    _refuse_parallel("instances.import", context.get("sqlImportOptions"))
    facts = {"uid": owner.uid, "importContext": context}
    operation = new_operation(OperationType.IMPORT, call.project, owner.name, facts=facts)
    call.begin(operation)
    return call.answer(call.work.start(operation))


def _check(call: Call, context: Body) -> None:
    if context.get("fileType") not in _TYPES:
        raise invalid(
            f"fileType {context.get('fileType') or '(none)'} is not served for a PostgreSQL "
            f"instance: use one of {', '.join(_TYPES)}."
        )
    try:
        call.service.buckets.check(objects.parse(context["uri"]))
    except BadUriError as error:
        raise invalid(str(error)) from None
    except NoBucketError as error:
        raise ApiError(403, "notAuthorized", str(error)) from None


def _check_characters(options: Body) -> None:
    try:
        form = csv_format(options)
    except ValueError:
        raise invalid(
            "the characters of a CSV file are hexadecimal ASCII codes, as 2C for a comma."
        ) from None
    if any(len(character) > 1 for character in (form.delimiter, form.quote, form.escape)):
        raise invalid("the characters of a CSV file are single ones, as 2C for a comma.")
    if str(options.get("linesTerminatedBy") or "").upper() not in _LINE_ENDS:
        raise invalid("PostgreSQL ends a CSV file's lines with 0A: leave linesTerminatedBy out.")


def _refuse_parallel(method: str, options: Body | None) -> None:
    if options and options.get("parallel"):
        raise unimplemented(f"{method} with parallel files")
