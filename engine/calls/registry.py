"""The living calls: who owns what, and where an event goes."""

from collections.abc import Iterator

from engine.calls.runner import CallTask
from engine.domain import ids
from engine.domain.call import Call, taken_up_by
from engine.domain.events import Event
from engine.domain.values import CallId, Slug


class Registry:
    """Single writer: the event loop."""

    def __init__(self) -> None:
        self._open: dict[CallId, CallTask] = {}
        self._of_agent: dict[Slug, CallId] = {}
        self._agents_of: dict[CallId, frozenset[Slug]] = {}
        self._taking: dict[CallId, set[Slug]] = {}
        self._guests: dict[str, CallId] = {}  # channels on which somebody called us: their names are Asterisk's own
        self._expected: dict[str, list[Event]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[CallTask]:
        return iter(tuple(self._open.values()))

    def add(self, task: CallTask) -> None:
        self._open[task.id] = task
        self.update(task.call)
        caller = task.call.caller
        if caller is not None:
            self._guests[caller.channel] = task.id
            for event in self._expected.pop(caller.channel, []):
                task.post(event)

    def expect(self, channel: str) -> None:
        """Keep what happens to a channel that nobody owns yet for the call that will."""
        self._expected.setdefault(channel, [])

    def expect_no_more(self, channel: str) -> None:
        self._expected.pop(channel, None)

    def remove(self, task: CallTask) -> None:
        self._open.pop(task.id, None)
        self._let_go(task.id, self._agents_of.pop(task.id, frozenset()))
        for channel in [guest for guest, call in self._guests.items() if call == task.id]:
            del self._guests[channel]

    def get(self, call_id: str) -> CallTask | None:
        return self._open.get(CallId(call_id))

    def update(self, call: Call) -> None:
        """Who is in the call after a step. Whoever is in another one already stays there."""
        now, before = taken_up_by(call), self._agents_of.get(call.id, frozenset())
        self._let_go(call.id, before - now)
        self._agents_of[call.id] = now
        for agent in now:
            self._of_agent.setdefault(agent, call.id)

    def _let_go(self, call_id: CallId, agents: frozenset[Slug]) -> None:
        for agent in agents:
            if self._of_agent.get(agent) == call_id:
                del self._of_agent[agent]

    def of_agent(self, agent: Slug) -> CallId | None:
        """The call an agent is in, from the moment it is accepted or rings at their telephones."""
        return self._of_agent.get(agent)

    def is_free(self, agent: Slug, call_id: CallId | None = None) -> bool:
        """Whether they are in no call, and in none that is being accepted, besides this one."""
        return self._of_agent.get(agent) in (None, call_id) and not any(agent in a for a in self._taking.values())

    def take(self, call_id: CallId, *agents: Slug) -> None:
        """A call is being accepted, for these agents."""
        self._taking.setdefault(call_id, set()).update(agents)

    def took(self, call_id: CallId) -> None:
        """It was, or not."""
        self._taking.pop(call_id, None)

    @property
    def taking(self) -> int:
        """How many calls are being accepted."""
        return len(self._taking)

    def owner_of(self, thing: str) -> CallTask | None:
        """The living call a channel, bridge or playback belongs to: by its name, or because somebody called on it."""
        call_id = self._guests.get(thing) or ids.owner(thing)
        return self._open.get(call_id) if call_id is not None else None

    def deliver(self, thing: str, event: Event) -> bool:
        """Post an event to the owner of what it is about; False when no living call owns it."""
        task = self.owner_of(thing)
        if task is not None:
            task.post(event)
        elif thing in self._expected:
            self._expected[thing].append(event)
        else:
            return False
        return True
