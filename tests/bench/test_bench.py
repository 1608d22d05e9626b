"""The benches that need nothing but this machine run; the others are run by hand, their figures are no tests."""

import json
import subprocess
from pathlib import Path

from tests.bench.simulate import company_call, seconds_for
from tests.scenarios.calls import company

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


def test_simulated_calls_are_measured_and_cost_the_same_each() -> None:
    """Figures are no tests; that the thousandth call costs no more than the hundredth is one."""
    program = company()
    few_s, few = min(seconds_for(100, lambda: company_call(program, "1")) for _ in range(5))
    many_s, many = min(seconds_for(1_000, lambda: company_call(program, "1")) for _ in range(3))
    assert many == 10 * few
    assert many_s / few_s < 20
