"""Numbers that were called and are nobody's: kept for people, with what would lead their callers somewhere."""

from datetime import datetime

import msgspec

from engine.calls import arriving
from engine.calls.arriving import Came
from engine.calls.clock import Clock
from engine.calls.ports import DirectorySource
from engine.domain.directory import Directory, Trunk
from engine.domain.values import E164, is_e164
from engine.http.ports import UnmatchedNumber

MOST = 500
"""Whoever dials numbers at random fills no memory: the one that was not called for longest gives way."""


class _Calls(msgspec.Struct):
    count: int
    caller: str
    at: datetime


class UnmatchedNumbers:
    """Implements `http.ports.Unmatched`. In memory, since this engine started."""

    def __init__(self, source: DirectorySource, clock: Clock) -> None:
        self._source, self._clock = source, clock
        self._calls: dict[tuple[str, str], _Calls] = {}  # in the order of their last call

    def note(self, came: Came) -> None:
        """A call by a trunk was for no number of ours."""
        directory = self._source.directory
        trunk = arriving.trunk_of(came, directory)
        if trunk is None:
            return
        country = directory.sites[trunk.site].country
        key = trunk.id, arriving.in_full(came.dialled, country)
        calls = self._calls.pop(key, _Calls(0, "", self._clock.now().utc))
        calls.count, calls.at = calls.count + 1, self._clock.now().utc
        calls.caller = arriving.caller_number(came, country)
        self._calls[key] = calls
        if len(self._calls) > MOST:
            del self._calls[next(iter(self._calls))]

    def entries(self) -> list[UnmatchedNumber]:
        """The last called first; without those that lead somewhere now."""
        directory = self._source.directory
        found = []
        for (name, number), calls in reversed(self._calls.items()):
            trunk = next((trunk for trunk in directory.trunks.values() if trunk.id == name), None)
            if trunk is None or _leads(trunk, number, directory):
                continue
            hint_en, hint_fr = _hint(trunk, number, directory)
            found.append(
                UnmatchedNumber(
                    trunk=trunk.id,
                    number=number,
                    count=calls.count,
                    last_caller=calls.caller,
                    last_at=calls.at,
                    hint_en=hint_en,
                    hint_fr=hint_fr,
                )
            )
        return found


def _leads(trunk: Trunk, number: str, directory: Directory) -> bool:
    """Whether a call would get somewhere by now."""
    declared = directory.numbers.get(E164(number))
    taken = any(trunk.id in application.any_number_of for application in directory.applications.values())
    return taken or (declared is not None and declared.trunk == trunk.id)


def _hint(trunk: Trunk, number: str, directory: Directory) -> tuple[str, str]:
    """What to do about it, in English and French."""
    declared = directory.numbers.get(E164(number))
    if declared is not None:
        return (
            f"It is declared for trunk {declared.trunk}: give it the trunk {trunk.id}, or have it sent there.",
            f"Il est déclaré pour le faisceau {declared.trunk} : donnez-lui {trunk.id}, ou faites-le router ailleurs.",
        )
    if not is_e164(number):
        return (
            f"It is no whole number: did_strip and did_prefix of trunk {trunk.id} make one of what is called.",
            f"Ce n'est pas un numéro complet : did_strip et did_prefix du faisceau {trunk.id} en font un.",
        )
    return (
        f"Declare it: PUT /v1/numbers/{number}; or let an application take any_number_of {trunk.id}.",
        f"Déclarez-le : PUT /v1/numbers/{number} ; ou donnez {trunk.id} à une application (any_number_of).",
    )
