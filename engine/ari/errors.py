"""What can go wrong between us and Asterisk's REST interface.

AriError
├── Unreachable          never sent: safe to send again
├── OutcomeUnknown       sent, no answer: it may have been executed
├── LaneBusy             an earlier command on the same channel did not end in time: never sent
├── AllocationFailed     500: Asterisk could not make the channel (unknown endpoint, no resource)
├── ServerFailed         any other 5xx
└── CommandRefused       4xx: Asterisk understood and said no
    ├── NotAuthorised    401, 403
    ├── NotFound         404 (and the 400 by which addChannel says it)
    ├── Conflict         409: the id is taken, or the resource is in another state
    ├── NotInStasis      409 or 422: the channel is not (yet, or no longer) ours to command
    └── WrongState       412: the channel cannot do this now
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import structlog

from engine.errors import StandardisteError, Unavailable

log = structlog.get_logger(__name__)

Fault = Literal["engine", "operator", "asterisk"]
"""Who has to act: us, the person who runs us, or whoever reports a defect to Asterisk."""


class AriError(StandardisteError):
    """A command to Asterisk did not do what was asked; `request` names it (`POST /channels/create`)."""

    code: ClassVar[str] = "asterisk-error"
    whose_fault: ClassVar[Fault] = "asterisk"
    advice: ClassVar[str] = "Look at Asterisk's log at the time of the request."
    http_status: ClassVar[int] = 502

    def __init__(self, request: str, detail: str, status: int | None = None) -> None:
        said = detail if status is None else f"{status} {detail}"
        super().__init__(f"{request}: {said}", what_next=self.advice)
        self.request = request
        self.detail = detail
        self.status = status


class Unreachable(AriError, Unavailable):
    """The request never left: Asterisk is not listening, is still booting, or no connection came free in time."""

    code = "asterisk-unreachable"
    whose_fault = "operator"
    advice = "Check that Asterisk runs and that its HTTP server listens where the settings say."
    http_status = 503
    retryable = True


class OutcomeUnknown(AriError):
    """The request left and no answer came back: Asterisk may or may not have executed it.

    Look before acting again (GET by the id we chose). Never send a dial twice.
    """

    code = "asterisk-outcome-unknown"
    advice = "Read the state back by its id before doing anything else; do not repeat a dial."
    http_status = 504


class LaneBusy(AriError, Unavailable):
    """An earlier command on the same channel took too long; this one was never sent."""

    code = "asterisk-channel-busy"
    advice = "Hang the channel up by its id: it does not answer its commands."
    http_status = 503
    retryable = True


class AllocationFailed(AriError):
    """Asterisk could not make the channel: unknown endpoint or technology, or out of RTP ports or memory."""

    code = "asterisk-allocation-failed"
    advice = "Check that the endpoint exists (`pjsip show endpoint`) and that RTP ports are free."


class ServerFailed(AriError):
    """Asterisk answered with a 5xx that is none of the known ones."""

    code = "asterisk-failed"


class CommandRefused(AriError):
    """Asterisk understood the request and said no."""

    code = "asterisk-refused"
    whose_fault: ClassVar[Fault] = "engine"


class NotAuthorised(CommandRefused):
    """The user of ari.conf is unknown, has another password, or may only read."""

    code = "asterisk-not-authorised"
    whose_fault = "operator"
    advice = "Compare the ARI user and secret of the settings with ari.conf."


class NotFound(CommandRefused):
    """No channel, bridge, playback or recording of that id: already gone, or never was."""

    code = "asterisk-not-found"
    whose_fault = "asterisk"
    http_status = 404


class Conflict(CommandRefused):
    """The id is taken (ids conflict by prefix), or the resource is not in a state to do this."""

    code = "asterisk-conflict"
    http_status = 409


class NotInStasis(CommandRefused):
    """The channel is not in our application: not yet (before StasisStart) or no longer (after StasisEnd)."""

    code = "asterisk-not-in-stasis"
    http_status = 409


class WrongState(CommandRefused):
    """The channel is in our application and cannot do this now (answering an undialled channel)."""

    code = "asterisk-wrong-state"
    http_status = 409


@contextmanager
def as_away() -> Iterator[None]:
    """For what an application waits for: an Asterisk that does not answer as it should is away, whatever it said.

    Raises Unavailable; the log has what it said.
    """
    try:
        yield
    except AriError as failed:
        log.warning("asterisk.not_as_it_should", why=failed.message, next=failed.what_next)
        raise Unavailable("Asterisk does not answer as it should", code=Unreachable.code) from failed
