"""One sentence of a call's ladder picture."""

from typing import Literal

import msgspec

Kind = Literal["order", "fact", "note", "rule"]
Tone = Literal["plain", "muted", "good", "bad", "warn"]


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence and where it stands: an `order` goes from the engine to `channel`, a `fact` comes back from it, a
    `note` stands at the engine, a `rule` goes through the whole picture. `below`: a second, shorter line."""

    kind: Kind
    text: str
    channel: str = ""
    below: str = ""
    tone: Tone = "plain"
