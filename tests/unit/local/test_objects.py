import gzip
from pathlib import Path

import pytest

from infra.local.objects import (
    BadUriError,
    Buckets,
    NoBucketError,
    NoObjectError,
    ObjectExistsError,
    Uri,
    parse,
)

WHOLE = Uri("exports", "a/b.sql.gz")


def write(buckets: Buckets, uri: Uri, content: bytes = b"content") -> None:
    with buckets.writing(uri, "draft") as sink:
        sink.write(content)


def test_an_address_is_a_bucket_and_a_name() -> None:
    assert parse("gs://exports/a/b.sql.gz") == WHOLE
    assert str(WHOLE) == "gs://exports/a/b.sql.gz"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "exports/a",
        "gs://exports",
        "gs://exports/",
        "gs:///a",
        "gs://../a",
        "gs://a..b/a",
        "gs://.unfinished/a",
        "gs://exports/..",
        "gs://exports/a/../b",
        "gs://exports/./a",
        "gs://exports//a",
        "gs://exports/a/",
        "gs://exports/a\0",
        "gs://exports/a\nb",
        "gs://exports/" + "ä" * 128,
        "gs://exports/" + "a/" * 512 + "a",
        "gs://exports/\ud800",
    ],
)
def test_what_can_be_no_file_in_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(BadUriError):
        parse(uri)


def test_an_object_is_there_when_it_is_whole(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path / "buckets")
    with pytest.raises(NoBucketError, match=r"local\.bucket --name exports"):
        write(buckets, WHOLE)
    folder = buckets.make("exports")
    with pytest.raises(NoObjectError), buckets.reading(WHOLE):
        pass

    with buckets.writing(WHOLE, "draft") as sink:
        sink.write(b"content")
        assert not (folder / "a").exists()

    assert gzip.decompress((folder / "a/b.sql.gz").read_bytes()) == b"content"
    assert (folder / "a/b.sql.gz").stat().st_mode & 0o777 == 0o600
    with buckets.reading(WHOLE) as source:
        assert source.read() == b"content"
    assert buckets.names() == ("exports",)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path)
    folder = buckets.make("exports")
    with pytest.raises(OSError, match="full"), buckets.writing(WHOLE, "draft"):
        raise OSError("full")
    assert list(folder.iterdir()) == []
    assert list((tmp_path / ".unfinished").iterdir()) == []


def test_what_is_there_stays(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path)
    folder = buckets.make("exports")
    write(buckets, WHOLE)
    for other in (WHOLE, Uri("exports", "a"), Uri("exports", "a/b.sql.gz/c")):
        with pytest.raises(ObjectExistsError):
            write(buckets, other, b"other")
    with pytest.raises(ObjectExistsError):
        overtaken(buckets, folder / "late")
    assert (folder / "late").read_bytes() == b"theirs"
    with buckets.reading(WHOLE) as source:
        assert source.read() == b"content"


def overtaken(buckets: Buckets, path: Path) -> None:
    with buckets.writing(Uri("exports", path.name), "draft") as sink:
        sink.write(b"mine")
        path.write_bytes(b"theirs")
