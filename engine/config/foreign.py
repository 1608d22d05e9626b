"""An administrator's Asterisk files, read as Asterisk reads them, and never judged for taste.

Everything that Asterisk takes is taken: includes (with wildcards, in quotes, in angle brackets), templates, sections
that go on what another began, any bytes (a byte is a character here, and nothing is ever written from these texts).
What cannot be known without running it (`#exec`) or read raises BadFile: a plan that guesses is worse than none.
"""

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from engine.config.ini import Option, ends_in_comment, meaningful_lines
from engine.errors import BadFile

ENCODING = "latin-1"  # every byte is a character: nothing is lost, nothing fails
DEEPEST = 10  # Asterisk's own limit of files that include files
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_HEADER = re.compile(r"\[(?P<name>[^\]]*)\](?:\s*\((?P<flags>[^)]*)\))?")
_DIRECTIVE = re.compile(r"#(?P<word>\S+)\s*(?P<rest>.*)", re.DOTALL)
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


class Found(msgspec.Struct):
    """A section with all its options, those of its templates first. `template`: it is one, and nothing by itself."""

    name: str
    options: list[Option]
    template: bool = False

    def value(self, key: str) -> str | None:
        """What Asterisk takes when the key is there several times: the last."""
        return next(iter(reversed(self.values(key))), None)

    def values(self, key: str) -> list[str]:
        """Every value of the key, in order."""
        return [option.value for option in self.options if option.key.lower() == key.lower()]

    @property
    def type(self) -> str:
        """What kind of object it is, in pjsip.conf."""
        return (self.value("type") or "").lower()


class Foreign(msgspec.Struct, frozen=True):
    """One file with all that it includes. `open_comment`: what is added at its end would not be read."""

    name: str
    exists: bool
    sections: tuple[Found, ...] = ()
    open_comment: bool = False

    def named(self, name: str) -> Found | None:
        """The section Asterisk means by `[name](+)`."""
        return next((s for s in self.sections if s.name.lower() == name.lower() and not s.template), None)

    def of_type(self, kind: str) -> list[Found]:
        """The objects of pjsip.conf of this type."""
        return [found for found in self.sections if found.type == kind and not found.template]

    def names(self) -> set[str]:
        """What its sections are called, templates too."""
        return {found.name for found in self.sections}


def is_true(value: str | None) -> bool:
    """Whether Asterisk takes this for yes."""
    return (value or "").lower() in _TRUE


def read(etc: Path, name: str, *, ours: Sequence[str] = ()) -> Foreign:
    """The file below `etc`, whether it exists or not; includes of `ours` are passed over.

    Raises BadFile, with file and line, where Asterisk would not read it either, and where only running it would tell.
    """
    file = etc / name
    if not file.exists():
        return Foreign(name, False)
    sections: list[Found] = []
    current: Found | None = None
    for where, line in _lines(etc, file, frozenset(ours), depth=1):
        if line.startswith("["):
            current = _begin(sections, line, where)
        elif current is not None:
            key, equals, value = line.partition("=")
            if equals:
                current.options.append(Option(key.strip(), value.removeprefix(">").strip()))
        # a line of neither kind is one that Asterisk complains about and passes over
    return Foreign(name, True, tuple(sections), ends_in_comment(_text(file)))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().removeprefix(BYTE_ORDER_MARK).decode(ENCODING)
    except OSError as wrong:
        raise BadFile(f"{file}: {wrong.strerror}", what_next="Run this as root, or as Asterisk's account.") from wrong


def _lines(etc: Path, file: Path, ours: frozenset[str], *, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        raise BadFile(f"{file}: files that include files, more than {DEEPEST} deep")
    for number, line in meaningful_lines(_text(file)):
        where = f"{file}:{number}"
        directive = _DIRECTIVE.fullmatch(line)
        if directive is None:
            yield where, line
            continue
        word, target = directive["word"].lower(), _unquoted(directive["rest"].strip())
        if word == "exec":
            raise BadFile(f"{where}: #exec: what it adds cannot be known without running it")
        if word not in {"include", "tryinclude"} or target in ours:
            continue
        if "\0" in target:
            raise BadFile(f"{where}: what is included has a NUL byte in its name")
        found = sorted(glob.glob(str(etc / target)))
        if not found and word == "include":
            raise BadFile(f"{where}: {target} is not there, so Asterisk takes none of {file.name}")
        for included in found:
            yield from _lines(etc, Path(included), ours, depth=depth + 1)


def _unquoted(text: str) -> str:
    closing = {'"': '"', "<": ">", "'": "'"}.get(text[:1])
    return text[1:-1] if closing and text.endswith(closing) and len(text) > 1 else text


def _begin(sections: list[Found], line: str, where: str) -> Found:
    header = _HEADER.match(line)
    if header is None:
        raise BadFile(f"{where}: no closing bracket: {line!r}")
    begun = Found(header["name"], [])
    for flag in (part.strip() for part in (header["flags"] or "").split(",")):
        if flag == "!":
            begun.template = True
        elif flag.startswith("+"):
            earlier = _extended(sections, begun.name, flag[1:])
            if earlier is None:
                raise BadFile(f"{where}: [{begun.name}]({flag}) goes on a section that is not there")
            return earlier
        elif flag:
            template = next((s for s in sections if s.name.lower() == flag.lower()), None)
            if template is None:
                raise BadFile(f"{where}: [{begun.name}]({flag}): there is no such template")
            begun.options.extend(template.options)
    sections.append(begun)
    return begun


def _extended(sections: list[Found], name: str, wanted: str) -> Found | None:
    conditions = [part.partition("=")[::2] for part in wanted.split("&") if "=" in part]
    for found in sections:
        if found.name.lower() == name.lower() and all(found.value(key) == value for key, value in conditions):
            return found
    return None
