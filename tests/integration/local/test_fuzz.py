"""Odd requests on every route: refused in the API's shape, never a 500, never a traceback.

FUZZ_EXAMPLES sets how many requests each test sends; in CI a hundred.
"""

import http.client
import json
import os
import socket
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.cloud import sqladmin_v1beta4 as sqladmin
from google.protobuf.descriptor import (  # type: ignore[import-untyped]  # it ships no types
    Descriptor,
    FieldDescriptor,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.api.methods import Method, methods
from tests.integration.local.server import TOKEN, LocalServer, running

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
VERSIONS = ("/sql/v1beta4", "/v1beta4", "/sql/v1", "/v1")
# Deleting what all examples share, or filling the disk, is no oddity.
LEFT_OUT = ("instances.delete", "instances.insert", "instances.clone")
KNOWN = {"project": ["demo"], "projectsId": ["demo"], "instance": ["main"]}
ODD_NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**30, 1.5, 1e308)
ODD_TEXTS = (
    "", "main", "postgres", "\x00", "a\x00b", "'; DROP TABLE x; --", '"', "%s", "%%", "..", "../..",
    "/etc/passwd", "-1", "٣", "é" * 70, "\U0001f40d", "\u202e", "x" * 300, "pg_x", "{}", "\n",
)  # fmt: skip
WELL_KNOWN = {
    "google.protobuf.Timestamp": ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00",
                                  "9999-12-31T23:59:59.999999999-14:00", "2026-02-30T00:00:00Z"],
    "google.protobuf.Duration": ["1s", "3600s", "-1s", "0.000000001s", "999999999999s", "1h"],
    "google.protobuf.FieldMask": ["description", "*", ",", "a.b"],
}  # fmt: skip
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/x", "")
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 120,
    suppress_health_check=list(HealthCheck),
)

texts = st.one_of(st.sampled_from(ODD_TEXTS), st.text(st.characters(exclude_categories=["Cs"])))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(ODD_NUMBERS), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the odd one time in ten: a request with one oddity gets further than one with many."""
    return st.integers(0, 9).flatmap(lambda roll: odd if roll == 0 else usual)


@pytest.fixture(scope="module")
def alone() -> Iterator[LocalServer]:
    """A server of its own, with the instance main: odd requests may well change it."""
    with running() as server:
        server.create("main")
        yield server
        log = server.log()
        assert "Traceback" not in log, log
        assert " failed\n" not in log, log


def field_values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    """Return values of a field's own type for the most part, and others."""
    if field.message_type is not None:
        right: st.SearchStrategy[Any] = message(field.message_type, depth - 1)
    elif field.enum_type is not None:
        words = [value.name for value in field.enum_type.values]
        right = st.one_of(st.sampled_from(words), st.integers(-2, 99))
    elif field.type == FieldDescriptor.TYPE_BOOL:
        right = st.booleans()
    elif field.type == FieldDescriptor.TYPE_STRING:
        right = texts
    else:
        right = st.one_of(st.integers(0, 100), st.sampled_from(ODD_NUMBERS), st.just("7"))
    if field.is_repeated:
        right = st.lists(right, max_size=2)
    return mostly(right, values)


def message(kind: Descriptor, depth: int = 4) -> st.SearchStrategy[Any]:
    if kind.full_name in WELL_KNOWN:
        return st.sampled_from(WELL_KNOWN[kind.full_name])
    if kind.full_name.startswith("google.protobuf"):  # a wrapper of one value
        return field_values(kind.fields[0], depth)
    if depth <= 0:
        return values
    fields = list(kind.fields)
    return st.lists(st.sampled_from(fields), max_size=4, unique_by=lambda one: one.name).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {field.json_name: field_values(field, depth) for field in chosen}
        )
    )


def bodies(method: Method) -> st.SearchStrategy[Any]:
    known = getattr(sqladmin, method.body, None) if method.body else None
    return values if known is None else mostly(message(known.pb().DESCRIPTOR), values)


def paths(method: Method) -> st.SearchStrategy[str]:
    names = [part[1:].split("}")[0] for part in method.path.split("/") if part.startswith("{")]
    chosen = {name: mostly(st.sampled_from(KNOWN.get(name, ODD_TEXTS)), texts) for name in names}

    def filled(found: Mapping[str, str]) -> str:
        path = method.path
        for name, value in found.items():
            path = path.replace(f"{{{name}}}", urllib.parse.quote(value, safe=""))
        return path

    return st.fixed_dictionaries(chosen).map(filled)


def queries(method: Method) -> st.SearchStrategy[str]:
    names = [*method.query, "fields", "alt", "prettyPrint", "colour"]
    pairs = st.lists(st.tuples(st.sampled_from(names), texts), max_size=2)
    return st.one_of(st.just(""), pairs.map(urllib.parse.urlencode))


requests = st.sampled_from([one for one in methods() if one.name not in LEFT_OUT]).flatmap(
    lambda method: st.tuples(
        st.just(method.verb),
        st.sampled_from(VERSIONS),
        paths(method),
        queries(method),
        bodies(method),
    )
)


