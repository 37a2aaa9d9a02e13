"""How long reading a dump statement by statement takes, beside plain reading; and its memory.

Run: .venv/bin/python -m bench.read_dump [MEGABYTES]
"""

import gzip
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ops.backups.reading import read
from ops.objects import FolderObjects, Uri

HEAD = (
    b"--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\n"
    b"CREATE TABLE public.t (id integer, words text, at timestamp);\n"
)
TAIL = b"\n--\n-- PostgreSQL database dump complete\n--\n"


def _copy(size: int) -> Iterator[bytes]:
    yield b"COPY public.t (id, words, at) FROM stdin;\n"
    line = b"%d\tsome words of a row with an apostrophe's text\t2026-01-02 03:04:05\n"
    yield from (line % number for number in range(size // len(line)))
    yield b"\\.\n"


def _inserts(size: int) -> Iterator[bytes]:
    line = (
        b"INSERT INTO public.t VALUES (%d, 'some words of an apostrophe''s text', '2026-01-02');\n"
    )
    yield from (line % number for number in range(size // len(line)))


def main() -> None:
    """Print the ratio to plain reading for each form, and the peak of memory."""
    size = int(sys.argv[1] if len(sys.argv) > 1 else 200) << 20
    with tempfile.TemporaryDirectory() as folder:
        bucket = Path(folder) / "bucket"
        bucket.mkdir()
        for form in (_copy, _inserts):
            for ending in (".sql", ".sql.gz"):
                path = bucket / f"dump{ending}"
                with gzip.open(path, "wb", 1) if ending.endswith("gz") else path.open("wb") as file:
                    file.write(HEAD)
                    file.writelines(form(size))
                    file.write(TAIL)
                begun = time.perf_counter()
                with gzip.open(path) if ending.endswith("gz") else path.open("rb") as source:
                    while source.read(1 << 20):
                        pass
                plain = time.perf_counter() - begun
                begun = time.perf_counter()
                held = read(FolderObjects(Path(folder)), Uri("bucket", path.name))
                took = time.perf_counter() - begun
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
                words = f"{form.__name__[1:]}{ending}: {held.total_rows} rows in {took:.1f} s"
                print(f"{words}, {took / plain:.1f} times plain reading; peak {peak} MiB")


if __name__ == "__main__":
    main()
