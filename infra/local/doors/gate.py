"""Who may log in through a door, where PostgreSQL trusts its socket more than its clients.

The administrator is let in there as the operating system's user that this server runs as:
nobody who comes through a door may ask for that name. IAM users are let in without a
password, as the door has seen their certificate. One that was made without a token vouches
for nobody: the gate holds back whatever such a client sends behind its startup packet until
PostgreSQL has asked for a password.
"""

import struct
from dataclasses import dataclass, field

from infra.local.engine.conf import ADMIN

_REQUESTS = (80877103, 80877104)  # for TLS and for GSS within the connection
_AUTHENTICATION_OK = 0
_LENGTH, _CODE_END = 4, 8
_HEAD = 5  # of a message: its type and its length
# PostgreSQL takes no longer startup packet; a shorter one has no code.
_PACKET_LIMIT = 10_004
_INVALID_AUTHORIZATION = "28000"


class RefusedError(Exception):
    """PostgreSQL would let a client in that nobody vouches for.

    Attributes:
        answer: What the client is told, as a message of PostgreSQL's protocol.
    """

    def __init__(self, user: str) -> None:
        self.answer = _fatal(f'Cloud SQL IAM user authentication failed for user "{user}"')
        super().__init__(user)


@dataclass(slots=True)
class Gate:
    """The beginning of one connection.

    Attributes:
        vouched: Whether the client's certificate was made with a token.
        open: Whether both sides may say what they like.
    """

    vouched: bool = False
    open: bool = False
    _held: bytearray = field(default_factory=bytearray)
    _heard: bytearray = field(default_factory=bytearray)
    _asked: int | None = None
    _user: str = ""

    @property
    def waits(self) -> bool:
        """Whether the server has to answer before the client is listened to."""
        return not self.open and self._asked is not None

    def from_client(self, data: bytes) -> bytes:
        """Return what may go to the server now; the rest is kept.

        Raises:
            RefusedError: If the client asks for the administrator's name.
        """
        self._held += data
        if self.open:
            return self._release()
        if self.waits or len(self._held) < _CODE_END:
            return b""
        length, code = struct.unpack_from("!ii", self._held)
        if not _CODE_END <= length <= _PACKET_LIMIT:
            # PostgreSQL refuses the length alone; nothing behind it ever passes.
            self._asked = code
            return bytes(self._held[:_LENGTH])
        if len(self._held) < length:
            return b""
        packet = bytes(self._held[:length])
        del self._held[:length]
        self._asked = code
        self._user = _user(packet)
        # Anywhere in it: so nothing depends on reading the packet as PostgreSQL does.
        if ADMIN.encode() in packet:
            raise RefusedError(ADMIN)
        if self.vouched and code not in _REQUESTS:
            self.open = True
            return packet + self._release()
        return packet

    def from_server(self, data: bytes) -> bytes:
        """Return what may go to the client now.

        Raises:
            RefusedError: If the server asks for no password.
        """
        if self.open:
            return data
        self._heard += data
        if self._asked in _REQUESTS:
            # One letter, always N on a socket; the client then begins again.
            self._asked = None
            self.open = self._heard[:1] == b"E"
            return self._take(len(self._heard))
        return self._skim()

    def released(self) -> bytes:
        """Return what the client said in the meantime and may go to the server now."""
        return self.from_client(b"")

    def _skim(self) -> bytes:
        """Look for the first message that says how the client is authenticated."""
        at = 0
        while len(self._heard) >= at + _HEAD + _LENGTH:
            kind = bytes(self._heard[at : at + 1])
            length, code = struct.unpack_from("!ii", self._heard, at + 1)
            if kind == b"R" and code == _AUTHENTICATION_OK:
                raise RefusedError(self._user)
            if kind not in (b"N", b"v"):  # notices and the like may come before
                self.open = True
                return self._take(len(self._heard))
            at += 1 + length
        return self._take(min(at, len(self._heard)))

    def _take(self, length: int) -> bytes:
        data = bytes(self._heard[:length])
        del self._heard[:length]
        return data

    def _release(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data


def _user(packet: bytes) -> str:
    words = packet[_CODE_END:].split(b"\0")
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    return pairs.get(b"user", b"").decode(errors="replace")


def _fatal(message: str) -> bytes:
    fields = {"S": "FATAL", "V": "FATAL", "C": _INVALID_AUTHORIZATION, "M": message}
    body = b"".join(f"{kind}{text}".encode() + b"\0" for kind, text in fields.items()) + b"\0"
    return b"E" + struct.pack("!i", len(body) + _LENGTH) + body
