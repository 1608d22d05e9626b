"""An engine that starts has calls to take back: what only later work needs is not imported before them."""

import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import aiohttp

from engine.app import engine

LATER = {
    "apscheduler": "periodic work",
    "jinja2": "Asterisk's files",
    "numpy": "sounds that are rendered",
    "pydantic": "nothing: settings are msgspec's",
    "soundfile": "sounds that are uploaded",
    "yaml": "scenarios that are published, directories that are imported",
}
ASK = "import engine.cli, engine.commands.run, engine.app.engine, sys; print(*sorted(sys.modules))"


def test_a_start_imports_nothing_that_can_wait() -> None:
    told = subprocess.run([sys.executable, "-P", "-c", ASK], capture_output=True, text=True, timeout=60, check=True)
    assert sorted(LATER.keys() & set(told.stdout.split())) == []


def test_nothing_is_compiled_at_a_start() -> None:
    """`bin/_bootstrap.sh` does it before; a file of ours that is newer is a developer's, who starts again."""
    for module in (engine, aiohttp):
        assert module.__file__ is not None
        assert Path(cache_from_source(module.__file__)).exists()
