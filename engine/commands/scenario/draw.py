"""`engine scenario draw`: a scenario as a picture."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from engine.commands import Subparsers, command, settings_of
from engine.commands._api import TOKEN, ask
from engine.commands.scenario import _reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.scenarios.coverage import Edge

_TEACH = f"""\
  engine scenario draw standard > standard.svg              drawn by Graphviz, which is fetched once
  engine scenario draw standard --as mermaid                for a page that draws it itself
  engine scenario draw standard --heat conversations        which ways the conversations of standard.test.yaml go
  engine scenario draw standard --heat calls                which ways callers went since the engine began: what is
                                                            live, asked of the running engine with {TOKEN}
"""


def register(words: Subparsers) -> None:
    parser = command(words, "draw", run, summary="draw a scenario", teach=_TEACH)
    parser.add_argument("name", metavar="NAME", help="a scenario")
    parser.add_argument("--as", dest="form", choices=("svg", "dot", "mermaid"), default="svg", help="default: svg")
    parser.add_argument("--heat", choices=("conversations", "calls"), help="an edge is as red as it is used")
    _reading.add_folder(parser)
    _reading.add_directory(parser)


def run(asked: argparse.Namespace) -> int:
    picture = _live(asked) if asked.heat == "calls" else _of_file(asked)
    if asked.form == "svg":
        sys.stdout.buffer.write(asyncio.run(_svg(picture["dot"])))
    else:
        print(picture[asked.form], end="")
    return 0


def _of_file(asked: argparse.Namespace) -> Mapping[str, str]:
    """By form; raises BadFile."""
    from engine.scenarios import conversations, drawing, testing

    program, ears, _ = _reading.program(asked.folder, asked.name)
    counts: Mapping[Edge, int] | None = None
    if asked.heat == "conversations":
        file, house = testing.file_of(asked.folder, program.main), _reading.house(asked.directory)
        counts = testing.hold_all(program, conversations.load(file), str(file), house, ears).coverage.counts
    return {"dot": drawing.dot(program, counts), "mermaid": drawing.mermaid(program, counts)}


def _live(asked: argparse.Namespace) -> Mapping[str, str]:
    from engine.domain.values import slug

    return ask(settings_of(asked), "GET", f"/v1/scenarios/{slug(asked.name)}/drawing?heat=calls")


async def _svg(text: str) -> bytes:
    from engine.sandbox.tools import DOT, find_or_fetch
    from engine.scenarios.drawing import svg

    program: Path = await find_or_fetch(DOT, lambda told: print(told, file=sys.stderr))
    return await svg(program, text)
