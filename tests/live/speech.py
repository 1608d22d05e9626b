"""The speech engine of the tests: whatever a scenario says is rendered by it."""

import os

from engine.sandbox.tools import ESPEAK, find_or_fetch


async def to_be_found() -> None:
    """On the PATH of every engine that is started from here, which inherits it."""
    espeak = await find_or_fetch(ESPEAK, print)
    os.environ["PATH"] = f"{espeak.parent}{os.pathsep}{os.environ['PATH']}"
