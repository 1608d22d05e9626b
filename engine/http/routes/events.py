"""`/v1/events`: the public events of calls as they happen, over a websocket that can be resumed.

Every listener reads the journal at its own pace from where it stands. Nothing is queued for a slow one: it is dropped,
told why by the close code, and resumes from its cursor.
"""

import asyncio
import re
from collections.abc import Coroutine
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec
import structlog
from aiohttp import WSCloseCode, web

from engine.calls.contract import Feed, Told
from engine.domain.public_events import EVENT_TYPES, PublicEvent
from engine.errors import StandardisteError
from engine.http.auth import actor_of
from engine.http.problems import HttpRefusal
from engine.http.routing import Answer, Asked, Route

log = structlog.get_logger("engine.http")

LISTENERS = 200  # at once; each costs one small read of the journal per event
PAGE = 100  # events per read: a few milliseconds of the loop when they are sent
SEND_S = 10.0  # a reader that takes nothing for this long is too slow
BEAT_S = 15.0  # nothing was sent for so long: say where we are, and see that the token still lives
PING_S = 30.0  # a peer that does not answer a ping within half of it is gone
GOODBYE_S = 5.0  # for the close frame to get through
SLOW, REVOKED = 4408, 4401  # our own close codes (RFC 6455 7.4.2), after HTTP's 408 and 401

