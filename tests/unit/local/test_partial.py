from typing import Any

import pytest

from infra.local.api import partial
from infra.local.api.errors import ApiError

ANSWER: dict[str, Any] = {
    "kind": "sql#instancesList",
    "items": [
        {"name": "a", "settings": {"tier": "t", "userLabels": {"x": "1", "y": "2"}}},
        {"name": "b", "settings": {"tier": "u"}},
    ],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ANSWER),
        ("kind", {"kind": "sql#instancesList"}),
        ("items/name", {"items": [{"name": "a"}, {"name": "b"}]}),
        (
            "items(name),kind",
            {"kind": "sql#instancesList", "items": [{"name": "a"}, {"name": "b"}]},
        ),
        (
            "items(name,settings/tier),nextPageToken",
            {
                "items": [
                    {"name": "a", "settings": {"tier": "t"}},
                    {"name": "b", "settings": {"tier": "u"}},
                ]
            },
        ),
        (
            "items.settings.userLabels.x",
            {"items": [{"settings": {"userLabels": {"x": "1"}}}, {"settings": {}}]},
        ),
        (
            "items/*/tier",
            {
                "items": [
                    {"name": "a", "settings": {"tier": "t"}},
                    {"name": "b", "settings": {"tier": "u"}},
                ]
            },
        ),
        ("items/name,items", {"items": ANSWER["items"]}),
        ("items,items/name", {"items": ANSWER["items"]}),
        ("*", ANSWER),
    ],
)
def test_an_answer_has_what_is_asked_for(text: str, expected: dict[str, Any]) -> None:
    assert partial.apply(partial.mask(text, "InstancesListResponse"), ANSWER) == expected


@pytest.mark.parametrize(
    "text",
    [
        "colour",
        "items/colour",
        "items(",
        "items(name",
        "items)",
        ",",
        "items/",
        "a b",
        "items//name",
        "items(name))",
        "ítems",
        "items" + "(settings" * 40 + ")" * 40,
        "x" * 9000,
        "kind,\x00",
    ],
)
def test_an_expression_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        partial.mask(text, "InstancesListResponse")

    assert refused.value.code == 400
    assert "Cannot find matching fields for path" in refused.value.message
    assert refused.value.violations
