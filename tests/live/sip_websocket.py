"""SIP over a websocket (RFC 7118), as much of it as a telephone in a browser needs: one account, one call at a time.

Written from the RFCs and sharing nothing with the engine, Asterisk or baresip.
"""

import asyncio
import hashlib
import re
import secrets
import ssl
from collections.abc import Callable
from typing import NamedTuple, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

WAIT_S = 20.0
REGISTERED_S = 300
Header = tuple[str, str]

_CHALLENGED = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_ADDRESS = re.compile(r"<([^>]+)>")
_BRANCH = re.compile(r";branch=([^;,\s]+)")


class Message(NamedTuple):
    """A request or an answer; `first` is its first line."""

    first: str
    headers: tuple[Header, ...]
    body: str = ""

    def header(self, name: str) -> str:
        """The first of this name."""
        return next(value for given, value in self.headers if given.lower() == name.lower())

    @property
    def status(self) -> int:
        """Of an answer; 0 for a request."""
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """What is asked, or was."""
        return self.header("CSeq").split(" ")[1]

    @property
    def branch(self) -> str:
        """The transaction it belongs to."""
        found = _BRANCH.search(self.header("Via"))
        return found[1] if found else ""

    def to_wire(self) -> str:
        lines = [f"{name}: {value}" for name, value in (*self.headers, ("Content-Length", str(len(self.body))))]
        return "\r\n".join([self.first, *lines, "", self.body])

    @classmethod
    def from_wire(cls, text: str) -> Self:
        head, _, body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, tuple((name.strip(), value.strip()) for name, _, value in pairs), body)


class Dialog:
    """One side of a registration or a call, from the first request on."""

    def __init__(self, *, local: str, remote: str, target: str, call_id: str) -> None:
        self.local, self.remote, self.target, self.call_id = local, remote, target, call_id
        self.cseq = 0

    @classmethod
    def ours(cls, local: str, remote: str) -> Self:
        """One that we begin; both are addresses."""
        tag, call_id = secrets.token_hex(6), secrets.token_hex(12)
        return cls(local=f"<{local}>;tag={tag}", remote=f"<{remote}>", target=remote, call_id=call_id)

    @classmethod
    def theirs(cls, invite: Message) -> Self:
        """The one that somebody's INVITE begins."""
        return cls(
            local=f"{invite.header('To')};tag={secrets.token_hex(6)}",
            remote=invite.header("From"),
            target=address_in(invite.header("Contact")),
            call_id=invite.header("Call-ID"),
        )


