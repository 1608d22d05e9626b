"""`engine scenario draw`: a scenario as a picture."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from engine.commands import Subparsers, command
from engine.commands.scenario import _reading

if TYPE_CHECKING:
    from pathlib import Path

_TEACH = """\
  engine scenario draw standard > standard.svg              drawn by Graphviz, which is fetched once
  engine scenario draw standard --as mermaid                for a page that draws it itself
"""


def register(words: Subparsers) -> None:
    parser = command(words, "draw", run, summary="draw a scenario", teach=_TEACH, config=False)
    parser.add_argument("name", metavar="NAME", help="a scenario")
    parser.add_argument("--as", dest="form", choices=("svg", "dot", "mermaid"), default="svg", help="default: svg")
    _reading.add_folder(parser)


def run(asked: argparse.Namespace) -> int:
    from engine.scenarios import drawing

    program = _reading.program(asked.folder, asked.name).program
    match asked.form:
        case "mermaid":
            print(drawing.mermaid(program), end="")
        case "dot":
            print(drawing.dot(program), end="")
        case _:
            sys.stdout.buffer.write(asyncio.run(_svg(drawing.dot(program))))
    return 0


async def _svg(text: str) -> bytes:
    from engine.sandbox.tools import DOT, find_or_fetch
    from engine.scenarios.drawing import svg

    program: Path = await find_or_fetch(DOT, lambda told: print(told, file=sys.stderr))
    return await svg(program, text)
