"""The forms of a scenario's values: bounds of numbers and patterns of texts.

The loader holds a file to them, and so does the JSON Schema for editors. A description says what a text must be, an
example shows one.
"""

from typing import Annotated

from msgspec import Meta

SOME = Meta(min_length=1)  # of a list: one at least

Tries = Annotated[int, Meta(ge=1, le=10)]
Length = Annotated[int, Meta(ge=0, le=64)]  # of what is typed, in keys
Patience = Annotated[float, Meta(gt=0, le=60)]  # seconds of silence, or of waiting for a machine
Duration = Annotated[int, Meta(ge=1, le=3_600)]  # seconds of recording, or of looking for somebody
Silence = Annotated[int, Meta(ge=0, le=60)]  # seconds
Steps = Annotated[int, Meta(ge=1, le=10_000)]
Stay = Annotated[int, Meta(ge=1, le=14_400)]  # seconds

Keys = Annotated[
    str,
    Meta(pattern="^[0-9*#A-D]{1,8}$", description="keys of a telephone: 0-9, *, #, A-D, at most 8", examples=["1"]),
]
SomeKeys = Annotated[
    str, Meta(pattern="^[0-9*#A-D]{0,16}$", description="keys of a telephone, or nothing", examples=["#"])
]
OneKey = Annotated[str, Meta(pattern="^[0-9*#A-D]?$", description="one key of a telephone, or nothing", examples=["*"])]
SoundName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,60}(?:/[A-Za-z0-9][A-Za-z0-9_-]{0,60}){0,4}$",
        description="the name of one of Asterisk's sounds, without its extension",
        examples=["vm-goodbye"],
    ),
]
OutcomeName = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9][a-z0-9_-]{0,39}$",
        description="an outcome's name: a-z, 0-9, _ and -, at most 40 characters",
        examples=["confirmed"],
    ),
]
EventName = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="an event's name: letters, digits, _ . and -, at most 64 characters",
        examples=["order.asked"],
    ),
]
Pointer = Annotated[
    str,
    Meta(
        pattern="^(?:/(?:[^~/]|~[01])*)*$",
        description="a JSON pointer (RFC 6901)",
        examples=["/customer/name"],
    ),
]
