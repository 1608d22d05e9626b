"""What settings are made of: sections, the values in them, and how a tree of a file becomes them, or all its faults."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta

_BOOLS = {"yes": True, "y": True, "on": True, "t": True, "no": False, "n": False, "off": False, "f": False}
"""What a text may say besides `true`, `false`, `1` and `0`, which msgspec knows."""

At = tuple[object, ...]
"""Where a setting stands: the names on the way to it, and numbers in lists."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A group of settings; nothing changes after start.

    Each is `name: Annotated[type, "what it is, and why its default"] = default`. Beside the text may stand the bounds
    that msgspec knows (`Meta`), and functions that raise ValueError for what cannot be meant. A rule on several
    settings is `__post_init__`, which raises ValueError too. `made` asks them all. The constructor asks only the last:
    who calls it has values of the right type already.
    """


class Secret:
    """A text for nobody but who asks for it: no repr, error or log shows it. An empty one is false, as a text is."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "**********"


def finite(number: float) -> None:
    """Raise ValueError for what no bound refuses: nothing of ours is endless."""
    if not isfinite(number):
        raise ValueError("Expected a finite number")


def like(pattern: str, what: str) -> Callable[[str], None]:
    """A check that the whole text matches. (The `$` of msgspec's own patterns lets a line's end pass.)"""

    def check(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"Expected {what}")

    return check


Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0), finite]
Limit = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]
Label = Annotated[
    str, like(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", "1 to 40 small letters, digits and -, with no - at either end")
]


class Setting(NamedTuple):
    """What is known of a setting before anybody sets it: `kind` is its type as written, `default` NODEFAULT for one
    that must be set."""

    name: str
    kind: Any
    description: str
    default: Any


def settings_in(section: type[Section]) -> Iterator[Setting]:
    """The settings of a section, and the sections in it, in their order."""
    for field in msgspec.structs.fields(section):
        description = next((note for note in _parted(field.type)[1] if isinstance(note, str)), "")
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        yield Setting(field.name, field.type, description, default)


def is_section(kind: object) -> bool:
    """Whether a setting of this type is a section of its own."""
    return isinstance(kind, type) and issubclass(kind, Section)


class WrongSettings(Exception):
    """A tree is no settings. The message has a line for each fault: the path of the setting, and what is wrong."""


S = TypeVar("S", bound=Section)


def made(section: type[S], tree: Mapping[str, object]) -> S:
    """The section that a tree describes. Texts count as what they spell: the environment has nothing else.

    Raises WrongSettings, for all faults at once; what secrets should be is never quoted.
    """
    reader = _Reader()
    settings = reader.section(section, tree, ())
    if settings is None:
        raise WrongSettings("\n".join(reader.faults))
    return settings


class _Reader:
    """Reads on after a fault, so that all are found; what is wrong is read as None."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def section(self, section: type[S], given: object, at: At) -> S | None:
        before = len(self.faults)
        try:
            values = dict(self._settings(section, _table(given), at))
            return section(**values) if len(self.faults) == before else None
        except ValueError as wrong:
            self._wrong(at, wrong)
            return None

    def _settings(self, section: type[Section], given: Mapping[str, object], at: At) -> Iterator[tuple[str, Any]]:
        settings = {setting.name: setting for setting in settings_in(section)}
        for name, setting in settings.items():
            if name in given:
                yield name, self._value(setting.kind, given[name], (*at, name))
            elif setting.default is NODEFAULT:
                self._wrong((*at, name), "It must be set")
        for name in given:
            if name not in settings:
                self._wrong((*at, name), "There is no such setting")

    def _value(self, kind: Any, given: object, at: At) -> Any:
        before = len(self.faults)
        bare, notes = _parted(kind)
        if get_origin(bare) in (Union, UnionType):  # of one type and None: others are not used here
            (some,) = (one for one in get_args(bare) if one is not NoneType)
            return None if given is None else self._value(Annotated[some, *notes], given, at)
        if is_section(bare):
            return self.section(bare, given, at)
        try:
            value = self._with_parts(bare, given, at)
            return _converted(kind, value) if len(self.faults) == before else None
        except (ValueError, msgspec.ValidationError) as wrong:
            self._wrong(at, wrong)
            return None

    def _with_parts(self, bare: Any, given: object, at: At) -> object:
        """Lists and tables with what is in them read, everything else as it is."""
        if get_origin(bare) is dict:
            of_name, of_value = get_args(bare)
            return {
                self._value(of_name, name, (*at, name)): self._value(of_value, one, (*at, name))
                for name, one in _table(given).items()
            }
        if get_origin(bare) is tuple:
            of_all = get_args(bare)[0]
            return tuple(self._value(of_all, one, (*at, place)) for place, one in enumerate(_list(given)))
        return given

    def _wrong(self, at: At, what: object) -> None:
        self.faults.append(f"  {'.'.join(map(str, at))}: {what}")


def _parted(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type, and what is noted beside it."""
    return (kind.__origin__, kind.__metadata__) if get_origin(kind) is Annotated else (kind, ())


def _table(given: object) -> Mapping[str, object]:
    if not isinstance(given, Mapping):
        raise ValueError("Expected a table")
    return given


def _list(given: object) -> list[object] | tuple[object, ...]:
    if not isinstance(given, list | tuple):
        raise ValueError("Expected a list")
    return given


def _converted(kind: Any, given: object) -> Any:
    bare, notes = _parted(kind)
    if get_origin(bare) is Literal and given not in get_args(bare):
        raise ValueError(f"Expected one of: {', '.join(get_args(bare))}")  # msgspec says which it is not
    meant = _spelt(bare, given) if isinstance(given, str) else given
    value = msgspec.convert(meant, kind, strict=False, dec_hook=_from_text)
    for check in filter(callable, notes):
        check(value)
    return value


def _spelt(bare: Any, text: str) -> object:
    """What a text is as a bool or a number, if msgspec does not read it: `off`, `65_536`."""
    if bare is bool:
        return _BOOLS.get(text.lower(), text)
    if bare in (int, float):
        with suppress(ValueError):
            return bare(text)
    return text


def _from_text(kind: type, given: object) -> Any:
    """Of secrets and paths, which msgspec does not know."""
    if isinstance(given, kind):
        return given
    if not isinstance(given, str):
        raise ValueError("Expected a text")
    return kind(given)
