"""Scenarios as pictures: for Graphviz, as Mermaid for pages that draw it themselves, and as SVG.

Error edges are dashed and grey. With counts (those of conversations, or of calls), an edge is as thick and red as it is
used, and one that is never used is pale.

Names, words and notes come from whoever wrote the scenario: they are escaped here, and nodes are numbered, so that
nothing in a file is ever taken for Graphviz or Mermaid.
"""

import asyncio
import html
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.domain.scenario.graph import NodeName, Program
from engine.errors import Unavailable
from engine.scenarios.coverage import Edge
from engine.scenarios.picture import Drawn, Line, Picture, Shape, pictures, short

DRAWING_S = 30.0
FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
INK, GREY, PALE = "#1f2933", "#8a94a0", "#c9d0d8"
COLOURS: dict[Shape, str] = {
    "says": "#e3f0fb",
    "asks": "#fff3d1",
    "records": "#fde4d8",
    "decides": "#ece6fa",
    "finds": "#dff3ee",
    "sets": "#eef1f4",
    "reaches": "#d9f2dc",
    "runs": "#e8ecf8",
    "ends": "#3e4c59",
}
_DOT: dict[Shape, str] = {
    "says": 'shape=box, style="filled,rounded"',
    "asks": "shape=hexagon",
    "records": "shape=note",
    "decides": "shape=diamond, margin=0",
    "finds": "shape=cylinder",
    "sets": "shape=box",
    "reaches": "shape=ellipse",
    "runs": "shape=box, peripheries=2",
    "ends": 'shape=box, style="filled,rounded", fontcolor=white',
}
_MERMAID: dict[Shape, tuple[str, str]] = {
    "says": ("(", ")"),
    "asks": ("{{", "}}"),
    "records": ("[/", "/]"),
    "decides": ("{", "}"),
    "finds": ("[(", ")]"),
    "sets": ("[", "]"),
    "reaches": ("([", "])"),
    "runs": ("[[", "]]"),
    "ends": ("([", "])"),
}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
_NOTATION = re.compile(r"""["#&<>|\[\]{}`\\]""")


def dot(program: Program, counts: Mapping[Edge, int] | None = None) -> str:
    """For Graphviz, each scenario in a frame of its own."""
    drawn = pictures(program, counts)
    most = _most(drawn)
    lines = [
        "digraph scenario {",
        f'  graph [rankdir=TB, fontname="{FONT}", nodesep=0.35, ranksep=0.5, bgcolor=white];',
        f'  node [fontname="{FONT}", fontsize=11, style=filled, color="{GREY}", fontcolor="{INK}"];',
        f'  edge [fontname="{FONT}", fontsize=9, color="{INK}", fontcolor="{INK}", arrowsize=0.7];',
    ]
    for number, picture in enumerate(drawn):
        lines += [
            f"  subgraph cluster_{number} {{",
            f'    label=<{_html(picture.scenario)}>; color="{PALE}"; style=rounded;',
            *(f"    {line}" for line in _dot_of(picture, f"s{number}", most)),
            "  }",
        ]
    return "\n".join([*lines, "}", ""])


def mermaid(program: Program, counts: Mapping[Edge, int] | None = None) -> str:
    """A flowchart."""
    drawn = pictures(program, counts)
    most = _most(drawn)
    lines = ["flowchart TD"]
    styles: list[str] = []
    for number, picture in enumerate(drawn):
        lines.append(f'  subgraph s{number}["{_plain(picture.scenario)}"]')
        lines += [f"    {_mermaid_node(node, f's{number}_{at}')}" for at, node in enumerate(picture.nodes)]
        lines += [f"    {way}" for way in _mermaid_ways(picture, f"s{number}")]
        lines.append("  end")
        styles += [_mermaid_style(line, most) for line in picture.lines]
    lines += [f"  linkStyle {number} {style}" for number, style in enumerate(styles) if style]
    for shape, colour in COLOURS.items():
        text = "white" if shape == "ends" else INK
        lines.append(f"  classDef {shape} fill:{colour},stroke:{GREY},color:{text}")
    return "\n".join([*lines, ""])


