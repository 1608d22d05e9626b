"""How long the certificates that Asterisk's files name are still good for."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from engine.config.certificate import not_after
from engine.errors import BadFile
from engine.http.ports import PartState
from engine.settings import AsteriskSettings

log = structlog.get_logger(__name__)

WARN = timedelta(days=21)
"""Short enough for certificates that are renewed by machines 30 days before their end, long enough for people."""
LOOK_EVERY_S = 3600.0


def named(settings: AsteriskSettings) -> dict[str, Path]:
    """The certificates by what they are for."""
    return {} if settings.tls_certificate is None else {"sip-tls": settings.tls_certificate}


def state(use: str, path: Path, now: datetime) -> tuple[datetime | None, str]:
    """When it ends, if that can be read, and what a person should know of it; "" when all is well."""
    try:
        end = not_after(path)
    except BadFile as bad:
        return None, f"{use}: {bad.message}"
    if end <= now:
        return end, f"{use}: {path} ended on {end:%Y-%m-%d}; nobody who checks certificates connects any more"
    if end - now < WARN:
        return end, f"{use}: {path} ends on {end:%Y-%m-%d}"
    return end, ""


class Certificates:
    """Looks at the files every hour; `told(use, seconds since 1970)` hears when each one ends."""

    def __init__(
        self,
        files: Mapping[str, Path],
        told: Callable[[str, float], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._files, self._told, self._now = files, told, now
        self._why: list[str] = []

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        now, why = self._now(), []
        for use, path in self._files.items():
            end, care = await asyncio.to_thread(state, use, path, now)
            if end is not None:
                self._told(use, end.timestamp())
            if care:
                why.append(care)
                log.warning("certificate.care", why=care, next="Renew it, and reload Asterisk.")
        self._why = why

    def part(self) -> PartState:
        """For /readyz: shown, and not needed, for calls by other ways go on."""
        return PartState(ok=not self._why, why="; ".join(self._why), needed=False)
