"""Asking Asterisk what it really has: a reload answers "done" for files that were rejected.

Every object of pjsip.conf is asked for by name and compared field by field, because Asterisk may drop one bad object,
or keep its previous version, and take the rest. Of a queue it tells the members alone; see `queues.py`.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from engine.config.ini import Option, Section, parse
from engine.config.pjsip_objects import GENERATION_VARIABLE
from engine.config.queues import members_of
from engine.config.render import EMERGENCY, GLOBALS, PJSIP, QUEUES, Files, generation

AT_ONCE = 8  # questions on their way; Asterisk's HTTP server starts a thread for each connection
_TRUE, _FALSE = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
_NOT_TOLD = frozenset({"disallow", "match", "local_net"})  # folded into `allow`; resolved to addresses; as netmasks


class AsteriskControl(Protocol):
    """What this room needs of a running Asterisk; the ARI client gives it."""

    async def reload_module(self, name: str) -> None:
        """Read a module's files again, such as `res_pjsip.so`."""

    async def get_global(self, name: str) -> str:
        """A global variable of the dialplan; '' when it is not set."""

    async def absent_steps(self, steps: Sequence[str]) -> list[str]:
        """Those of these steps of the dialplan (`context,extension,priority`) that it does not have."""

    async def object_fields(self, kind: str, name: str) -> Mapping[str, str] | None:
        """The fields of a PJSIP object (`endpoint`, `auth`, `aor`, ...), None when Asterisk has none of that name."""

    async def queue_members(self, queue: str) -> Collection[str] | None:
        """The members of a queue, such as `PJSIP/marie-k7f3qz`; None when Asterisk has none of that name."""


class Mismatch(msgspec.Struct, frozen=True):
    """Something Asterisk has otherwise than the files say."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


_Key = tuple[str, str]  # kind, name


def _objects(files: Files) -> dict[_Key, dict[str, str]]:
    """The PJSIP objects of the files."""
    return {_key(found): dict(map(_field, found.options)) for found in parse(files[PJSIP], PJSIP).sections}


def _field(option: Option) -> tuple[str, str]:
    """A field as Asterisk tells it: a variable by its own name."""
    name, _, value = option.value.partition("=") if option.key == "set_var" else (option.key, "", option.value)
    return name, value


def _key(found: Section) -> _Key:
    return next(option.value for option in found.options if option.key == "type"), found.name


async def mismatches(control: AsteriskControl, files: Files, before: Files | None = None) -> list[Mismatch]:
    """Where Asterisk differs from `files`; empty when it has taken them.

    With `before`, only the objects that differ from those files are asked for, and those that are no longer there
    must be gone; without it, all of them.
    """
    wanted = _objects(files)
    former = _objects(before) if before and PJSIP in before else {}
    asked = {key: fields for key, fields in wanted.items() if former.get(key) != fields}
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(key: _Key) -> Mismatch | None:
        async with slots:
            told = await control.object_fields(*key)
        return _compared(key, wanted.get(key), told)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(key)) for key in (*asked, *(former.keys() - wanted.keys()))]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # one refusal is like the next: the caller wants a plain error
    found = [mismatch for task in tasks if (mismatch := task.result())]
    found += await _queues(control, files, before)
    return found + await _dialplan(control, files) + await _emergency(control, files, before)


async def _queues(control: AsteriskControl, files: Files, before: Files | None) -> list[Mismatch]:
    """One after another: a question costs a channel. A name that was there before is still the same queue."""
    wanted, former = _members(files), _members(before or {})
    found = []
    for name in wanted.keys() - former.keys():
        told = await control.queue_members(name)
        if told is None or frozenset(told) != wanted[name]:
            found.append(Mismatch(f"queue {name}", "not there" if told is None else "has other members"))
    for name in former.keys() - wanted.keys():
        if await control.queue_members(name) is not None:
            found.append(Mismatch(f"queue {name}", "still there"))
    return found


def _members(files: Files) -> dict[str, frozenset[str]]:
    return {found.name: members_of(found) for found in parse(files.get(QUEUES, ""), QUEUES).sections}


async def _dialplan(control: AsteriskControl, files: Files) -> list[Mismatch]:
    expected, told = generation(files), await control.get_global(GENERATION_VARIABLE)
    return [] if told == expected else [Mismatch(GLOBALS, f"stamp {told or 'missing'} instead of {expected}")]


async def _emergency(control: AsteriskControl, files: Files, before: Files | None) -> list[Mismatch]:
    """Every step that an emergency call takes is there: a line that Asterisk leaves out changes no stamp."""
    if before is not None and before.get(EMERGENCY) == files[EMERGENCY]:
        return []
    steps = [
        f"{section.name},{','.join(option.value.split(',')[:2])}"
        for section in parse(files[EMERGENCY], EMERGENCY).sections
        for option in section.options
        if option.key == "exten"
    ]
    absent = await control.absent_steps(steps) if steps else []
    return [Mismatch(f"dialplan {step}", "not there") for step in absent]


def _compared(key: _Key, wanted: Mapping[str, str] | None, told: Mapping[str, str] | None) -> Mismatch | None:
    what = " ".join(key)
    if wanted is None:
        return Mismatch(what, "still there") if told is not None else None
    if told is None:
        return Mismatch(what, "not there")
    for name, value in wanted.items():
        if name in _NOT_TOLD or name == "type":
            continue
        if not _same(value, told.get(name)):
            return Mismatch(what, f"{name} is not what was written")  # never the value: it can be a secret
    return None


def _same(written: str, told: str | None) -> bool:
    """Whether Asterisk's way of telling a value means the one that was written."""
    if told is None:
        return False
    if written == told:
        return True
    for meaning in (_TRUE, _FALSE):
        if written in meaning:
            return told in meaning
    return written.split(",") == told.strip("()").split("|")  # codecs: (alaw|ulaw)
