"""Who asks, and how often: bearer tokens (RFC 6750), scopes, and a pace for each token."""

import re
import time
from collections.abc import Callable

from aiohttp import web

from engine.calls.contract import Actor
from engine.http.ports import Scope, Tokens
from engine.http.problems import HttpRefusal

_BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/-]{1,512}=*) *", re.IGNORECASE)
_REALM = 'Bearer realm="standardiste"'


async def actor_of(request: web.Request, tokens: Tokens) -> Actor:
    """Who speaks; raises HttpRefusal `unauthenticated`. The token's text never appears in an answer or a log."""
    given = request.headers.getall("Authorization", [])
    if not given:
        raise HttpRefusal("unauthenticated", "No token was sent", headers={"WWW-Authenticate": _REALM})
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    actor = await tokens.verify(found[1]) if found else None
    if actor is None:
        challenge = f'{_REALM}, error="invalid_token"'
        raise HttpRefusal(
            "unauthenticated", "The token is unknown, revoked or malformed", headers={"WWW-Authenticate": challenge}
        )
    return actor


def require_scope(actor: Actor, scope: Scope) -> None:
    """Raises HttpRefusal `scope-missing`, naming the scope. `admin` includes every other scope."""
    if scope not in actor.scopes and "admin" not in actor.scopes:
        challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
        raise HttpRefusal(
            "scope-missing",
            f"This needs the scope {scope}, which the token {actor.name!r} lacks",
            headers={"WWW-Authenticate": challenge},
        )


def require_own(actor: Actor, agent: str | None) -> None:
    """An agent's own token acts for that agent and on that agent's calls only; raises HttpRefusal `own-calls-only`."""
    if actor.agent is not None and actor.agent != agent:
        raise HttpRefusal("own-calls-only", f"This token is agent {actor.agent}'s own: it acts for that agent only")


class Pace:
    """A token bucket for each API token: `burst` requests at once, `per_s` for ever. Holds valid tokens only, so it
    is bounded by the number of tokens there are."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}  # token id -> (left, when)

    def take(self, token_id: str) -> None:
        """Count one request; raises HttpRefusal `rate-limited` with Retry-After (whole seconds, rounded up)."""
        now = self._clock()
        left, since = self._buckets.get(token_id, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_s)
        if left < 1:
            self._buckets[token_id] = (left, now)
            seconds = int((1 - left) / self._per_s) + 1
            raise HttpRefusal(
                "rate-limited",
                f"This token may send {self._per_s:g} requests per second",
                headers={"Retry-After": str(seconds)},
            )
        self._buckets[token_id] = (left - 1, now)
