"""The trunks' channels: how many each has, who takes them, which trunk a call gets.

A single writer: only the event loop touches it, and what a call holds is computed from its state, never counted apart,
so it cannot leak.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from engine.calls.ports import DirectorySource, TrunkWatch
from engine.domain.call import Call, trunks_held
from engine.domain.values import CallId, Slug


class TrunkBoard:
    """Who holds how many channels of which trunk."""

    def __init__(
        self, source: DirectorySource, watch: TrunkWatch, *, shut: Callable[[Slug], bool] = lambda trunk: False
    ) -> None:
        """`shut`: whether a limit keeps a trunk from being used."""
        self._source, self._watch, self._shut = source, watch, shut
        self._held: dict[CallId, Counter[Slug]] = {}
        self._total: Counter[Slug] = Counter()
        self._promised: dict[CallId, tuple[Slug, ...]] = {}

    def update(self, call: Call) -> None:
        """Take note of what a call holds after a step, with what it was promised while it seeks; a closed one holds
        nothing."""
        held = Counter(trunks_held(call))
        if call.seeks:
            held.update(self._promised.get(call.id, ()))
        else:
            self._promised.pop(call.id, None)
        self._total.subtract(self._held.pop(call.id, Counter()))
        self._total.update(held)
        if held:
            self._held[call.id] = held

    def reserve(self, call: CallId, trunks: Iterable[Slug]) -> None:
        """Hold channels for a call that is being accepted, until its first step tells."""
        held = Counter(trunks)
        self._held[call] = held
        self._total.update(held)

    def release(self, call: CallId) -> None:
        self._total.subtract(self._held.pop(call, Counter()))
        self._promised.pop(call, None)

    def choose_for(self, call: Call, candidates: Iterable[Slug]) -> Slug | None:
        """Choose for a call that seeks, and keep the channel for it until it hears: two calls that fail over in one
        turn of the loop must not both get the last one."""
        chosen = self.choose(candidates)
        if chosen is not None:
            self._promised[call.id] = (*self._promised.get(call.id, ()), chosen)
            self.update(call)
        return chosen

    def choose(self, candidates: Iterable[Slug], *, taken: Counter[Slug] | None = None) -> Slug | None:
        """The first candidate that answers and has a free channel, besides those `taken` by the same request."""
        more = taken or Counter()
        return next((t for t in candidates if self.free(t) - more[t] > 0 and not self._watch.is_down(t)), None)

    def free(self, trunk: Slug) -> int:
        """Channels for new calls of ours. An emergency call asks nobody: it may leave fewer than none."""
        found = self._source.directory.trunks.get(trunk)
        if found is None or not found.enabled or self._shut(trunk):
            return 0
        return found.channels - self._total[trunk] - self._watch.held_by_others(trunk)

    def in_use(self) -> dict[Slug, int]:
        return {trunk: count for trunk, count in self._total.items() if count > 0}
