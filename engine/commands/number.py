"""`engine number`: numbers that were called and lead nowhere."""

import argparse

from engine.commands import Subparsers, command, group, settings_of
from engine.commands._api import TOKEN, ask

_TEACH = f"""\
  export {TOKEN}=...        engine token create desk --scope directory:read
  engine number unmatched                 what was called, by which trunk, how often, and what to do about it
"""


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "number", None, summary="show the numbers that lead nowhere", teach=_TEACH, config=False
    )
    command(group(parser), "unmatched", unmatched, summary="numbers that were called and are nobody's", teach=_TEACH)


def unmatched(asked: argparse.Namespace) -> int:
    items = ask(settings_of(asked), "GET", "/v1/numbers/unmatched")["items"]
    for item in items:
        caller = item["last_caller"] or "a withheld number"
        print(f"{item['number']} by {item['trunk']}: {item['count']} times, last by {caller} at {item['last_at']}")
        print(f"  {item['hint_en']}")
    if not items:
        print("every number that was called leads somewhere")
    return 0