class SipSocket:
    """``async with SipSocket(url, uri, user, secret, taken) as line: assert await line.register() == 200``

    `taken` is given each request that comes, to `answer` it; `trusted` says whose certificate will do (`wss:`).
    """

    def __init__(
        self,
        url: str,
        uri: str,
        user: str,
        secret: str,
        taken: Callable[[Message], None],
        *,
        trusted: ssl.SSLContext | None = None,
    ) -> None:
        self.uri = uri
        self._trusted = trusted
        self._url, self._user, self._secret, self._taken = url, user, secret, taken
        self._me = f"{secrets.token_hex(6)}.invalid"  # a browser knows no address of its own (RFC 7118, 5.2)
        self._contact = f"<sip:{user}@{self._me};transport=ws>"
        self._account = Dialog.ours(uri, uri)
        self._account.target = f"sip:{self._host}"
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, asyncio.Future[Message]] = {}

    async def __aenter__(self) -> Self:
        self._socket = await connect(self._url, subprotocols=[Subprotocol("sip")], proxy=None, ssl=self._trusted)
        self._reading = asyncio.create_task(self._read(self._socket), name="sip-websocket")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    @property
    def _host(self) -> str:
        return self.uri.rpartition("@")[2]

    def address(self, user: str) -> str:
        """Somebody at the same place."""
        return f"sip:{user}@{self._host}"

    async def register(self, expires_s: int = REGISTERED_S) -> int:
        """Ask for a registration (0 ends it); the status of the last answer."""
        headers = (("Contact", f"{self._contact};expires={expires_s}"), ("Expires", str(expires_s)))
        return (await self.ask(self._account, "REGISTER", headers)).status

    async def ask(self, dialog: Dialog, method: str, headers: tuple[Header, ...] = (), body: str = "") -> Message:
        """The final answer, after signing in if that is asked for; an INVITE's is acknowledged."""
        answer = await self._once(dialog, method, headers, body)
        if answer.status in {401, 407}:
            answer = await self._once(dialog, method, (*headers, self._signed(answer, method, dialog.target)), body)
        return answer

    def answer(self, request: Message, status: str, *, tagged: str = "", body: str = "") -> None:
        """Answer with `200 OK`. `tagged` is our side of the dialog."""
        kept = tuple(
            (name, value) for name, value in request.headers if name.lower() in {"via", "from", "call-id", "cseq"}
        )
        to = ("To", tagged or request.header("To"))
        self._send(Message(f"SIP/2.0 {status}", (*kept, to, ("Contact", self._contact), *_kind_of(body)), body))

    async def _once(self, dialog: Dialog, method: str, headers: tuple[Header, ...], body: str) -> Message:
        dialog.cseq += 1
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        self._waiting[branch] = asyncio.get_running_loop().create_future()
        self._send(self._request(dialog, method, branch, headers, body))
        try:
            async with asyncio.timeout(WAIT_S):
                answer = await self._waiting[branch]
        finally:
            del self._waiting[branch]
        if method == "INVITE":
            self._acknowledge(dialog, answer, branch)
        return answer

    def _acknowledge(self, dialog: Dialog, answer: Message, branch: str) -> None:
        """A refusal's belongs to its transaction, an acceptance's is one of its own (RFC 3261, 17.1.1.3, 13.2.2.4)."""
        to = answer.header("To")
        if answer.status < 300:
            dialog.remote, dialog.target = to, address_in(answer.header("Contact"))
            branch = f"z9hG4bK{secrets.token_hex(8)}"
        ack = self._request(dialog, "ACK", branch, (), "")
        headers = tuple((name, to if name == "To" else value) for name, value in ack.headers)
        self._send(ack._replace(headers=headers))

    def _request(self, dialog: Dialog, method: str, branch: str, headers: tuple[Header, ...], body: str) -> Message:
        own = (
            ("Via", f"SIP/2.0/WS {self._me};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{dialog.cseq} {method}"),
        )
        contact = () if any(name == "Contact" for name, _ in headers) else (("Contact", self._contact),)
        return Message(f"{method} {dialog.target} SIP/2.0", (*own, *contact, *headers, *_kind_of(body)), body)

    def _signed(self, challenge: Message, method: str, uri: str) -> Header:
        """Digest credentials with MD5 and qop=auth (RFC 2617, 3.2.2)."""
        asking, name = ("WWW-Authenticate", "Authorization")
        if challenge.status == 407:
            asking, name = ("Proxy-Authenticate", "Proxy-Authorization")
        told = {key: quoted or plain for key, quoted, plain in _CHALLENGED.findall(challenge.header(asking))}
        cnonce = secrets.token_hex(8)
        account = _md5(f"{self._user}:{told['realm']}:{self._secret}")
        response = _md5(f"{account}:{told['nonce']}:00000001:{cnonce}:auth:{_md5(f'{method}:{uri}')}")
        words = {"username": self._user, "realm": told["realm"], "nonce": told["nonce"], "uri": uri}
        words |= {"response": response, "cnonce": cnonce, "opaque": told.get("opaque", "")}
        quoted = ", ".join(f'{key}="{value}"' for key, value in words.items())
        return name, f"Digest {quoted}, algorithm=MD5, qop=auth, nc=00000001"

    def _send(self, message: Message) -> None:
        """In the order of the calls: a socket's `send` takes its turn before it first waits."""
        assert self._socket is not None
        sending = asyncio.create_task(self._socket.send(message.to_wire()))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            text = frame if isinstance(frame, str) else frame.decode()
            if not text.strip():
                continue  # a keep-alive
            message = Message.from_wire(text)
            if not message.status:
                self._taken(message)
            elif message.status >= 200 and (waiting := self._waiting.get(message.branch)) and not waiting.done():
                waiting.set_result(message)


def _kind_of(body: str) -> tuple[Header, ...]:
    return (("Content-Type", "application/sdp"),) if body else ()


def address_in(header: str) -> str:
    """The address in angle brackets, or the bare one without its parameters."""
    found = _ADDRESS.search(header)
    return found[1] if found else header.split(";", maxsplit=1)[0]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
