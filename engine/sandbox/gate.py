"""A trunk's front door: one UDP port through which all its SIP passes, so that a whole trunk can refuse or fall silent.

The far end's Asterisk stands behind it. Packets pass unchanged, but for two things: its port in what it says of itself
becomes the door's, and where a behaviour asks for a SIP code that Asterisk has no hang-up cause for, the door puts it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

from engine.sandbox.behaviours import EXACT_CODES, behaviour_of

Address = tuple[str, int]
SILENT = 0  # the code that stands for no answer at all
TRYING, RINGING, PROGRESS = 100, 180, 183  # these, and nothing more

REASONS = {
    TRYING: "Trying",
    RINGING: "Ringing",
    PROGRESS: "Session Progress",
    302: "Moved Temporarily",
    403: "Forbidden",
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    500: "Server Internal Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    603: "Decline",
    606: "Not Acceptable",
}

_REQUEST = re.compile(rb"([A-Z]+) sips?:([^@; >]*)")
_FINAL = re.compile(rb"SIP/2.0 ([3-6]\d\d) [^\r\n]*")
_TO = re.compile(rb"^(?:To|t)\s*:[^<\r\n]*<sips?:([^@;>]*)", re.IGNORECASE | re.MULTILINE)
_FROM = re.compile(rb"^(?:From|f)\s*:[^<\r\n]*<sips?:([^@;>]*)", re.IGNORECASE | re.MULTILINE)
_CALL_ID = re.compile(rb"^(?:Call-ID|i)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_IN_DIALOG = re.compile(rb"^(?:To|t)\s*:[^\r\n]*;\s*tag=", re.IGNORECASE | re.MULTILINE)
_OF_INVITE = re.compile(rb"^CSeq\s*:\s*\d+\s+INVITE", re.IGNORECASE | re.MULTILINE)
_KEPT = re.compile(rb"^(?:Via|v|From|f|To|t|Call-ID|i|CSeq)\s*:", re.IGNORECASE)


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # the protocol's own signature is wider

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        """The other side's port is closed: it is being killed or restarted, and will send again."""

    def send(self, data: bytes, address: Address) -> None:
        if self._transport is not None:
            self._transport.sendto(data, address)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Gate:
    """The door at `address` (host, port) to the Asterisk at `behind`.

    `on_refused(number, from_number, sip_call_id)` is told each INVITE that the door refuses: nobody else sees it.
    """

    def __init__(self, address: Address, behind: Address, on_refused: Callable[[str, str, str], None]) -> None:
        self._address, self._behind = address, behind
        self._on_refused = on_refused
        self._code: int | None = None
        self._refused: set[bytes] = set()
        self._caller: Address | None = None
        self._outside = _Socket(self._from_outside)
        self._inside = _Socket(self._from_inside)

    async def open(self) -> None:
        """Listen; raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self._outside, local_addr=self._address)
        await loop.create_datagram_endpoint(lambda: self._inside, local_addr=("127.0.0.1", 0))

    def close(self) -> None:
        """Stop listening."""
        self._outside.close()
        self._inside.close()

    def refuse(self, code: int | None) -> None:
        """Answer every new call with a SIP code; 0: answer nothing, to anything; None: let calls through again."""
        self._code = code

    def _from_outside(self, packet: bytes, address: Address) -> None:
        self._caller = address
        if self._code == SILENT:
            return
        call_id = found[1] if (found := _CALL_ID.search(packet)) else b""
        request = _REQUEST.match(packet)
        method = request[1] if request else b""
        if request and method == b"INVITE" and self._code is not None and not _IN_DIALOG.search(packet):
            self._refuse(packet, request[2], call_id, self._code)
        elif method != b"ACK" or call_id not in self._refused:
            self._inside.send(packet, self._behind)

    def _refuse(self, packet: bytes, number: bytes, call_id: bytes, code: int) -> None:
        if call_id not in self._refused:  # not one that is sent again
            self._refused.add(call_id)
            caller = found[1] if (found := _FROM.search(packet)) else b""
            self._on_refused(number.decode(), caller.decode(), call_id.decode())
        if self._caller:
            self._outside.send(_answer(packet, code), self._caller)

    def _from_inside(self, packet: bytes, _: Address) -> None:
        if self._code == SILENT or self._caller is None:
            return
        self._outside.send(self._exact(self._as_the_door(packet)), self._caller)

    def _as_the_door(self, packet: bytes) -> bytes:
        """Contact and Via name what is behind. The body, whose length is told, names no SIP port."""
        return packet.replace("{}:{}".format(*self._behind).encode(), "{}:{}".format(*self._address).encode())

    @staticmethod
    def _exact(packet: bytes) -> bytes:
        final, to = _FINAL.match(packet), _TO.search(packet)
        if not final or not to or not _OF_INVITE.search(packet) or final[1] == b"401":
            return packet
        code = EXACT_CODES.get(behaviour_of(to[1].decode(errors="replace")))
        return packet if code is None else _status(code) + packet[final.end() :]


def _status(code: int) -> bytes:
    return f"SIP/2.0 {code} {REASONS.get(code, 'Refused')}".encode()


def _answer(request: bytes, code: int) -> bytes:
    kept = [line for line in request.split(b"\r\n\r\n")[0].split(b"\r\n") if _KEPT.match(line)]
    tagged = [line + b";tag=door" if line[:2].lower() in {b"to", b"t:"} else line for line in kept]
    return b"\r\n".join([_status(code), *tagged, b"Content-Length: 0", b"", b""])
