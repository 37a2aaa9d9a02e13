"""One connection through a door: TLS on the client's side, the cluster's socket on the other.

The TLS is OpenSSL's over memory, without asyncio's own layer: it is faster, each side may
end its half of the conversation, and neither is read while the other can't take more.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

from infra.local.doors.gate import Gate, RefusedError
from infra.local.engine.certificates import may_log_in

HANDSHAKE_LIMIT_S = 10.0
_FAREWELL_S = 1.0
_RECORD_BYTES = 16 * 1024
_BUFFER_BYTES = 256 * 1024
_log = logging.getLogger(__name__)

Way = Callable[[], Awaitable[Path | None]]


class Inside(asyncio.Protocol):
    """The cluster's side of a connection."""

    def __init__(self, outside: "Outside") -> None:
        self._outside = outside
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and don't let it grow."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Hand on what PostgreSQL says."""
        self._outside.answer(data)

    def eof_received(self) -> bool:
        """End the conversation: PostgreSQL never ends its half alone."""
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        """End the client's side when everything is told."""
        self._outside.end()

    def pause_writing(self) -> None:
        """Let the client wait: PostgreSQL is slower."""
        self._outside.hold()

    def resume_writing(self) -> None:
        """Listen to the client again."""
        self._outside.listen()


class Outside(asyncio.Protocol):
    """The client's side of a connection.

    Args:
        context: The door's certificates.
        way: Finds the cluster's socket.
        connections: Where the connection is kept while it lasts.
    """

    def __init__(self, context: ssl.SSLContext, way: Way, connections: set["Outside"]) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._way = way
        self._connections = connections
        self._gate: Gate | None = None
        self._inside: Inside | None = None
        self._task: asyncio.Task[None] | None = None
        self._shaken = False
        self._client_ended = False
        self._ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the handshake in time."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_BUFFER_BYTES)
        self._connections.add(self)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(HANDSHAKE_LIMIT_S, self.abort)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._ending:
            return
        self._incoming.write(data)
        try:
            if not self._shaken:
                self._shake()
            if self._inside is not None:
                self._pass_on()
        except ssl.SSLError as error:
            self._refuse(error)

    def eof_received(self) -> bool:
        """Keep the connection open for what PostgreSQL still has to say."""
        if self._ending or self._inside is None or self._inside.transport is None:
            return False
        if not self._client_ended:
            self._client_ended = True
            self._inside.transport.write_eof()
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        """End the cluster's side."""
        self._connections.discard(self)
        self._deadline.cancel()
        if self._task is not None:
            self._task.cancel()
        if self._inside is not None and self._inside.transport is not None:
            self._inside.transport.close()

    def pause_writing(self) -> None:
        """Let PostgreSQL wait: the client is slower."""
        if self._inside is not None and self._inside.transport is not None:
            self._inside.transport.pause_reading()

    def resume_writing(self) -> None:
        """Listen to PostgreSQL again."""
        if self._inside is not None and self._inside.transport is not None:
            self._inside.transport.resume_reading()

    def hold(self) -> None:
        """Stop listening to the client."""
        self._transport.pause_reading()

    def listen(self) -> None:
        """Go on listening to the client."""
        self._transport.resume_reading()

    def answer(self, data: bytes) -> None:
        """Send the client what PostgreSQL says."""
        if self._gate is None:
            self._send(data)
            return
        try:
            self._send(self._gate.from_server(data))
            self._tell(self._gate.released())
        except RefusedError as refused:
            self._turn_away(refused)
            return
        if not self._gate.waits:
            self.listen()
        if self._gate.open:
            self._gate = None

    def end(self) -> None:
        """End the connection when everything is sent."""
        if self._ending or self._transport.is_closing():
            return
        if self._shaken:
            with contextlib.suppress(ssl.SSLError):  # the client's own farewell is not waited for
                self._tls.unwrap()
        self._part()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        finally:
            self._flush()
        self._shaken = True
        self._deadline.cancel()
        certificate = self._tls.getpeercert(binary_form=True)
        self._gate = Gate(vouched=certificate is not None and may_log_in(certificate))
        # Nothing more is taken from the client before there is somebody to tell.
        self.hold()
        self._task = asyncio.get_running_loop().create_task(self._enter())

    async def _enter(self) -> None:
        inside = Inside(self)
        try:
            path = await self._way()
            if path is None:
                raise FileNotFoundError
            await asyncio.get_running_loop().create_unix_connection(lambda: inside, str(path))
        except OSError:  # the cluster is down: as a server that is
            self.end()
            return
        self._inside = inside
        self.listen()
        try:
            self._pass_on()
        except ssl.SSLError as error:
            self._refuse(error)

    def _pass_on(self) -> None:
        """Decrypt what has come in, and tell PostgreSQL."""
        pieces: list[bytes] = []
        try:
            while data := self._tls.read(_RECORD_BYTES):
                pieces.append(data)
            ended = True
        except ssl.SSLWantReadError:
            ended = False
        self._flush()  # a change of keys is answered
        self._forward(b"".join(pieces))
        if ended:
            self.eof_received()

    def _forward(self, data: bytes) -> None:
        if self._gate is not None:
            try:
                data = self._gate.from_client(data)
            except RefusedError as refused:
                self._turn_away(refused)
                return
            if self._gate.waits:
                self.hold()
            if self._gate.open:
                self._gate = None
        self._tell(data)

    def _turn_away(self, refused: RefusedError) -> None:
        self._send(refused.answer)
        self.end()

    def _tell(self, data: bytes) -> None:
        if not data or self._inside is None or self._inside.transport is None:
            return
        if not self._client_ended:  # PostgreSQL was told so: nothing follows
            self._inside.transport.write(data)

    def _send(self, data: bytes) -> None:
        if not data or self._ending or self._transport.is_closing():
            return
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            self._refuse(error)
        else:
            self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())

    def _refuse(self, error: ssl.SSLError) -> None:
        """Tell a client why, in TLS's own words, and end: a foreign certificate for one."""
        _log.info("A connector was refused: %s", error.reason or error)
        self._part()

    def _part(self) -> None:
        """Say the last, and leave the client a moment to hear it: a close would cut it off."""
        self._ending = True
        self._flush()
        self._deadline.cancel()
        if self._client_ended:
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(_FAREWELL_S, self._transport.close)
