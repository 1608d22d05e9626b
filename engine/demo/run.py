"""`engine demo`, composed: sandbox, engine, calls, and everything gone at the end."""

import asyncio
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from engine.config.directory_export import export
from engine.demo.page import Page
from engine.demo.play import Play, cast
from engine.demo.stay import stay
from engine.sandbox.places import sandbox_root
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Wishes:
    """What the command line asked for."""

    stay: bool = False
    asterisk: Path | None = None


async def run(wishes: Wishes) -> int:
    """Play it; 0, or 130 when interrupted. Raises the errors of the sandbox."""
    _cancelled_by_signals(asyncio.current_task())
    page, begun = Page(), time.monotonic()
    try:
        await _play(wishes, page, begun)
    except asyncio.CancelledError:
        return 128 + signal.SIGINT
    except BaseExceptionGroup as several:  # parts that start side by side; the first fault tells enough
        raise several.exceptions[0] from several
    finally:
        page.plain()
        page.progress(f"everything is stopped and removed; {time.monotonic() - begun:.1f} s in all")
    return 0


def _cancelled_by_signals(playing: asyncio.Task[object] | None) -> None:
    """The first signal cancels; more of them must not cut the cleaning up short, which is bounded anyway."""
    signals = asyncio.get_running_loop()

    def stop() -> None:
        for number in _ENDS:
            signals.add_signal_handler(number, lambda: None)
        if playing is not None:
            playing.cancel()

    for number in _ENDS:
        signals.add_signal_handler(number, stop)


async def _play(wishes: Wishes, page: Page, begun: float) -> None:
    async with Sandbox("demo", page.progress, asterisk=wishes.asterisk) as box:
        directory = box.dir / "directory.yaml"
        directory.write_text(export(cast(box.farend), with_secrets=True), encoding="utf-8")
        page.progress("starting the engine with two sites, three trunks and four agents")
        async with RunningEngine(box, directory) as engine:
            page.progress(f"ready after {time.monotonic() - begun:.1f} s: the API listens on {engine.url}")
            pictures = sandbox_root() / "demo"
            pictures.mkdir(parents=True, exist_ok=True)
            play = Play(box, engine, page, pictures)
            await play.main_job()
            await play.customer_busy()
            if wishes.stay:
                await stay(box, engine, page)
