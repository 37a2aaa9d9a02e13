"""Bodies in gzip, methods in a header: as Google's Java, .NET and Python clients send them."""

import gzip
import http.client
import json
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import pytest

from tests.integration.local.server import PROJECT, TOKEN, Answer, LocalServer

MAIN = f"/v1/projects/{PROJECT}/instances/main"
GZIP = {"Content-Encoding": "gzip"}
JSON = {"Content-Type": "application/json; charset=UTF-8"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OVERRIDE = "X-HTTP-Method-Override"


def send(
    server: LocalServer,
    verb: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send bytes as they are, in chunks of unknown length where the body is an iterable."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    chunked = not isinstance(body, bytes)
    with closing(connection):
        connection.request(verb, path, body, {**TOKEN, **(headers or {})}, encode_chunked=chunked)
        response = connection.getresponse()
        return Answer(response.status, json.loads(response.read()))


def label(server: LocalServer) -> str:
    settings = server.get("/instances/main")["settings"]
    return str(settings.get("userLabels", {}).get("sent"))


def change(value: str) -> bytes:
    return json.dumps({"settings": {"userLabels": {"sent": value}}}).encode()


def bomb(content_bytes: int) -> bytes:
    return gzip.compress(b" " * content_bytes + b"{}")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_a_body_in_gzip_is_read(local: LocalServer, encoding: str) -> None:
    value = f"as-{encoding.lower()}"
    headers = {**JSON, "Content-Encoding": encoding}

    answer = send(local, "PATCH", MAIN, gzip.compress(change(value)), headers)

    assert answer.status == 200, answer.body
    assert "error" not in local.done(answer.body)
    assert label(local) == value


def test_java_sends_patch_as_post_in_gzip(local: LocalServer) -> None:
    headers = {**JSON, **GZIP, OVERRIDE: "PATCH"}
    headers |= {"Accept-Encoding": "gzip", "User-Agent": "t Google-HTTP-Java-Client/1.46 (gzip)"}

    answer = send(local, "POST", MAIN, gzip.compress(change("java")), headers)

    assert answer.body["operationType"] == "UPDATE", answer.body
    local.done(answer.body)
    assert label(local) == "java"


def test_dotnet_sends_gzip_in_chunks(local: LocalServer) -> None:
    whole = gzip.compress(change("dotnet"))
    headers = {"Content-Type": "application/json; charset=utf-8", **GZIP}
    headers["Transfer-Encoding"] = "chunked"

    answer = send(
        local, "PATCH", f"{MAIN}?prettyPrint=false", iter([whole[:9], whole[9:]]), headers
    )

    assert answer.status == 200, answer.body
    local.done(answer.body)
    assert label(local) == "dotnet"


@pytest.mark.parametrize("value", ["PATCH", "patch", " Patch "])
def test_a_post_means_the_method_in_its_header(local: LocalServer, value: str) -> None:
    sent = f"by-{value.strip().lower()}"

    answer = send(local, "POST", MAIN, change(sent), {**JSON, OVERRIDE: value})

    local.done(answer.body)
    assert label(local) == sent


def test_put_and_delete_can_be_meant_too(local: LocalServer) -> None:
    made = send(local, "POST", f"{MAIN}/databases", b'{"name": "meant"}', JSON)
    assert made.status == 200, made.body
    where = f"{MAIN}/databases/meant"

    put = send(local, "POST", where, b'{"charset": "UTF8"}', {**JSON, OVERRIDE: "PUT"})
    gone = send(local, "POST", where, headers={OVERRIDE: "DELETE"})

    assert put.body["operationType"] == "UPDATE_DATABASE", put.body
    assert gone.body["operationType"] == "DELETE_DATABASE", gone.body
    assert send(local, "GET", where).status == 404


@pytest.mark.parametrize("compressed", [False, True])
def test_a_long_query_comes_as_the_body_of_a_post(local: LocalServer, *, compressed: bool) -> None:
    query = {"filter": "name:main", "fields": "items(name)", "quotaUser": "u" * 3000}
    body = urlencode(query).encode()
    headers = {**FORM, OVERRIDE: "GET", **(GZIP if compressed else {})}

    path = f"/v1/projects/{PROJECT}/instances"
    answer = send(local, "POST", path, gzip.compress(body) if compressed else body, headers)

    assert answer.body == {"items": [{"name": "main"}]}


def test_a_query_in_a_body_is_checked_as_one_in_the_address(local: LocalServer) -> None:
    path = f"/v1/projects/{PROJECT}/instances"

    refused = send(local, "POST", path, b"colour=red", {**FORM, OVERRIDE: "GET"})

    assert (refused.status, refused.reason) == (400, "badRequest")
    assert "colour" in refused.body["error"]["message"]


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH"])
def test_only_a_post_can_mean_another_method(local: LocalServer, verb: str) -> None:
    local.begin("POST", "/instances/main/databases", {"name": "stays"})
    where = f"{MAIN}/databases/stays"

    answer = send(local, verb, where, b"{}" if verb != "GET" else b"", {**JSON, OVERRIDE: "DELETE"})

    assert answer.status == 200
    assert answer.body.get("operationType") != "DELETE_DATABASE"
    assert send(local, "GET", where).status == 200
    local.begin("DELETE", "/instances/main/databases/stays")


@pytest.mark.parametrize("value", ["FROBNICATE", "CONNECT", "PATCH, DELETE", "POST /x", "é"])
def test_a_method_that_is_none_is_refused(local: LocalServer, value: str) -> None:
    refused = send(local, "POST", MAIN, b"{}", {**JSON, OVERRIDE: value})

    assert (refused.status, refused.reason) == (405, "httpMethodNotAllowed")


def test_an_empty_header_or_post_itself_means_post(local: LocalServer) -> None:
    for value in ("", "POST", "post"):
        path = f"{MAIN}/databases/x"
        refused = send(local, "POST", path, b"{}", {**JSON, OVERRIDE: value})
        assert refused.status == 405
        assert "POST" in refused.body["error"]["message"]


def test_the_token_is_asked_for_first(local: LocalServer) -> None:
    headers = {OVERRIDE: "DELETE", "Authorization": ""}

    assert send(local, "POST", MAIN, b"", headers).status == 401
    assert "main" in local.names()


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "aes128gcm"])
def test_another_encoding_is_refused_by_name(local: LocalServer, encoding: str) -> None:
    body = zlib.compress(change("never"))

    refused = send(local, "PATCH", MAIN, body, {**JSON, "Content-Encoding": encoding})

    assert (refused.status, refused.reason) == (415, "unsupportedMediaType")
    assert encoding in refused.body["error"]["message"]
    assert label(local) != "never"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(change("never"))[:-1],
        gzip.compress(change("never"))[:-9],
        gzip.compress(change("never"))[:5],
        change("never"),
        zlib.compress(change("never")),
        gzip.compress(change("never")) + b"more",
        gzip.compress(change("never")) * 2,
        gzip.compress(change("never"))[:-8] + bytes(8),  # the wrong checksum and length
    ],
    ids=["cut", "no-trailer", "no-header", "plain", "zlib", "trailing", "twice", "checksum"],
)
def test_a_body_that_is_no_gzip_is_refused(local: LocalServer, body: bytes) -> None:
    refused = send(local, "PATCH", MAIN, body, {**JSON, **GZIP})

    assert (refused.status, refused.reason) == (400, "badRequest")
    assert "gzip" in refused.body["error"]["message"]
    assert label(local) != "never"


