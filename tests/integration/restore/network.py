"""A network between us and a server that can be cut, and that can answer in the server's place."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65536


class Network:
    """Forwards TCP connections to an address until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut, self._answer = False, b""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Reset every connection, and every new one."""
        self._cut, self._answer = True, b""
        self._reset()

    def answer(self, status: int, reason: str) -> None:
        """Answer every request in the server's place with a refusal."""
        error = f'{{"error": {{"code": {status}, "message": "{reason}", "errors": []}}}}'
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(error)}\r\n"
        self._answer = (
            f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n{error}".encode()
        )
        self._reset()

    def heal(self) -> None:
        self._cut, self._answer = False, b""
        self._reset()

    def close(self) -> None:
        self._listener.close()
        self._reset()

    def _reset(self) -> None:
        with self._lock:
            every, self._open = tuple(self._open), set()
        for one in every:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            if self._cut:
                client.close()
                return
            if self._answer:
                client.settimeout(5)
                client.recv(_CHUNK)
                client.sendall(self._answer)
                client.close()
                return
            server = socket.create_connection(self._to)
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            to.sendall(data)
    for one in (source, to):
        with suppress(OSError):
            one.close()


@contextmanager
def network(host: str, port: int) -> Iterator[Network]:
    made = Network(host, port)
    try:
        yield made
    finally:
        made.close()