async def svg(program: Path, text: str) -> bytes:
    """What Graphviz (`program` is its dot) makes of a text of `dot`."""
    process = await asyncio.create_subprocess_exec(
        program, "-Tsvg", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(DRAWING_S):
            out, told = await process.communicate(text.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Unavailable(f"Graphviz was not done in {DRAWING_S:.0f} s", what_next="draw fewer scenarios") from None
    if process.returncode != 0:
        raise Unavailable(f"Graphviz: {told.decode(errors='replace').strip()[:200]}", what_next="see its own message")
    return out


def _most(drawn: tuple[Picture, ...]) -> int:
    return max((line.count or 0 for picture in drawn for line in picture.lines), default=0)


def _numbered(picture: Picture, prefix: str) -> dict[NodeName, str]:
    return {node.name: f"{prefix}_{number}" for number, node in enumerate(picture.nodes)}


def _words(line: Line) -> str:
    return f"{line.label} ×{line.count}".strip() if line.count is not None else line.label


def _heat(count: int, most: int) -> tuple[str, float]:
    """Colour and width of an edge that is used so often: by orders of magnitude, as traffic differs by them."""
    if not count:
        return PALE, 1.0
    share = math.log1p(count) / math.log1p(most)
    red, green, blue = (round(low + (high - low) * share) for low, high in ((90, 200), (110, 40), (140, 30)))
    return f"#{red:02x}{green:02x}{blue:02x}", 1.2 + 3.3 * share


# -- Graphviz ----------------------------------------------------------------------------------------------------------


def _dot_of(picture: Picture, prefix: str, most: int) -> Iterator[str]:
    ids = _numbered(picture, prefix)
    for node in picture.nodes:
        yield f'{ids[node.name]} [{_DOT[node.shape]}, fillcolor="{COLOURS[node.shape]}", label=<{_dot_label(node)}>];'
    for number, line in enumerate(picture.lines):
        source = ids.get(line.source) if line.source is not None else None
        if source is None:
            source = f"{prefix}_in{number}"
            yield f'{source} [shape=plaintext, style="", fontsize=9, fontcolor="{GREY}", label=<{_html(line.label)}>];'
        yield f"{source} -> {ids[line.to]} [{_dot_style(line, most)}];"


def _dot_label(node: Drawn) -> str:
    small = "white" if node.shape == "ends" else "#52606d"
    label = f"<B>{_html(node.name)}</B>"
    if node.shape == "decides":
        about, _, rest = node.about.partition(": ")
        lines = [about, rest] if rest else [about]
    else:
        lines = [node.about]
    if node.note:
        lines.append(short(node.note))
    for number, line in enumerate(lines):
        words = f"<I>{_html(line)}</I>" if node.note and number == len(lines) - 1 else _html(line)
        label += f'<BR/><FONT POINT-SIZE="9" COLOR="{small}">{words}</FONT>'
    return label


def _dot_style(line: Line, most: int) -> str:
    style = [] if line.source is None else [f"label=<&#160;{_html(_words(line))}>"]
    if line.kind == "error":
        style += ["style=dashed", f'color="{GREY}"', f'fontcolor="{GREY}"']
    elif line.count is not None:
        colour, width = _heat(line.count, most)
        style += [f'color="{colour}"', f"penwidth={width:.1f}"]
    return ", ".join(style)


def _html(text: str) -> str:
    """For an HTML-like label. Graphviz takes no empty one."""
    return html.escape(_CONTROLS.sub(" ", text)) or " "


# -- Mermaid -----------------------------------------------------------------------------------------------------------


def _mermaid_node(node: Drawn, id_: str) -> str:
    before, after = _MERMAID[node.shape]
    words = [node.name, node.about, *([short(node.note)] if node.note else [])]
    return f'{id_}{before}"{"<br/>".join(map(_plain, words))}"{after}:::{node.shape}'


def _mermaid_ways(picture: Picture, prefix: str) -> Iterator[str]:
    ids = _numbered(picture, prefix)
    for number, line in enumerate(picture.lines):
        arrow = "-.->" if line.kind == "error" else "-->"
        if line.source is None:
            yield f'{prefix}_in{number}["{_plain(line.label)}"] {arrow} {ids[line.to]}'
        else:
            label = f'|"{_plain(_words(line))}"|' if _words(line) else ""
            yield f"{ids[line.source]} {arrow}{label} {ids[line.to]}"


def _mermaid_style(line: Line, most: int) -> str:
    if line.kind == "error":
        return f"stroke:{GREY}"
    if line.count is None:
        return ""
    colour, width = _heat(line.count, most)
    return f"stroke:{colour},stroke-width:{width:.1f}px"


def _plain(text: str) -> str:
    """Inside quotes: whatever could be notation is written by its number."""
    return _NOTATION.sub(lambda found: f"#{ord(found[0])};", _CONTROLS.sub(" ", text))
