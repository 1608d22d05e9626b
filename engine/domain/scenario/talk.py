"""The interpreter's whole contact with the world: what it is told (facts), and what it orders (data).

Whatever is ordered with a number is answered with that number; an answer to something that is no longer waited for
changes nothing. On a channel, `engine.domain.scripted` puts these into effects and events of the call; the simulator
answers them itself.
"""

from datetime import datetime
from typing import Literal

import msgspec

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario.graph import Outcome, Reason, Value
from engine.domain.values import E164, Extension, Slug

# -- what is heard -----------------------------------------------------------------------------------------------------


class Heard(msgspec.Struct, frozen=True, tag_field="kind"):
    """One thing to play, with every variable filled in."""


class Words(Heard, frozen=True, tag="words"):
    """Spoken by the speech engine; the file it is rendered to is named after the text and the language."""

    text: str


class Recording(Heard, frozen=True, tag="recording"):
    """An uploaded recording of ours."""

    name: Slug


class AsteriskSound(Heard, frozen=True, tag="sound"):
    name: str


class DigitByDigit(Heard, frozen=True, tag="digits"):
    digits: str


class WholeNumber(Heard, frozen=True, tag="number"):
    number: int


class Day(Heard, frozen=True, tag="date"):
    day: str  # 2026-05-01


class Silence(Heard, frozen=True, tag="silence"):
    seconds: float


class House(Heard, frozen=True, tag="house"):
    """The engine's own words (`engine.sounds`), in every language it speaks."""

    prompt: str


AnyHeard = Words | Recording | AsteriskSound | DigitByDigit | WholeNumber | Day | Silence | House


# -- questions ---------------------------------------------------------------------------------------------------------


class Question(msgspec.Struct, frozen=True, kw_only=True, tag_field="ask"):
    """Asked of the house; answered by `Replied` with an outcome of the node that asks."""


class AskHours(Question, frozen=True, kw_only=True, tag="hours"):
    """open, closed or holiday, at `at` (UTC); values: `until` (when that changes, RFC 3339)."""

    calendar: Slug
    at: datetime


class AskIncident(Question, frozen=True, kw_only=True, tag="incident"):
    """active or clear; values: `code`, the first of these flags that is set."""

    flags: tuple[Slug, ...]


class AskTable(Question, frozen=True, kw_only=True, tag="table"):
    """found, none, many or error; values: the columns asked for."""

    table: Slug
    key: str
    columns: tuple[str, ...]
    timeout_s: float


class AskWeb(Question, frozen=True, kw_only=True, tag="web"):
    """done or error; values: by JSON pointer. What is masked or secret is never in `url`."""

    url: str
    method: Literal["GET", "POST"]
    body: dict[str, Value]
    pointers: tuple[str, ...]
    timeout_s: float


class StoreCallback(Question, frozen=True, kw_only=True, tag="callback"):
    """stored, refused (a number nobody may be called back at) or error."""

    queue: Slug
    number: str


class StoreMessage(Question, frozen=True, kw_only=True, tag="voicemail"):
    """left or error: the recording `name` is put into a mailbox."""

    mailbox: Slug
    name: str
    seconds: float


class CheckSecret(Question, frozen=True, kw_only=True, tag="secret"):
    """done when the sensitive input just typed is as `valid` says (a regular expression), else no_match.

    Its keys are known to `secrets.Secrets` alone; everywhere else it is `name`, a word that stands for it. It consists
    of the `length` keys that were typed last, but for the `later` ones after these.
    """

    name: str
    valid: str
    length: int
    later: int = 0


class Tell(Question, frozen=True, kw_only=True, tag="notify"):
    """done: told to applications, in order and for as long as it takes (outbox)."""

    event: str
    variables: dict[str, Value]


AnyQuestion = AskHours | AskIncident | AskTable | AskWeb | StoreCallback | StoreMessage | CheckSecret | Tell


# -- whom to reach -----------------------------------------------------------------------------------------------------


class Whom(msgspec.Struct, frozen=True, kw_only=True, tag_field="whom"):
    """Answered by `Reached`."""


class Agents(Whom, frozen=True, kw_only=True, tag="agents"):
    agents: tuple[Slug, ...] = ()
    numbers: tuple[E164, ...] = ()
    strategy: Literal["ring_all", "one_by_one"] = "ring_all"
    ring_s: int = 20


class OfGroup(Whom, frozen=True, kw_only=True, tag="group"):
    group: Slug


class AtExtension(Whom, frozen=True, kw_only=True, tag="extension"):
    extension: Extension


