"""Orders whose answer is not waited for: `Prefer: respond-async` (RFC 7240, 4.1).

The order is carried out beside the request; what came of it can be read for as long as this process lives and a
thousand later ones have not pushed it out. The audit and the directory's revisions keep the rest.
"""

import asyncio
import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import structlog
from aiohttp import web

from engine.errors import StandardisteError, UnknownThing
from engine.http import problems
from engine.http.problems import HttpRefusal, Problem
from engine.http.routing import Asked, Route, json_answer

log = structlog.get_logger("engine.http")

HELD = 1000
UNDER_WAY = 50
"""At once: one change is made at a time, and whoever sends more is better told to wait."""
PREFERENCE = "respond-async"


class ChangeLinks(msgspec.Struct, frozen=True):
    """Where to see what came of it."""

    config: str


class ChangePending(msgspec.Struct, frozen=True, kw_only=True):
    """The order was taken and is being carried out."""

    id: str
    state: Literal["pending"] = "pending"
    links: ChangeLinks


class ChangeState(msgspec.Struct, kw_only=True):
    """An order and what came of it: `answer` once it is `done`, `problem` once it is `refused`."""

    id: str
    operation: str
    asked_at: datetime
    state: Literal["pending", "done", "refused"] = "pending"
    answer: dict[str, Any] | None = None
    problem: Problem | None = None


def preferred(request: web.Request) -> bool:
    """Whether the asker would rather not wait."""
    wishes = ",".join(request.headers.getall("Prefer", [])).split(",")
    return any(wish.partition(";")[0].strip().lower() == PREFERENCE for wish in wishes)


class Deferred:
    """The orders under way and the last that ended, each seen only by the token that gave it."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[str, ChangeState]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, route: Route, asked: Asked) -> web.Response:
        """Carry the order out beside this request; raises HttpRefusal `changes-under-way` when there are too many."""
        if len(self._tasks) >= UNDER_WAY:
            raise HttpRefusal("changes-under-way", f"{UNDER_WAY} changes are under way")
        change = ChangeState(id=str(uuid.uuid4()), operation=route.operation, asked_at=datetime.now(UTC))
        self._held[change.id] = (asked.who.token_id, change)
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        task = asyncio.create_task(self._carry_out(route, asked, change), name=f"deferred-{change.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        here = f"/v1/config/changes/{change.id}"
        headers = {"Location": here, "Preference-Applied": PREFERENCE}
        return json_answer(ChangePending(id=change.id, links=ChangeLinks(config=here)), 202, headers)

    def state(self, name: str, token_id: str) -> ChangeState:
        """What came of it; raises UnknownThing, for somebody else's too."""
        owner, change = self._held.get(name.lower(), ("", None))
        if change is None or owner != token_id:
            raise UnknownThing("No such change, or this engine was started since: see /v1/directory/revisions")
        return change

    async def drain(self, bound_s: float) -> None:
        """Let what is under way end, for this long at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=bound_s)

    async def _carry_out(self, route: Route, asked: Asked, change: ChangeState) -> None:
        try:
            answer = await route.handle(asked)
        except StandardisteError as refused:
            change.problem = problems.problem_of(refused, change.id)[0]
            if change.problem.code == "internal":
                self._incident(asked, route, change.id, refused)
        except Exception as error:  # nobody awaits it: whoever asked reads of it here, and the log has it whole
            change.problem = problems.internal_problem(change.id)
            self._incident(asked, route, change.id, error)
        else:
            body = answer.body if isinstance(answer, web.Response) else None
            change.answer = msgspec.json.decode(body) if isinstance(body, bytes) and body else {}
        change.state = "refused" if change.problem else "done"

    @staticmethod
    def _incident(asked: Asked, route: Route, change: str, error: Exception) -> None:
        asked.services.metrics.http.incidents.inc()
        log.error("http incident", method=route.method, path=asked.request.path, incident=change, exc_info=error)
