"""An engine that starts has calls to take back: what only later work needs is not imported before them."""

import subprocess
import sys

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