_CURSOR = re.compile(r"([0-9a-f]{12})\.([0-9]{1,18})", re.ASCII)
_TYPES = "^({one})(,({one}))*$".format(one="|".join(EVENT_TYPES).replace(".", r"\."))
LISTENING: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("listening")


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after`: the cursor of the last message that was worked through; left out, only what happens from now on.
    `types`: names of events, separated by commas; left out, all."""

    after: Annotated[str, msgspec.Meta(pattern=f"^{_CURSOR.pattern}$")] | None = None
    types: Annotated[str, msgspec.Meta(pattern=_TYPES)] | None = None


class StreamMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One text frame. `hello` comes first, `event` carries one, `beat` says where the stream is when nothing happens,
    `gap` that events were lost: those asked for are no longer (or never were) in this engine's journal."""

    kind: Literal["hello", "event", "beat", "gap"]
    cursor: str  # to be given as `after` to go on from behind this message
    event: PublicEvent | None = None  # with its `id` besides
    why: str | None = None  # of a gap


class Listener:
    """One connection: where it stands and what it wants."""

    def __init__(self, asked: Asked, feed: Feed, socket: web.WebSocketResponse, types: frozenset[str]) -> None:
        self._asked, self._feed, self._socket, self._types = asked, feed, socket, types
        self._agent = asked.who.agent
        self._at = 0

    async def run(self, after: tuple[str, int] | None) -> None:
        """Tell events for ever; raises TimeoutError for a reader that is too slow, HttpRefusal for a dead token."""
        await self._begin(after)
        while True:
            news = self._feed.news()
            while page := await self._feed.page(self._at, PAGE):
                await self._tell(page)
            try:
                async with asyncio.timeout(BEAT_S):
                    await news.wait()
            except TimeoutError:
                await actor_of(self._asked.request, self._asked.services.tokens)
                await self._say("beat")

    async def _begin(self, after: tuple[str, int] | None) -> None:
        oldest, newest = await self._feed.bounds()
        ours = after is not None and after[0] == self._feed.journal_id[:12]
        self._at = newest if after is None else after[1] if ours else oldest - 1
        await self._say("hello")
        if after is None:
            return
        if not ours or self._at > newest:
            self._at = oldest - 1
            await self._say("gap", why="this cursor is not of this engine's journal: all that is held follows")
        elif self._at < oldest - 1:
            self._at = oldest - 1
            await self._say("gap", why="this cursor is too old: what is still held follows")

    async def _tell(self, page: list[Told]) -> None:
        for told in page:
            if told.seq > self._at + 1:  # pruned while this reader was behind; numbers have no holes of their own
                self._at = told.seq - 1
                await self._say("gap", why="the reader fell too far behind: what is still held follows")
            self._at = told.seq
            if self._wanted(told):
                frame = b'{"kind":"event","cursor":"%s","event":%s}' % (self._cursor().encode(), told.body)
                await self._send(frame.decode())

    def _wanted(self, told: Told) -> bool:
        return told.type in self._types and self._agent in (None, told.agent)

    def _cursor(self) -> str:
        return f"{self._feed.journal_id[:12]}.{self._at}"

    async def _say(self, kind: Literal["hello", "beat", "gap"], why: str | None = None) -> None:
        await self._send(msgspec.json.encode(StreamMessage(kind=kind, cursor=self._cursor(), why=why)).decode())

    async def _send(self, frame: str) -> None:
        async with asyncio.timeout(SEND_S):
            await self._socket.send_str(frame)


async def stream(asked: Asked) -> web.StreamResponse:
    query = asked.query_as(EventsQuery)
    types, after = _types(query.types), _after(query.after)
    feed = asked.services.feed
    if feed is None:
        raise HttpRefusal("not-found", "This engine has no stream of events")
    socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=1024, timeout=GOODBYE_S)
    if asked.request.method != "GET" or not socket.can_prepare(asked.request).ok:
        raise HttpRefusal("websocket-needed", "This address speaks websocket only", headers={"Upgrade": "websocket"})
    listening = asked.request.app[LISTENING]
    if len(listening) >= LISTENERS:
        raise HttpRefusal("listeners-full", f"{LISTENERS} listeners are connected already")
    socket.headers.update({"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"})
    await socket.prepare(asked.request)
    listening.add(socket)
    try:
        await _listen(asked.request, socket, Listener(asked, feed, socket, types).run(after))
    finally:
        listening.discard(socket)
    return socket


async def _listen(request: web.Request, socket: web.WebSocketResponse, work: Coroutine[Any, Any, None]) -> None:
    """Until either side is done; then the close frame with its reason."""
    telling = asyncio.create_task(work, name="event-listener")
    hearing = asyncio.create_task(_hear(socket), name="event-listener-hearing")
    try:
        await asyncio.wait([telling, hearing], return_when=asyncio.FIRST_COMPLETED)
    finally:
        hearing.cancel()
        telling.cancel()
        ends = await asyncio.gather(telling, hearing, return_exceptions=True)
    await _goodbye(request, socket, *_reason(ends[0]))


async def _hear(socket: web.WebSocketResponse) -> None:
    """Pongs and the peer's goodbye; what else it says is not listened to."""
    async for _ in socket:
        pass


def _reason(end: BaseException | None) -> tuple[int, str]:
    match end:
        case TimeoutError():
            return SLOW, "too slow: connect again with after=<the last cursor>"
        case HttpRefusal():
            return REVOKED, "the token is no longer valid"
        case StandardisteError():
            log.warning("events.cut", why=end.message)
            return WSCloseCode.TRY_AGAIN_LATER, "the journal cannot be read now"
        case None | asyncio.CancelledError() | ConnectionError():
            return WSCloseCode.OK, ""
        case _:
            log.error("events.failed", exc_info=end)
            return WSCloseCode.INTERNAL_ERROR, "an error of the engine"


async def _goodbye(request: web.Request, socket: web.WebSocketResponse, code: int, why: str) -> None:
    """The close frame, if it gets through in time; the connection is gone afterwards in any case."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(GOODBYE_S):
            await socket.close(code=code, message=why.encode(), drain=False)
    if code == SLOW and request.transport is not None:
        request.transport.abort()


async def leave(app: web.Application) -> None:
    """The engine stops: every listener is told, and may come back to the next engine."""
    gone = [one.close(code=WSCloseCode.GOING_AWAY, message=b"the engine stops") for one in app[LISTENING]]
    await asyncio.gather(*gone, return_exceptions=True)


def prepare(app: web.Application) -> None:
    """What this resource keeps in the application."""
    app[LISTENING] = set()
    app.on_shutdown.append(leave)


def _types(text: str | None) -> frozenset[str]:
    wanted = frozenset(EVENT_TYPES) if text is None else frozenset(text.split(","))
    unknown: set[Any] = set(wanted) - set(EVENT_TYPES)
    if unknown:
        raise HttpRefusal("invalid-query", f"types: there are only {', '.join(EVENT_TYPES)}")
    return wanted


def _after(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise HttpRefusal("invalid-query", "after: this cursor was never given")
    return found[1], int(found[2])


ROUTES = (
    Route(
        method="GET",
        path="/v1/events",
        operation="streamEvents",
        tag="events",
        scope="calls:read",
        summary="Events of calls as they happen (websocket)",
        summary_fr="Les évènements des appels au fil de l'eau (websocket)",
        description="Text frames, each a StreamMessage. Resume with `after`: events are held 72 hours; what can no "
        "longer be had is told by a `gap`, never left out in silence. With an agent's own token: that agent's calls. "
        f"Close codes besides the standard ones: {SLOW} the reader is too slow, {REVOKED} the token died.",
        description_fr="Trames de texte, chacune un StreamMessage. Reprise par `after` : les évènements sont gardés 72 "
        "heures ; ce qui n'est plus disponible est signalé par un `gap`, jamais omis en silence. Avec le jeton propre "
        f"d'un agent : les appels de cet agent. Codes de fermeture en plus des codes standard : {SLOW} lecteur trop "
        f"lent, {REVOKED} jeton révoqué.",
        handle=stream,
        query=EventsQuery,
        frames=StreamMessage,
        answers=(Answer(status=101, what="Switching to websocket; frames are StreamMessage"),),
        problems=("websocket-needed", "listeners-full", "journal-unwritable", "journal-damaged"),
        streams=True,
    ),
)