class OfNumber(Whom, frozen=True, kw_only=True, tag="number"):
    number: E164


class Switchboard(Whom, frozen=True, kw_only=True, tag="switchboard"):
    """The site's."""


AnyWhom = Agents | OfGroup | AtExtension | OfNumber | Switchboard


# -- orders ------------------------------------------------------------------------------------------------------------


class Order(msgspec.Struct, frozen=True, kw_only=True, tag_field="order"):
    pass


class TakeCall(Order, frozen=True, kw_only=True, tag="answer"):
    """Answer the caller: before the first thing that must be heard or asked; told by `Taken`. Again after a restart."""


class Speak(Order, frozen=True, kw_only=True, tag="speak"):
    """Say these things one after the other; told by `SpeechOver`. `early`: to a caller who is not answered."""

    number: int
    items: tuple[AnyHeard, ...]
    language: Language
    early: bool = False


class Hush(Order, frozen=True, kw_only=True, tag="hush"):
    """Stop speaking at once."""

    number: int


class Wait(Order, frozen=True, kw_only=True, tag="wait"):
    """Told by `TimeUp`. A second one of the same name takes the place of the first."""

    timer: str
    seconds: float


class StopWaiting(Order, frozen=True, kw_only=True, tag="stop waiting"):
    timer: str


class Ask(Order, frozen=True, kw_only=True, tag="ask"):
    number: int
    question: AnyQuestion


class Take(Order, frozen=True, kw_only=True, tag="record"):
    """Record what the caller says; told by `Recorded`. Ends by silence, length, `StopTaking` or a terminator key."""

    number: int
    name: str
    max_s: int
    silence_s: int
    beep: bool


class StopTaking(Order, frozen=True, kw_only=True, tag="stop recording"):
    number: int


class Reach(Order, frozen=True, kw_only=True, tag="reach"):
    """Let the caller wait while somebody is rung, then talk; told by `Reached`. `after`: the caller may come back.

    Ordered again, under the same number, when an engine that was restarted cannot know whether it was begun.
    """

    number: int
    whom: AnyWhom
    max_s: int
    comfort: Literal["music", "tone"]
    after: bool


class Mask(Order, frozen=True, kw_only=True, tag="mask"):
    """From now on the keys are nobody's business, or again are: a running recording is muted meanwhile."""

    on: bool


class Leave(Order, frozen=True, kw_only=True, tag="leave"):
    """The run is over; the caller is hung up if there still. `reason` is for a caller who was not answered."""

    end: Literal["ended", "hung_up", "limit", "fault", "talked"]
    reason: Reason = "normal"


AnyOrder = TakeCall | Speak | Hush | Wait | StopWaiting | Ask | Take | StopTaking | Reach | Mask | Leave


# -- what is told ------------------------------------------------------------------------------------------------------


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="told"):
    at: Moment


class Taken(Told, frozen=True, kw_only=True, tag="answered"):
    """The caller is answered: what is said is heard from now on."""


class KeyPressed(Told, frozen=True, kw_only=True, tag="key"):
    key: str  # one of 0-9 * # A-D, or `secrets.MASKED`


class SpeechOver(Told, frozen=True, kw_only=True, tag="speech over"):
    """Said to the end, or it could not be said (`heard` False)."""

    number: int
    heard: bool = True


class TimeUp(Told, frozen=True, kw_only=True, tag="time up"):
    timer: str


class Replied(Told, frozen=True, kw_only=True, tag="replied"):
    """The answer to a question. `forgotten`: a sensitive input it needs was lost with the engine that heard it."""

    number: int
    outcome: Outcome
    values: dict[str, Value] = {}


class Recorded(Told, frozen=True, kw_only=True, tag="recorded"):
    """A recording ended. `ok` False: nothing could be recorded (disk full, no file)."""

    number: int
    seconds: float
    ok: bool = True


class Reached(Told, frozen=True, kw_only=True, tag="reached"):
    """How the search ended: `after` (they talked, and the caller is still there), `talked` (and the caller is gone), or
    not_taken, busy, nobody, error."""

    number: int
    outcome: Outcome


class CallerLeft(Told, frozen=True, kw_only=True, tag="caller left"):
    """The caller hung up, or was lost."""


class Resumed(Told, frozen=True, kw_only=True, tag="resumed"):
    """The engine was restarted: whatever was being said was not heard to its end, and keys may have been missed."""


AnyTold = Taken | KeyPressed | SpeechOver | TimeUp | Replied | Recorded | Reached | CallerLeft | Resumed
