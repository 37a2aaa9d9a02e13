import json
from importlib import resources
from typing import Any

import pytest

from infra.local.api import query
from infra.local.api.errors import ApiError
from infra.local.api.methods import Method, methods

BY_NAME = {method.name: method for method in methods()}


def read(method: str, *items: tuple[str, str]) -> query.Query:
    return query.read(BY_NAME[method], items)


def test_a_methods_own_parameters_are_checked_and_the_general_ones_known() -> None:
    found = read(
        "instances.list",
        ("maxResults", "5"),
        ("page_token", "t"),
        ("fields", "items/name"),
        ("$alt", "json;enum-encoding=int"),
        ("prettyPrint", "false"),
        ("key", "k"),
    )

    assert found.values == {"maxResults": "5", "pageToken": "t"}
    assert (found.fields, found.pretty) == ("items/name", False)


def test_a_repeated_parameter_keeps_all_of_its_values() -> None:
    found = read("users.update", ("databaseRoles", "a"), ("databaseRoles", "b"), ("name", "n"))

    assert found.lists == {"databaseRoles": ("a", "b")}
    assert found.values["name"] == "n"


@pytest.mark.parametrize(
    ("method", "name", "value", "words"),
    [
        ("instances.get", "colour", "red", 'Unknown name "colour": Cannot bind query parameter.'),
        ("instances.get", "maxResults", "1", "Cannot bind query parameter"),
        ("instances.list", "maxResults", "-1", "'max_results' (TYPE_UINT32), \"-1\""),
        ("instances.list", "maxResults", "99999999999999", "(TYPE_UINT32)"),
        ("instances.list", "maxResults", "1_0", "(TYPE_UINT32)"),
        ("instances.list", "alt", "xml", "'alt'"),
        ("instances.list", "prettyPrint", "perhaps", "'pretty_print' (TYPE_BOOL)"),
        ("instances.delete", "enableFinalBackup", "sure", "(TYPE_BOOL)"),
        ("instances.delete", "finalBackupExpiryTime", "soon", "Illegal timestamp format"),
        ("instances.switchover", "dbTimeout", "5m", "Illegal duration format"),
        ("flags.list", "flagScope", "ALL", "'flag_scope'"),
    ],
)
def test_what_the_method_does_not_take_is_refused(
    method: str, name: str, value: str, words: str
) -> None:
    with pytest.raises(ApiError) as refused:
        read(method, (name, value))

    assert refused.value.code == 400
    assert words in refused.value.message


def test_every_method_is_as_the_discovery_document_has_it() -> None:
    package = resources.files("googleapiclient.discovery_cache").joinpath("documents")
    document = json.loads(package.joinpath("sqladmin.v1.json").read_text(encoding="utf-8"))
    found = {one["id"].removeprefix("sql."): one for one in _below(document)}

    assert set(found) == set(BY_NAME)
    for name, method in BY_NAME.items():
        assert _shape(method) == _described(found[name]), name


def _below(resource: dict[str, Any]) -> list[dict[str, Any]]:
    own = list(resource.get("methods", {}).values())
    inner = [_below(one) for one in resource.get("resources", {}).values()]
    return own + [method for methods in inner for method in methods]


def _shape(method: Method) -> tuple[str, str, str, str, set[str]]:
    return method.verb, f"v1{method.path}", method.body, method.answer, set(method.query)


def _described(method: dict[str, Any]) -> tuple[str, str, str, str, set[str]]:
    asked = {
        name for name, one in method.get("parameters", {}).items() if one["location"] == "query"
    }
    body = method.get("request", {}).get("$ref", "")
    path = method.get("flatPath") or method["path"]
    return method["httpMethod"], path, body, method.get("response", {}).get("$ref", ""), asked