def test_gzip_of_what_is_no_json_is_refused_as_plain_text_is(local: LocalServer) -> None:
    refused = send(local, "PATCH", MAIN, gzip.compress(b'{"settings"'), {**JSON, **GZIP})

    assert (refused.status, refused.reason) == (400, "parseError")


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["no-bytes", "empty"])
def test_nothing_in_gzip_is_no_body(local: LocalServer, content: bytes) -> None:
    refused = send(local, "POST", f"/v1/projects/{PROJECT}/instances", content, {**JSON, **GZIP})

    assert refused.status == 400
    assert "Missing parameter: name" in refused.body["error"]["message"]


@pytest.mark.parametrize("content_bytes", [1_000_000, 500_000_000])
def test_a_body_that_grows_past_the_limit_is_refused(
    local: LocalServer, content_bytes: int
) -> None:
    body = bomb(content_bytes)
    assert len(body) < 1_000_000

    refused = send(local, "PATCH", MAIN, body, {**JSON, **GZIP})

    assert (refused.status, refused.reason) == (413, "uploadTooLarge")
    assert memory_mb(local) < 400


def memory_mb(server: LocalServer) -> int:
    assert server.process is not None
    with open(f"/proc/{server.process.pid}/status") as status:  # noqa: PTH123 - a file of /proc
        peak = next(line for line in status if line.startswith("VmHWM"))
    return int(peak.split()[1]) // 1024


def test_the_servers_own_endpoints_read_gzip_too(local: LocalServer) -> None:
    body = gzip.compress(b'{"name": "by-gzip"}')

    made = send(local, "POST", "/local/v1/buckets", body, {**JSON, **GZIP})

    assert made.body["name"] == "by-gzip"
