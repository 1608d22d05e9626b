"""The living calls: who owns what, and where an event goes."""

from collections.abc import Iterator

from engine.calls.runner import CallTask
from engine.domain import ids
from engine.domain.events import Event
from engine.domain.values import CallId, Slug


class Registry:
    """Single writer: the event loop."""

    def __init__(self) -> None:
        self._open: dict[CallId, CallTask] = {}
        self._of_agent: dict[Slug, CallId] = {}
        self._guests: dict[str, CallId] = {}  # channels on which somebody called us: their names are Asterisk's own
        self._expected: dict[str, list[Event]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[CallTask]:
        return iter(tuple(self._open.values()))

    def add(self, task: CallTask, agent: Slug) -> None:
        self._open[task.id] = task
        self._of_agent[agent] = task.id
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

    def remove(self, task: CallTask, agent: Slug) -> None:
        self._open.pop(task.id, None)
        if self._of_agent.get(agent) == task.id:
            del self._of_agent[agent]
        for channel in [guest for guest, call in self._guests.items() if call == task.id]:
            del self._guests[channel]

    def get(self, call_id: str) -> CallTask | None:
        return self._open.get(CallId(call_id))

    def of_agent(self, agent: Slug) -> CallId | None:
        """The call an agent is in, from the moment it is accepted."""
        return self._of_agent.get(agent)

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
