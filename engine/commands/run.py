"""`engine run`: the engine itself."""

import argparse
import asyncio
import gc
import signal
import sys
from contextlib import suppress

from engine.commands import Subparsers, command, settings_of
from engine.errors import Replaced
from engine.settings import Settings

_TEACH = """\
Runs until SIGTERM or Ctrl-C. Calls live on in Asterisk when it stops, and the next start takes them over.

Exit code 3 when another engine took its place in Asterisk: started again, it would take the place back.
"""


REPLACED = 3
"""What systemd's RestartPreventExitStatus= names, so that two engines do not take turns for ever."""


def register(subparsers: Subparsers) -> None:
    command(subparsers, "run", run, summary="run the engine", teach=_TEACH)


def run(asked: argparse.Namespace) -> int:
    from engine.observe.log import set_up

    settings = settings_of(asked)
    set_up(settings.log.level, settings.log.format)
    gc.disable()  # a tenth of the start is its looking through what was only just made; `_listens` ends that
    try:
        asyncio.run(_serve(settings))
    except Replaced as gone:
        print(f"engine: {gone.message}\n  next: {gone.what_next}", file=sys.stderr)
        return REPLACED
    finally:
        gc.enable()
    return 0


async def _serve(settings: Settings) -> None:
    from engine.app.database import database
    from engine.app.engine import run as run_engine

    serving = asyncio.current_task()
    assert serving is not None  # noqa: S101 - asyncio.run makes one
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        async with database(settings, print) as dsn:
            await run_engine(settings, dsn, listening=_listens)


def _listens(url: str) -> None:
    print(f"engine: listening on {url}", flush=True)
    gc.freeze()  # what is there now stays: no pause of the engine's is spent on it
    gc.enable()
