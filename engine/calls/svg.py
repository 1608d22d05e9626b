"""A small writer of SVG: shapes in, text out, the same text for the same shapes.

Only presentation attributes, no style sheet, no script, no link: the picture shows the same in a browser whose policy
allows nothing (as the API's own does), in a report and in a mail.
"""

import re
from xml.sax.saxutils import escape, quoteattr

SANS = "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
MONO = "'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WIDE = 0.64  # of the font size: a digit of DejaVu Sans, the widest of our fonts; the others stay inside
_BOLD = 1.11
_NARROW = "fijlrt.,:;'|!()[] "

Number = float | int
Value = Number | str | None


def text_width(words: str, size: Number, *, bold: bool = False) -> float:
    """How wide a text may become in the widest of our fonts, in pixels; fonts are never measured."""
    units = sum(0.40 if c in _NARROW else 0.84 if c.isupper() or c in "mw+—…" else _WIDE for c in words)
    return units * size * (_BOLD if bold else 1)


def shortened(words: str, size: Number, room: Number, *, bold: bool = False) -> str:
    """The text, cut with an ellipsis where it would not fit into `room` pixels."""
    if text_width(words, size, bold=bold) <= room:
        return words
    kept = words
    while kept and text_width(kept + "…", size, bold=bold) > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def number(value: Number) -> str:
    """At most two decimals, none where there is none: 12, 12.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def tag(name: str, content: str = "", /, **attributes: Value) -> str:
    """One element around `content`, which is XML already; `stroke_width` is written `stroke-width`, None left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_text(value))}"
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(
    x: Number, y: Number, words: str, *, size: Number = 12, fill: str, anchor: str = "start", **more: Value
) -> str:
    """Words at a baseline."""
    return tag("text", clean(words), x=x, y=y, font_size=size, fill=fill, text_anchor=anchor, **more)


def line(x1: Number, y1: Number, x2: Number, y2: Number, *, stroke: str, width: Number = 1, **more: Value) -> str:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, **more)


def box(x: Number, y: Number, width: Number, height: Number, **more: Value) -> str:
    return tag("rect", x=x, y=y, width=width, height=height, **more)


def arrow_head(x: Number, y: Number, *, right: bool, fill: str, size: Number = 7) -> str:
    """A filled triangle whose tip is at x, y."""
    back = x - size if right else x + size
    half = size * 0.55
    corners = f"{number(x)},{number(y)} {number(back)},{number(y - half)} {number(back)},{number(y + half)}"
    return tag("polygon", points=corners, fill=fill)


def hatch(name: str, ground: str, stroke: str) -> str:
    """A pattern of diagonal lines, to be used as `url(#name)`."""
    lines = box(0, 0, 6, 6, fill=ground) + line(0, 0, 0, 6, stroke=stroke, width=4)
    return tag(
        "pattern", lines, id=name, width=6, height=6, patternUnits="userSpaceOnUse", patternTransform="rotate(45)"
    )


def document(width: Number, height: Number, title: str, description: str, body: list[str]) -> str:
    """The whole picture; title and description are for those who hear it instead of seeing it."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{number(width)}" height="{number(height)}"'
        f' viewBox="0 0 {number(width)} {number(height)}" font-family="{SANS}">'
    )
    return "\n".join([head, tag("title", clean(title)), tag("desc", clean(description)), *body, "</svg>", ""])


def clean(words: str) -> str:
    """Text as it may stand in XML: escaped, and without the characters XML has no place for."""
    return escape(_NOT_XML.sub("�", words))


def _text(value: Value) -> str:
    return _NOT_XML.sub("�", value) if isinstance(value, str) else number(value or 0)
