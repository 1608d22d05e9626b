"""The outside credit check: one signed question before each call, to the address the settings name."""

from typing import Annotated, Any, Literal

import msgspec
import structlog

from engine.domain.request import ConnectRequest
from engine.domain.values import CallId
from engine.errors import Refused
from engine.fraud_settings import CreditSettings
from engine.webhooks.addresses import check_url
from engine.webhooks.ports import Endpoint, Reply
from engine.webhooks.poster import Poster

log = structlog.get_logger(__name__)

AGAIN_S = 5
REASON_LIMIT = 200


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: who wants to call whom. `type` tells it from an event."""

    type: Literal["credit.check"] = "credit.check"
    call_id: str
    agent: str | None  # None, as the mode: a call for a group
    site: str
    token: str
    mode: str | None
    to: str
    campaign: str | None
    contact: str | None
    variables: dict[str, Any]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered. `max_s`: the seconds the parties may talk; left out, nothing new."""

    allowed: bool
    max_s: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    reason: str = ""


class CreditHook:
    """`calls.ports.Credit` by HTTP. Raises InvalidValue for an address that can never be asked."""

    def __init__(self, settings: CreditSettings, poster: Poster) -> None:
        if settings.url is None or settings.secret is None:
            raise ValueError("a credit check needs an address and a secret")
        check_url(settings.url, private=settings.private_addresses)
        self._settings, self._poster = settings, poster
        self._endpoint = Endpoint(name="credit", url=settings.url, secret=settings.secret.get_secret_value())

    async def ask(self, call_id: CallId, request: ConnectRequest) -> int | None:
        question = msgspec.json.encode(_question(call_id, request))
        reply, said = await self._poster.ask(
            self._endpoint, f"credit.{call_id}", question, within_s=self._settings.time_s
        )
        verdict = _read(reply, said)
        if isinstance(verdict, str):
            self._away(call_id, verdict)
            return None
        if not verdict.allowed:
            raise Refused(
                f"the credit check refused the call{_because(verdict.reason)}",
                rule="credit-refused",
                status=403,
                what_next="Whoever keeps the credit can tell why.",
            )
        return verdict.max_s

    def _away(self, call_id: CallId, why: str) -> None:
        log.error("credit.away", call=call_id, why=why, calls_are=self._settings.when_away)
        if self._settings.when_away == "refuse":
            raise Refused(
                "the credit check does not answer as it should",
                rule="credit-away",
                status=503,
                retry_after_s=AGAIN_S,
                what_next="Try again in a moment. Whoever runs the engine: see its log, and [credit] when_away.",
            )


def _question(call_id: CallId, request: ConnectRequest) -> Question:
    return Question(
        call_id=call_id,
        agent=request.agent,
        site=request.site,
        token=request.asked_by,
        mode=request.mode,
        to=request.customer_number,
        campaign=request.campaign,
        contact=request.contact,
        variables=request.variables,
    )


def _read(reply: Reply, said: bytes) -> Verdict | str:
    """The verdict, or why there is none."""
    if reply.status != 200:
        return reply.error or f"answered {reply.status}, and 200 is expected"
    try:
        return msgspec.json.decode(said, type=Verdict)
    except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
        return f"answered what cannot be read: {unreadable}"


def _because(reason: str) -> str:
    kept = "".join(character for character in reason[:REASON_LIMIT] if character.isprintable())
    return f": {kept}" if kept else ""
