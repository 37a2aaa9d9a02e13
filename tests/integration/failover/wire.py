"""A network in between, that can be cut, and that can swallow what the server answers."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wire:
    """Forwards connections to a server until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._broken = threading.Event()
        self._deaf = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def swallow(self) -> None:
        """Let nothing that the server says through any more."""
        self._deaf.set()

    def cut(self) -> None:
        """End every connection, and let no new one in."""
        self._broken.set()
        for one in tuple(self._sockets):
            self._end(one)

    def mend(self) -> None:
        """Be a network again."""
        self._deaf.clear()
        self._broken.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._broken.is_set():
                    raise ConnectionError
                server = socket.create_connection(self._to)
            except OSError:
                client.close()
                continue
            self._sockets |= {client, server}
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:  # noqa: FBT001 - a thread's arguments
        with suppress(OSError):
            while content := source.recv(65536):
                if not (answers and self._deaf.is_set()):
                    sink.sendall(content)
        self._end(source)
        self._end(sink)

    def _end(self, one: socket.socket) -> None:
        self._sockets.discard(one)
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
