"""What somebody's death left half done in Asterisk's files is put right when the engine starts."""

import asyncio

import structlog

from engine.app.changes import Changes
from engine.app.control import Control, asterisk_settings
from engine.ari.requests import AriRequests
from engine.config.apply import AsteriskFiles
from engine.config.render import FOLDER
from engine.errors import DatabaseMismatch, StandardisteError, Unavailable
from engine.settings import Settings

log = structlog.get_logger(__name__)

AGAIN_S = 2.0


async def put_back(settings: Settings, secret: str, ari: AriRequests) -> None:
    """Put the last good files back if a change was under way; tries until Asterisk can be asked."""
    if not (settings.asterisk.config_dir / FOLDER).is_dir():
        return  # nothing was ever written here
    files = AsteriskFiles(asterisk_settings(settings, secret), Control(ari))
    while True:
        try:
            if await files.recover():
                log.warning("config.put_back", why="a change of Asterisk's files had been interrupted")
        except (StandardisteError, OSError) as failed:
            log.warning("config.not_put_back", why=str(failed))
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def agree(changes: Changes) -> None:
    """Asterisk has what PostgreSQL has, even if somebody died between the two, or Asterisk is new.

    Tries until both can be asked. An engine without a directory touches nothing.
    """
    while True:
        try:
            made = await changes.enforce() if (await changes.current()).revision else None
        except (Unavailable, DatabaseMismatch) as away:  # no tables yet: they are being made
            log.debug("config.not_compared", why=away.message)
            await asyncio.sleep(AGAIN_S)
        except (StandardisteError, OSError) as failed:
            log.error("config.not_as_the_directory", why=str(failed), next="engine config plan")
            return
        else:
            if made is not None and made.asterisk.changed:
                log.warning("config.brought_back", files=made.asterisk.changed)
            return
