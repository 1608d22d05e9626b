"""What `bin/test` runs: every part of the suite, each timed, all of them even when one is red.

The component tests, then the live tests, which mostly wait for telephones: two files at a time, each with an Asterisk,
a PostgreSQL and a far end of its own; sound is measured there, so no more than two at once. The static checks and the
domain's tests run beside all of these, in the time that nobody else wants.

Each part is a process of its own; the output of those in the background is shown whole when they end, the others' as it
comes. The last line counts every test of every part in pytest's own words.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-P"]
WORKERS = ["-n", "2", "--dist", "loadfile"]  # two cores, and the tests of a file share what they have set up
PYTEST = ["-m", "pytest", "-q", "--durations=5", "--durations-min=2", "tests"]
IDLE = ["chrt", "--idle", "0"] if shutil.which("chrt") else []  # only when no other process wants the processor
LATE_S = 0.4  # longer than any test takes to look, shorter than any of its bounds
NOTHING_COLLECTED = 5  # pytest's exit status; an empty part is not a failure

EPILOG = """\
parts: ruff, format, mypy, imports (static) - domain (with 100 % branch coverage of engine/domain by its own tests),
component, live (a real Asterisk), faults (things killed on purpose).

examples:
  bin/test                         every part, without the tests that are marked `long`
  bin/test --all                   every test, as before every landing
  bin/test --calm                  one live test after the other, on a machine that has others to serve
  bin/test --fast                  static, domain and component: under a minute or two
  bin/test --soak                  everything, the long version
  bin/test --late                  the far end tells of all it sees 0.4 s late: finds tests that look instead of waiting
  bin/test tests/store -k pool -x  only these tests, arguments handed to pytest as they are; no static checks
"""


@dataclass
class Part:
    """One process of the suite. `pytest` parts count tests; `quiet` parts print only when they are done."""

    name: str
    command: list[str]
    pytest: bool = False
    quiet: bool = False
    env: dict[str, str] = field(default_factory=dict)
    ok: bool = False
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def static_parts() -> list[Part]:
    """The checks that run no test; mypy first, it is the longest."""
    lint_imports = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo'])"
    return [
        Part("mypy", [*PYTHON, "-m", "mypy"], quiet=True),
        Part("ruff", [*PYTHON, "-m", "ruff", "check", "--output-format=concise", "."], quiet=True),
        Part("format", [*PYTHON, "-m", "ruff", "format", "--check", "."], quiet=True),
        Part("imports", [*PYTHON, "-c", lint_imports], quiet=True),
    ]


def domain_parts(scratch: Path) -> list[Part]:
    """The domain's own tests, and the proof that they alone reach every branch of it."""
    env = {"COVERAGE_FILE": str(scratch / "coverage")}
    coverage = [*PYTHON, "-m", "coverage"]
    measured = [*coverage, "run", "--branch", "--source=engine/domain", *PYTEST[:-1], "tests/domain"]
    report = [*coverage, "report", "--fail-under=100", "--show-missing", "--skip-covered"]
    return [
        Part("domain", measured, pytest=True, quiet=True, env=env),
        Part("domain coverage", report, quiet=True, env=env),
    ]


def component_part(without: str) -> Part:
    """Everything that needs no Asterisk, besides the domain."""
    chosen = ["--ignore=tests/domain", "-m", f"not live and not faults{without}"]
    return Part("component", [*PYTHON, *PYTEST, *WORKERS, *chosen], pytest=True)


def live_parts(without: str, *, calm: bool) -> list[Part]:
    """The tests on a real Asterisk, and those that break things: two files at a time, or all one after the other."""
    if not calm:
        return [Part("live and faults", [*PYTHON, *PYTEST, *WORKERS, "-m", f"live{without}"], pytest=True)]
    return [
        Part("live", [*PYTHON, *PYTEST, "-m", f"live and not faults{without}"], pytest=True),
        Part("faults", [*PYTHON, *PYTEST, "-m", f"faults{without}"], pytest=True),
    ]


