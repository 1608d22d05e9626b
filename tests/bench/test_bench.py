"""The benches that need nothing but this machine run; the others are run by hand, their figures are no tests."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_machine_is_measured_and_the_tables_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "bench.json"
    command = [str(ROOT / "bin/bench"), "machine", "--seconds", "0.5", "--json", str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "steps/s" in done.stdout
    machine, run = json.loads(kept.read_text())
    assert machine["rows"][0][0] == "answered"
    assert run["columns"][0] == "cores"
