"""A model of everything around one call: Asterisk, the way its events take, and the engine's runner with its journal.

Small enough to read, wicked enough to matter: orders are carried out late and in any order that the lanes allow, events
arrive in any order and twice, the socket loses them, CEL may know nothing of a death, and the engine can be killed
between writing a step and carrying it out. What is *not* modelled: several calls at once, audio, and time limits of
Asterisk's own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.domain import machine, recovery
from engine.domain.call import Call
from engine.domain.cdr import Disposition
from engine.domain.effects import (
    Answer,
    AskHouse,
    CancelTimer,
    ChooseMember,
    ChooseTrunk,
    CloseBridge,
    CreateChannel,
    DialChannel,
    Effect,
    HangUp,
    JoinBridge,
    OpenBridge,
    PlanReach,
    Play,
    Ring,
    StartComfort,
    StartRecording,
    StartTimer,
    StopComfort,
    StopPlayback,
    StopRecording,
    Utter,
)
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    ChannelAnswered,
    ChannelEnded,
    ChannelJoined,
    ChannelProgressed,
    ChannelReady,
    ChannelRefused,
    ChannelRinging,
    DialInDoubt,
    DialSent,
    DigitPressed,
    Disposed,
    EngineRestarted,
    Event,
    FinishOrdered,
    JoinFailed,
    MemberChosen,
    PlaybackEnded,
    RecordingEnded,
    TimerFired,
    TrunkChosen,
)
from engine.domain.moment import Moment
from engine.domain.recovery import Ending, Seen
from engine.domain.request import ConnectRequest
from engine.domain.scenario.graph import Program
from engine.domain.scenario.run import Listening
from engine.domain.stages import Confirming, Offering, Talking
from engine.domain.values import ChannelId, PlaybackId, RecordingId, Slug
from tests.domain.asterisk import ENDS, Asterisk, Channel, FarEnd
from tests.domain.calls import CALL, CAME, moment, through_json
from tests.domain.house import House
from tests.domain.promises import Promises, check_owners, check_talk

Said = Callable[[Moment], Event]
"""A fact on its way: it gets its moment when the engine hears it."""


@dataclass
class Letter:
    """A fact on its way to the engine; `seen` when it comes over the socket, and can be lost with it."""

    said: Said
    seen: bool


class World:
    """One call and all that is around it. Methods are what can happen; `check` is what must hold after each."""

    def __init__(self, request: ConnectRequest, busy: Iterable[str] = (), house: House | None = None) -> None:
        self.now = 0.0
        self.house = house
        self.asterisk = Asterisk()
        self.connected = self.reconciled = True
        self.asterisk_lost = self.killed = False
        self.picture: Seen | None = None  # taken after a reconnection, not yet compared with the call
        self.buffer: list[Letter] = []  # heard since the reconnection
        self.stale: list[Letter] = []  # heard since the reconnection and before the picture, and of lasting import
        self.mail: list[Letter] = []
        self.orders: list[Effect] = []  # given, not yet carried out
        self.timers: dict[str, float] = {}
        self.journal: list[Event] = []
        self.closings = 0
        self.promises = Promises()
        self.busy = set(busy)  # members of the group who are in another call
        self.unjoined: set[ChannelId] = set()  # whom Asterisk would not let into a bridge
        self.overtaken: set[str] = set()  # told ended by a picture taken before they began
        if request.arrival is not None:
            self.asterisk.channels[request.arrival.channel] = Channel()
        first = CallRequested(at=moment(0.0), request=request)
        self.call, effects = machine.begin(CALL, first, self.program)
        self._written(first, effects)
        self._act(effects)

    @property
    def at(self) -> Moment:
        return moment(self.now)

    @property
    def program(self) -> Program | None:
        return None if self.house is None else self.house.program

    # -- the engine: decide, write, act ------------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """One step of the call, journalled, then ordered; nobody listens for a closed call but its disposition."""
        if self.call.closed and not isinstance(event, Disposed | FinishOrdered):
            if isinstance(event, ChannelReady):  # nobody's channel: ended as an orphan
                self.asterisk_ends(event.channel, 16)
            return
        if self.house is not None:
            event = self.house.visible(self.call, event)
        was_closed = self.call.closed
        self.call, effects = machine.step(self.call, event, self.program)
        self.closings += self.call.closed and not was_closed
        self._written(event, effects)
        self._act(effects)

    def _written(self, event: Event, effects: tuple[Effect, ...]) -> None:
        assert through_json(event, Event) == event
        assert through_json(self.call, Call) == self.call
        self.journal.append(event)
        for effect in effects:
            self.promises.ordered(self.call, effect)

    def _act(self, effects: tuple[Effect, ...] | list[Effect]) -> None:
        for effect in effects:
            match effect:
                case StartTimer(timer=timer, after_s=after_s):
                    self.timers[timer] = self.now + after_s
                case CancelTimer(timer=timer):
                    self.timers.pop(timer, None)
                case _:
                    self.orders.append(effect)
        if self.call.closed:
            self.timers.clear()

    # -- orders are carried out --------------------------------------------------------------------------------------

    @property
    def ready_orders(self) -> list[Effect]:
        """Those that no earlier order on the same channel or bridge holds up; none while Asterisk is away."""
        if self.asterisk_lost:
            return []
        ready: list[Effect] = []
        taken: set[str] = set()
        for order in self.orders:
            keys = _lanes(order)
            if not keys & taken:
                ready.append(order)
            taken |= keys
        return ready

    def carry_out(self, order: Effect, *, well: bool = True) -> None:
        """Asterisk gets an order. Not `well`: it refuses, cannot, or nobody learns whether it did."""
        self.orders.remove(order)
        match order:
            case CreateChannel(channel=channel):
                self._create(channel, well)
            case DialChannel(channel=channel):
                self._dial(channel, well)
            case HangUp(channel=channel, cause=cause):
                if channel in self.asterisk.channels:
                    self.asterisk_ends(channel, cause or 16)
                else:  # 404
                    self._result(lambda at: ChannelEnded(at=at, channel=channel, missed=True))
            case Ring():
                pass
            case ChooseMember(member=member, trunks=trunks):
                chosen: Slug | None = trunks[0] if trunks and well else None
                free = member not in self.busy
                self._result(lambda at: MemberChosen(at=at, member=member, free=free, trunk=chosen if free else None))
            case Answer(channel=channel):
                if well and channel in self.asterisk.channels:
                    self.far_end(channel, "answers")
            case AskHouse() | PlanReach() | StartRecording() | StopRecording():
                self._for_a_scenario(order, well)
            case ChooseTrunk(role=role, candidates=candidates):
                trunk: Slug | None = candidates[0] if candidates and well else None
                self._result(lambda at: TrunkChosen(at=at, role=role, trunk=trunk))
            case _:
                self._media(order, well)

    def _create(self, channel: ChannelId, well: bool) -> None:
        if channel in self.asterisk.channels:
            return  # 409: it is there
        if not well:
            self._result(lambda at: ChannelRefused(at=at, channel=channel, why="Allocation failed"))
            return
        self.asterisk.channels[channel] = Channel()
        self.asterisk.cel.pop(channel, None)
        self.asterisk.answered.pop(channel, None)
        self._event(lambda at: ChannelReady(at=at, channel=channel))

    def _dial(self, channel: ChannelId, well: bool) -> None:
        target = self.asterisk.channels.get(channel)
        if target is None:
            self._result(lambda at: ChannelEnded(at=at, channel=channel, missed=True))
            return
        self.asterisk.dials[channel] += 1
        target.dialled = True
        if well:
            self._result(lambda at: DialSent(at=at, channel=channel))
        else:
            self._result(lambda at: DialInDoubt(at=at, channel=channel))

    def _media(self, order: Effect, well: bool) -> None:
        asterisk = self.asterisk
        match order:
            case OpenBridge(bridge=bridge):
                asterisk.bridges.setdefault(bridge, set())
            case JoinBridge(bridge=bridge, channel=channel):
                if well and bridge in asterisk.bridges and channel in asterisk.channels:
                    asterisk.bridges[bridge].add(channel)
                    self._event(lambda at: ChannelJoined(at=at, channel=channel, bridge=bridge))
                else:
                    self.unjoined.add(channel)
                    self._result(lambda at: JoinFailed(at=at, channel=channel, why="no such thing"))
            case CloseBridge(bridge=bridge):
                asterisk.bridges.pop(bridge, None)
            case Play(playback=playback, channel=channel) | Utter(playback=playback, channel=channel):
                if well and channel in asterisk.channels:
                    asterisk.playbacks[playback] = channel
                else:
                    self._result(lambda at: PlaybackEnded(at=at, playback=playback, heard=False))
            case StopPlayback(playback=playback):
                if playback in asterisk.playbacks:
                    self.prompt_ends(playback)
            case StartComfort(channel=channel) if channel in asterisk.channels:
                asterisk.comforted.add(channel)
            case StopComfort(channel=channel):
                asterisk.comforted.discard(channel)

    def _for_a_scenario(self, order: AskHouse | PlanReach | StartRecording | StopRecording, well: bool) -> None:
        match order:
            case StartRecording():
                self._record(order, well)
            case StopRecording(recording=recording):
                if recording in self.asterisk.recordings:
                    self.recording_ends(recording)
            case _:
                assert self.house is not None
                self._result(self.house.answer(order, well))

    def _record(self, order: StartRecording, well: bool) -> None:
        recording, asterisk = order.recording, self.asterisk
        if recording in asterisk.recordings:
            return  # 409: it goes on
        if recording in asterisk.stored:
            self._result(lambda at: RecordingEnded(at=at, recording=recording, seconds=7.0))
        elif well and order.channel in asterisk.channels:
            asterisk.recordings[recording] = order.channel
        else:
            self._result(lambda at: RecordingEnded(at=at, recording=recording, kept=False))

    # -- what happens in Asterisk and beyond -------------------------------------------------------------------------

    @property
    def far_ends(self) -> list[tuple[ChannelId, FarEnd]]:
        """What far ends can do now."""
        can: list[tuple[ChannelId, FarEnd]] = []
        for name, channel in self.asterisk.channels.items():
            if not channel.dialled:
                acts: tuple[FarEnd, ...] = ("vanishes",)
            elif channel.state == "up":
                acts = ("hangs up", "vanishes")
            else:
                acts = ("answers", "no trunk", "rings", "busy", "announces", "declines", "silent trunk", "vanishes")
            can.extend((name, act) for act in acts)
        return can

    def far_end(self, channel: ChannelId, what: FarEnd, *, told_by_cel: bool = True) -> None:
        """The far end of a channel does something: one of `far_ends`."""
        target = self.asterisk.channels[channel]
        match what:
            case "rings":
                target.state = "ringing"
                # The ringing tone takes the place of comfort for whoever is in the same bridge.
                heard_by = [members for members in self.asterisk.bridges.values() if channel in members]
                self.asterisk.comforted -= set().union(*heard_by)
                self._event(lambda at: ChannelRinging(at=at, channel=channel))
            case "announces":  # 183 leaves the state as it is
                self._event(lambda at: ChannelProgressed(at=at, channel=channel))
            case "answers":
                target.state = "up"
                self.asterisk.answered[channel] = self.at
                self._event(lambda at: ChannelAnswered(at=at, channel=channel))
            case _:
                self.asterisk_ends(channel, *ENDS[what], told_by_cel=told_by_cel)

    def presses(self, channel: ChannelId, digit: str) -> None:
        self._event(lambda at: DigitPressed(at=at, channel=channel, digit=digit))

    def prompt_ends(self, playback: PlaybackId) -> None:
        del self.asterisk.playbacks[playback]
        self._event(lambda at: PlaybackEnded(at=at, playback=playback, heard=True))

    def recording_ends(self, recording: RecordingId) -> None:
        """It is as long as it is, and kept."""
        del self.asterisk.recordings[recording]
        self.asterisk.stored.add(recording)
        self._event(lambda at: RecordingEnded(at=at, recording=recording, seconds=7.0))

    def asterisk_ends(
        self, channel: ChannelId, cause: int, sip: int | None = None, *, told_by_cel: bool = True
    ) -> None:
        asterisk = self.asterisk
        if asterisk.channels.pop(channel, None) is None:
            return
        for members in asterisk.bridges.values():
            members.discard(channel)
        for playback in [p for p, on in asterisk.playbacks.items() if on == channel]:
            self.prompt_ends(playback)
        for recording in [r for r, on in asterisk.recordings.items() if on == channel]:
            self.recording_ends(recording)
        asterisk.comforted.discard(channel)
        if told_by_cel:
            asterisk.cel[channel] = Ending(at=self.at, cause=cause, sip_code=sip)
        self._event(lambda at: ChannelEnded(at=at, channel=channel, cause=cause, sip_code=sip))

    def asterisk_dies(self) -> None:
        """And comes back empty; the engine notices when it reconnects, and until then every order fails."""
        self.disconnect(0)
        self.asterisk_lost = True
        self.asterisk.channels.clear()
        self.asterisk.bridges.clear()
        self.asterisk.playbacks.clear()
        self.asterisk.comforted.clear()
        self.asterisk.recordings.clear()

    # -- the way between ---------------------------------------------------------------------------------------------

    def _event(self, said: Said) -> None:
        """Over the socket: lost while there is none."""
        if self.connected:
            (self.mail if self.reconciled else self.buffer).append(Letter(said, seen=True))

    def _result(self, said: Said) -> None:
        """How an order went: the engine's own knowledge, lost only with the engine."""
        self.mail.append(Letter(said, seen=False))

    def deliver(self, number: int, *, twice: bool = False) -> None:
        letter = self.mail[number] if twice and self.mail[number].seen else self.mail.pop(number)
        self.hear(letter.said(self.at))

    def pass_time(self, seconds: float) -> None:
        """Time passes; timers that are due have fired and wait in the mailbox."""
        self.now += seconds
        for timer in [name for name, due in self.timers.items() if due <= self.now]:
            del self.timers[timer]
            self._result(self._fired(timer))

    def _fired(self, timer: str) -> Said:
        return lambda at: TimerFired(at=at, timer=timer)

    def disconnect(self, lost: int) -> None:
        """The socket breaks. Of what was on its way, the `lost`-th and later are gone."""
        on_its_way = self.mail + self.stale + self.buffer
        self.mail = [letter for number, letter in enumerate(on_its_way) if number < lost or not letter.seen]
        self.connected, self.reconciled, self.picture = False, False, None
        self.stale, self.buffer = [], []

    def reconnect(self) -> None:
        """The socket is back; what is heard from now on waits until a picture is taken and compared."""
        self.connected = True
        if self.asterisk_lost:
            self.asterisk_lost, self.orders = False, []
            self.hear(AsteriskLost(at=self.at))

    def look(self) -> None:
        """A picture is taken. Of what was heard before it, only ends and digits are not in it."""
        self._sweep()
        self.picture = self.asterisk.picture(self.at)
        self.stale = [m for m in self.buffer if isinstance(m.said(self.at), ChannelEnded | DigitPressed)]
        self.buffer = []

    def reconcile(self) -> None:
        """The call takes its turn with the picture, after all that was in its mailbox from before."""
        seen = self.picture
        assert seen is not None
        self._hear_all([letter for letter in self.mail if letter.seen])
        self.mail = [letter for letter in self.mail if not letter.seen]
        if not self.call.closed:
            self.overtaken |= {o.playback for o in self.orders if isinstance(o, Play | Utter)}
            for event in recovery.catch_up(self.call, seen):
                self.hear(event)
        if not self.call.closed:
            self._act(recovery.unfinished(self.call, seen))
        self._hear_all(self.stale)
        self.reconciled, self.picture = True, None
        self.mail += self.buffer
        self.stale, self.buffer = [], []

    def _hear_all(self, letters: list[Letter]) -> None:
        for letter in letters:
            self.hear(letter.said(self.at))

    def engine_dies(self) -> None:
        """kill -9: orders not carried out, letters and timers are gone. The next life starts from the journal."""
        self.killed = True
        self.disconnect(0)
        self.mail, self.orders, self.timers = [], [], {}
        if self.house is not None:
            self.house.forget()
        assert machine.fold(CALL, self.journal, self.program) == self.call
        if not self.call.closed:
            self.timers = dict(self.call.timers)
            self.hear(EngineRestarted(at=self.at))

    def finish_ordered(self, by: str, disposition: Disposition | None) -> None:
        self.hear(FinishOrdered(at=self.at, by=by, disposition=disposition))

    def disposed(self, disposition: Disposition) -> None:
        self.hear(Disposed(at=self.at, disposition=disposition))

    def _sweep(self) -> None:
        """Nobody's channels and bridges are ended: those of a call that is closed."""
        if self.call.closed:
            for channel in list(self.asterisk.channels):
                self.asterisk_ends(channel, 16)
            self.asterisk.bridges.clear()

    # -- until nothing moves -----------------------------------------------------------------------------------------

    def go_on(self, steps: int = 1) -> None:
        """The next `steps` little things happen as they should; nobody is slow and nothing is lost."""
        for _ in range(steps):
            if not self.moves():
                self._someone_does_what_is_hoped_for()

    def calm(self) -> None:
        """Orders are carried out and letters arrive until there are none; no time passes."""
        for _ in range(200):
            if not self.moves():
                return
        raise AssertionError("orders and events chase each other for ever")

    def moves(self) -> bool:
        """One little thing happens that needs nobody's doing; False if there is none."""
        if not self.connected:
            self.reconnect()
        elif self.picture is not None:
            self.reconcile()
        elif not self.reconciled:
            self.look()
        elif self.orders:
            self.carry_out(self.ready_orders[0])
        elif self.mail:
            self.deliver(0)
        else:
            return False
        return True

    def _someone_does_what_is_hoped_for(self) -> None:
        living = [attempt for leg in self.call.legs.values() for attempt in leg.live]
        waited_for = next((a.channel for a in living if a.phase in ("dialling", "ringing")), None)
        agent = self.call.agent.up
        if isinstance(self.call.stage, Confirming | Offering) and agent is not None:
            self.presses(agent.channel, "1")
        elif self.asterisk.playbacks:
            self.prompt_ends(next(iter(self.asterisk.playbacks)))
        elif self.asterisk.recordings:
            self.recording_ends(next(iter(self.asterisk.recordings)))
        elif self.call.run is not None and isinstance(self.call.run.phase, Listening):
            self.presses(CAME, "1")
        elif waited_for is not None:
            self.far_end(waited_for, "answers")
        elif isinstance(self.call.stage, Talking) and self.call.run is not None and agent is not None:
            self.far_end(agent.channel, "hangs up")

    def end(self) -> None:
        """Nobody does anything any more: the call must end by its timers alone."""
        self.calm()
        for _ in range(60 if self.house is None else 2_000):
            if self.call.closed:
                return
            assert self.timers, f"nothing will ever end this call: {self.call.stage}"
            self.check()
            self.pass_time(max(0.0, min(self.timers.values()) - self.now))
            self.calm()
        raise AssertionError(f"timers fire for ever and the call still lives: {self.call.stage}")

    # -- what must hold -----------------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        return self.reconciled and not self.orders and not self.mail

    def check(self) -> None:
        """After every single thing that happens."""
        assert self.closings == int(self.call.closed)
        self.promises.hold(self.call, self.asterisk)
        if self.quiet:
            if self.killed:
                self._sweep()  # the audit: a call may have closed on orders that died with the engine
            check_owners(self.call, self.asterisk, self.overtaken)
            check_talk(self.call, self.asterisk, self.unjoined)
            assert self.timers.keys() == self.call.timers.keys()
            early = [name for name, due in self.call.timers.items() if self.timers[name] < due]
            assert not early, "the machine would not take it"


def _lanes(order: Effect) -> set[str]:
    """What an order waits for: earlier ones on the same channel, bridge, prompt or recording. Hang-ups pass all."""
    if isinstance(order, HangUp):
        return set()
    return {getattr(order, of) for of in ("channel", "bridge", "playback", "recording") if hasattr(order, of)}
