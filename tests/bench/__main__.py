"""Measures the engine beside real parts, and beside plain Asterisk in the same run; prints tables with their units.

Everything runs on this machine, the far end and the meter too: compare the ratios of a run, not figures of two runs.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from tests.bench import edge, ivr, journal, machine, reown, setup, simulate
from tests.bench.asked import Asked, say
from tests.bench.tables import Table

BENCHES: dict[str, Callable[[Asked], Awaitable[list[Table]]]] = {
    "machine": machine.bench,
    "journal": journal.bench,
    "reown": reown.bench,
    "setup": setup.bench,
    "edge": edge.bench,
    "simulate": simulate.bench,
    "ivr": ivr.bench,
}

EPILOG = """\
machine   steps per second of the pure machine on one core, and bytes per call
journal   steps per second the journal takes, and how long one waits for it
reown     kill -9 with calls alive: seconds until the next engine owns all of them
setup     what a call costs and how long its steps take at a steady pace, beside plain dialplan
edge      calls refused past the edge, and what becomes of those that are taken
simulate  simulated calls through scenarios per second on one core
ivr       callers in menus at once: from key to prompt, beside the same menus in plain dialplan

examples:
  bin/bench machine
  bin/bench reown --calls 40 --repeats 5
  bin/bench setup --rates 10 --seconds 5
"""


def main(arguments: list[str]) -> int:
    """Run what is asked for, print tables as they come, and write all of them when a file is named."""
    asked = _parser().parse_args(arguments)
    defaults = Asked()
    wanted = Asked(
        seconds=asked.seconds or defaults.seconds,
        calls=asked.calls or defaults.calls,
        rates=asked.rates or defaults.rates,
        repeats=asked.repeats or defaults.repeats,
    )
    tables = []
    for name in asked.what or BENCHES:
        say(f"{name}, load average {os.getloadavg()[0]:.2f}")
        began = time.monotonic()
        found = asyncio.run(_awaited(BENCHES[name], wanted))
        found.append(_circumstances(name, time.monotonic() - began))
        tables += found
        print("\n".join(f"{table.text()}\n" for table in found), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(table) for table in tables], indent=1) + "\n", encoding="utf-8")
    return 0


async def _awaited(bench: Callable[[Asked], Awaitable[list[Table]]], wanted: Asked) -> list[Table]:
    return await bench(wanted)


def _circumstances(name: str, seconds: float) -> Table:
    one, five, _ = os.getloadavg()
    row = (os.cpu_count(), platform.python_version(), f"{one:.2f}", f"{five:.2f}", seconds)
    return Table(f"{name}: the run", ("cores", "Python", "load, 1 min", "load, 5 min", "run, s"), [row])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bin/bench",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("what", nargs="*", choices=[*BENCHES, []], metavar="WHAT", help="which; default: all of them")
    parser.add_argument(
        "--calls", type=_counts, metavar="N,..", help="live calls (reown), callers at once (ivr: the most of them)"
    )
    parser.add_argument("--rates", type=_rates, metavar="R,..", help="calls per second (setup)")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long each measurement lasts")
    parser.add_argument("--repeats", type=int, metavar="K", help="how often each is repeated; the middle one counts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the tables as JSON")
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _rates(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