def answered(
    server: LocalServer, verb: str, path: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """Send bytes as they are; return status and body."""
    host = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=60)
    try:
        connection.request(verb, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def check(status: int, text: bytes) -> None:
    assert status not in (500, 502, 504), text
    if status >= 400:
        error = json.loads(text)["error"]
        assert error["code"] == status
        assert error["message"]
        assert error["errors"][0]["reason"]
    elif text:
        assert json.loads(text) is not None


@quick
@given(request=requests)
def test_every_route_takes_odd_requests(
    alone: LocalServer, request: tuple[str, str, str, str, Any]
) -> None:
    verb, version, path, query, body = request
    text = json.dumps(body).encode()
    status, answer = answered(
        alone, verb, f"{version}{path}?{query}", text, {**TOKEN, "Content-Type": TYPES[0]}
    )

    check(status, answer)


settings_of = message(sqladmin.Settings.pb().DESCRIPTOR, depth=5)


@quick
@given(
    instance=message(sqladmin.DatabaseInstance.pb().DESCRIPTOR, depth=2),
    inner=mostly(settings_of, values),
    name=mostly(st.just("main"), texts.map("-{}".format)),
)
def test_no_odd_instance_gets_a_500(
    alone: LocalServer, instance: dict[str, object], inner: object, name: str
) -> None:
    instance.pop("masterInstanceName", None)
    filled = {"tier": "db-f1-micro", "edition": "ENTERPRISE"} | (
        inner if isinstance(inner, dict) else {}
    )
    # A name that is taken is refused after all else, so that nothing is made.
    body = {
        "databaseVersion": "POSTGRES_15",
        **instance,
        "name": name,
        "region": "asia-east1",
        "settings": filled,
    }
    text = json.dumps(body).encode()
    status, answer = answered(alone, "POST", "/v1/projects/demo/instances", text, TOKEN)

    check(status, answer)
    assert status != 200, answer


@quick
@given(
    verb=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"]),
    path=st.lists(st.sampled_from(["v1", "projects", "demo", "instances", "main", "..", "%2e%2e",
                                   "%00", "%ff", "", "%2F", ";", "flags", "local", "status"]),
                  max_size=7).map("/".join),
    body=st.binary(max_size=40),
    kind=st.sampled_from(TYPES),
)  # fmt: skip
def test_odd_paths_verbs_and_bytes(
    alone: LocalServer, verb: str, path: str, body: bytes, kind: str
) -> None:
    headers = {**TOKEN, "Content-Type": kind}
    check(*answered(alone, verb, f"/{path}", body, headers))
    # Without a token nothing is answered, whatever the path.
    status, _ = answered(alone, verb, f"/{path}", body, {"Content-Type": kind})
    assert status == 401


def test_odd_names_of_databases_and_users_are_kept_as_they_are_or_refused(
    alone: LocalServer,
) -> None:
    on = "/v1/projects/demo/instances/main"
    for kind in ("databases", "users"):
        for text in set(ODD_TEXTS) - {"postgres"}:
            sent = json.dumps({"name": text}).encode()
            status, answer = answered(alone, "POST", f"{on}/{kind}", sent, TOKEN)
            check(status, answer)
            kept = text in {one["name"] for one in alone.get(f"{on}/{kind}")["items"]}
            assert kept == (status == 200), (kind, text)
    for odd in ("a\0b", "'", "x" * 300):
        for kind, field, value in (
            ("users", "databaseRoles", [odd]),
            ("databases", "charset", odd),
            ("databases", "collation", odd),
        ):
            sent = json.dumps({"name": "odd", field: value}).encode()
            status, answer = answered(alone, "POST", f"{on}/{kind}", sent, TOKEN)
            check(status, answer)
            assert status == 400, (kind, odd)


@pytest.mark.parametrize("kind", TYPES[1:4])
def test_a_browsers_form_from_another_site_is_refused(alone: LocalServer, kind: str) -> None:
    path = "/v1/projects/demo/instances/main/restart?access_token=any"
    for headers in (
        {"Origin": "https://evil.example", "Content-Type": kind},
        {"Origin": "null", "Content-Type": kind},
        {"Content-Type": kind},
        {**TOKEN, "Origin": "https://evil.example", "Content-Type": kind},
        {**TOKEN, "Host": "evil.example", "Content-Type": kind},
    ):
        status, text = answered(alone, "POST", path, b"a=b", headers)
        assert status in (401, 403), text
    assert alone.get("/operations?instance=main")["items"][0]["operationType"] != "RESTART"


def test_deep_half_and_cut_bodies(alone: LocalServer) -> None:
    path = "/v1/projects/demo/instances/main"
    for body in (
        b"[" * 100_000,
        b'{"settings":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"name": "\\ud800"}',
        b'{"settings": {"userLabels": {"\\udfff": "x"}}}',
        b"\xff\xfe",
        b"9" * 6_000,
        b"NaN",
        b"{",
        b'{"name": "a", "name": ["b"]}',
    ):
        status, text = answered(alone, "PATCH", path, body, TOKEN)
        check(status, text)
        assert status == 400, body[:40]
    status, text = answered(alone, "PATCH", path, b" " * 1_100_000, TOKEN)
    assert status == 413, text
    host = urllib.parse.urlsplit(alone.url)
    head = f"PATCH {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer a\r\n"
    with socket.create_connection((host.hostname, host.port)) as half:
        half.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    with socket.create_connection((host.hostname, host.port)) as none:
        none.sendall(b"\x16\x03\x01\x00\x00\r\n\r\n")
        none.recv(100)
    assert alone.get("/instances/main")["state"]
