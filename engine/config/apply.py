"""Giving Asterisk new files: planned, written, reloaded, read back - and undone when it does not take them.

    save last good + marker -> write -> reload what changed -> read back -> clear the marker
                                                        \\-> differs: last good files, reload, read back

Nothing is reloaded when no byte changed. The marker outlives a crash anywhere in between; see `last_good.py`.
"""

import asyncio
from collections.abc import Iterable

import msgspec

from engine.config import last_good
from engine.config.asterisk import AsteriskSettings
from engine.config.diff import differences
from engine.config.errors import ConfigRejected
from engine.config.readback import AsteriskControl, Mismatch, mismatches
from engine.config.render import EMERGENCY, FOLDER, GLOBALS, PJSIP, QUEUES, STATIC_DIALPLAN, Files, directory_files
from engine.domain.directory import Directory
from engine.errors import StandardisteError

READ_BACK_S = 5.0  # after a reload: 1,000 agents are read back in about a second
READ_BACK_EVERY_S = 0.1
CONTROL_S = 30.0  # one reload of a large directory

RELOADS: dict[str, tuple[str, ...]] = {
    PJSIP: ("res_pjsip.so", "res_pjsip_endpoint_identifier_ip.so", "res_pjsip_outbound_registration.so"),
    QUEUES: ("app_queue.so",),
    GLOBALS: ("pbx_config.so",),
    STATIC_DIALPLAN: ("pbx_config.so",),
    EMERGENCY: ("pbx_config.so",),
}
NAMES = tuple(name.removeprefix(f"{FOLDER}/") for name in RELOADS)


class FilesPlan(msgspec.Struct, frozen=True):
    """The files a directory leads to, and how they differ from the live ones (secrets hidden)."""

    files: Files
    changed: tuple[str, ...]
    diff: str


class AsteriskFiles:
    """The files of one Asterisk that follow from the directory; one change at a time."""

    def __init__(self, settings: AsteriskSettings, control: AsteriskControl) -> None:
        self._settings = settings
        self._control = control
        self._home = settings.paths.etc / FOLDER
        self._one_at_a_time = asyncio.Lock()

    async def plan(self, directory: Directory) -> FilesPlan:
        """What `apply` would write; raises InvalidValue when the directory cannot be rendered."""
        return await asyncio.to_thread(self._plan, directory)

    def _plan(self, directory: Directory) -> FilesPlan:
        files = directory_files(directory, self._settings)
        diffs = differences(self._live(), files)
        return FilesPlan(files, tuple(diffs), "\n".join(diffs.values()))

    def _live(self) -> Files:
        found = last_good.read_files(self._home, NAMES)
        return {f"{FOLDER}/{name}": text for name, text in found.items()}

    async def apply(self, directory: Directory) -> FilesPlan:
        """Make Asterisk have this directory; returns what was changed.

        Raises ConfigRejected when Asterisk did not take it, with what it has otherwise; then the files and Asterisk
        are as they were. Any other error leaves the marker, so that the next start puts the last good files back.
        """
        async with self._one_at_a_time:
            with last_good.alone(self._home):
                await self._undo_interrupted()
                planned = await self.plan(directory)
                if planned.changed:
                    await self._replace(planned)
                return planned

    async def recover(self) -> bool:
        """At the engine's start: undo a change that was interrupted. True when there was one."""
        async with self._one_at_a_time:
            with last_good.alone(self._home):
                return await self._undo_interrupted()

    async def verify(self, directory: Directory) -> list[Mismatch]:
        """Where Asterisk has something else than this directory leads to; empty when all is there."""
        planned = await self.plan(directory)
        async with asyncio.timeout(CONTROL_S):
            return await mismatches(self._control, planned.files)

    async def _replace(self, planned: FilesPlan) -> None:
        before = self._live()
        await asyncio.to_thread(last_good.save, self._home, NAMES)
        changed = {name.removeprefix(f"{FOLDER}/"): planned.files[name] for name in planned.changed}
        await asyncio.to_thread(last_good.write_files, self._home, changed)
        try:
            await self._reload(planned.changed)
            wrong = await self._read_back(planned.files, before)
        except (StandardisteError, TimeoutError):
            await self._go_back()  # nobody knows what Asterisk has taken: make it the last good again, or try
            raise
        if wrong:
            await self._go_back()
            raise _rejected(wrong)
        await asyncio.to_thread(last_good.accept, self._home)

    async def _undo_interrupted(self) -> bool:
        if not last_good.is_pending(self._home):
            return False
        await self._go_back()
        return True

    async def _go_back(self) -> None:
        """Last good files, reloaded and read back; the marker stays when Asterisk cannot be asked."""
        await asyncio.to_thread(last_good.restore, self._home)
        await self._reload(RELOADS)
        files = self._live()
        if PJSIP in files and (wrong := await self._read_back(files, None)):
            raise _rejected(wrong)
        await asyncio.to_thread(last_good.accept, self._home)

    async def _reload(self, changed: Iterable[str]) -> None:
        modules = dict.fromkeys(module for name in changed for module in RELOADS[name])  # each once, in order
        for module in modules:
            async with asyncio.timeout(CONTROL_S):
                await self._control.reload_module(module)

    async def _read_back(self, files: Files, before: Files | None) -> list[Mismatch]:
        """What still differs when the time is up; returns as soon as nothing does."""
        clock = asyncio.get_running_loop()
        give_up = clock.time() + READ_BACK_S
        while True:
            async with asyncio.timeout(CONTROL_S):
                wrong = await mismatches(self._control, files, before)
            if not wrong or clock.time() > give_up:
                return wrong
            await asyncio.sleep(READ_BACK_EVERY_S)


def _rejected(wrong: list[Mismatch]) -> ConfigRejected:
    shown = "; ".join(str(mismatch) for mismatch in wrong[:5]) + (f"; and {len(wrong) - 5} more" if wrong[5:] else "")
    return ConfigRejected(
        f"Asterisk did not take the new configuration: {shown}",
        what_next="The last good files are in force again. Asterisk's messages.log says what it did not like.",
    )
