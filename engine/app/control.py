"""Asterisk as the configuration room needs it: `config.readback.AsteriskControl` by ARI."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.ari.errors import NotFound
from engine.ari.requests import AriRequests
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.beside import facts
from engine.settings import Settings


class Control:
    def __init__(self, ari: AriRequests) -> None:
        self._ari = ari

    async def reload_module(self, name: str) -> None:
        with suppress(NotFound):  # not loaded, so nothing to reload; what is missing is seen when it is read back
            await self._ari.reload_module(name)

    async def get_global(self, name: str) -> str:
        return await self._ari.get_global(name)

    async def absent_steps(self, steps: Sequence[str]) -> list[str]:
        return await self._ari.absent_steps(steps)

    async def object_fields(self, kind: str, name: str) -> Mapping[str, str] | None:
        return await self._ari.object_fields(kind, name)

    async def queue_members(self, queue: str) -> Collection[str] | None:
        if not await self._ari.has_module("app_queue.so"):
            return None
        return await self._ari.queue_members(queue)


def asterisk_settings(settings: Settings, secret: str) -> AsteriskSettings:
    """What the files that follow from the directory need to know of this Asterisk."""
    etc = settings.asterisk.config_dir
    unused = Path("/nonexistent")  # only the machine's own files name these, and they are not written here
    return AsteriskSettings(
        paths=AsteriskPaths(
            etc=etc,
            modules=unused,
            var_lib=unused,
            db=unused,
            keys=unused,
            data=unused,
            agi=unused,
            spool=unused,
            run=unused,
            log=unused,
        ),
        ari_port=0,
        ari_secret=secret,
        app=settings.ari.app,
        sip_address=settings.asterisk.sip_host,
        sip_port=settings.asterisk.sip_port,
        tls_port=settings.asterisk.tls_port,
        webrtc=settings.asterisk.webrtc_url is not None,
        local_networks=settings.asterisk.local_networks,
        beside=facts(etc),
    )