def left_out(*, everything: bool, soak: bool) -> str:
    """The end of pytest's marker expression: what this run leaves to a longer one."""
    if soak:
        return ""
    return " and not soak" if everything else " and not soak and not long"


def run(part: Part, scratch: Path) -> None:
    """Run one part to its end and write down what came of it."""
    command = [*(IDLE if part.quiet else []), *part.command]
    report = scratch / f"{part.name}.xml"
    if part.pytest:
        command.append(f"--junitxml={report}")
    started = time.monotonic()
    if not part.quiet:
        print(f"\n=== {part.name} ===", flush=True)
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "STANDARDISTE_SUITE": "1", **part.env},
        stdout=subprocess.PIPE if part.quiet else None,
        stderr=subprocess.STDOUT if part.quiet else None,
        text=True,
        check=False,
    )
    part.seconds = time.monotonic() - started
    part.ok = done.returncode == 0 or (part.pytest and done.returncode == NOTHING_COLLECTED)
    if part.quiet:
        print(f"\n=== {part.name} ===\n{done.stdout.rstrip()}", flush=True)
    if part.pytest:
        part.counts = count(report)


def count(report: Path) -> dict[str, int]:
    """Tests passed, failed and skipped in a JUnit report; a test that errors counts as failed."""
    if not report.exists():
        return {}
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 - our own pytest wrote it
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in suites:
        for name in total:
            total[name] += int(suite.get(name, "0"))
    failed = total["failures"] + total["errors"]
    return {"passed": total["tests"] - failed - total["skipped"], "failed": failed, "skipped": total["skipped"]}


@contextlib.contextmanager
def beside(parts: list[Part], scratch: Path) -> Iterator[None]:
    """Run quiet parts in the background while the body runs; leave when both are done."""

    def all_of_them() -> None:
        for part in parts:
            run(part, scratch)

    thread = threading.Thread(target=all_of_them, name="in the background")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def verdict(parts: list[Part]) -> bool:
    """Print the time table, which parts are red, and the count of all tests as the very last line."""
    print("\npart               seconds  result")
    for part in parts:
        tests = ", ".join(f"{number} {word}" for word, number in part.counts.items() if number)
        print(f"{part.name:18} {part.seconds:7.1f}  {'ok' if part.ok else 'FAILED'}{'  ' + tests if tests else ''}")
    red = [part.name for part in parts if not part.ok]
    if red:
        print(f"\nfailed parts: {', '.join(red)}")
    total = {word: sum(part.counts.get(word, 0) for part in parts) for word in ("passed", "failed", "skipped")}
    print(", ".join(f"{number} {word}" for word, number in total.items()), flush=True)
    return not red


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for; 0 when every part is good."""
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--fast", action="store_true", help="no live and no fault tests")
    parser.add_argument(
        "--calm", action="store_true", help="the live tests one after another: for slow, shared machines"
    )
    parser.add_argument("--all", action="store_true", help="with the tests that are long, as before every landing")
    parser.add_argument("--soak", action="store_true", help="the long version of the component, live and fault tests")
    parser.add_argument("--late", action="store_true", help="the far end tells of all it sees 0.4 s late")
    asked, rest = parser.parse_known_args(arguments)
    if asked.late:
        os.environ["STANDARDISTE_LATE_S"] = str(LATE_S)
    with tempfile.TemporaryDirectory(prefix="standardiste-test-") as folder:
        scratch = Path(folder)
        if rest:
            return subprocess.run([*PYTHON, "-m", "pytest", *rest], cwd=ROOT, check=False).returncode
        without = left_out(everything=asked.all, soak=asked.soak)
        background, component = [*domain_parts(scratch), *static_parts()], component_part(without)
        live = [] if asked.fast else live_parts(without, calm=asked.calm)
        with beside(background, scratch):
            for part in [component, *live]:
                run(part, scratch)
    return 0 if verdict([*background, component, *live]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
