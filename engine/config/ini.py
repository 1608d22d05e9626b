"""Asterisk's configuration grammar: sections of `key = value`, written and read back.

`parse` follows main/config.c of Asterisk as far as our files go: `;` comments with `\\;` as the escape, `;-- --;`
comment blocks, `[section]`, `[section](+)`, `[section](template)`, `#include`, `=` and `=>`. What our files never
contain (`#exec`, unknown directives, a line without `=`) raises BadFile: a rendered file that needs it is not ours.
"""

import re
from collections.abc import Iterator

import msgspec

from engine.config.values import ConfigValue, word
from engine.errors import BadFile

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\](?:\((?P<flags>[^)]*)\))?")
_INCLUDE = re.compile(r"#(?:try)?include\s+\"?(?P<file>[A-Za-z0-9_./-]+)\"?")


class Option(msgspec.Struct, frozen=True):
    """One line of a section."""

    key: str
    value: str


class Section(msgspec.Struct, frozen=True):
    """One section; `flags` is what stands in parentheses after the name, such as `+`."""

    name: str
    options: tuple[Option, ...]
    flags: str = ""


class Parsed(msgspec.Struct, frozen=True):
    """A file as Asterisk reads it."""

    sections: tuple[Section, ...]
    includes: tuple[str, ...] = ()


def section(name: ConfigValue, /, **options: ConfigValue) -> Section:
    """A section of checked values; a key that starts with a digit is given with a leading underscore (`_100rel`)."""
    return Section(name, tuple(Option(word(key.removeprefix("_")), value) for key, value in options.items()))


def parse(text: str, name: str = "file") -> Parsed:
    """Read what Asterisk would read; raises BadFile with the line."""
    sections: list[Section] = []
    includes: list[str] = []
    for number, line in meaningful_lines(text):
        where = f"{name}:{number}"
        if line.startswith("["):
            sections.append(_section_header(line, where))
        elif line.startswith("#"):
            includes.append(_include(line, where))
        elif not sections:
            raise BadFile(f"{where}: a line before the first section: {line!r}")
        else:
            last = sections[-1]
            sections[-1] = msgspec.structs.replace(last, options=(*last.options, _option(line, where)))
    return Parsed(tuple(sections), tuple(includes))


def meaningful_lines(text: str) -> Iterator[tuple[int, str]]:
    """What is left of each line without comments and outer blanks, and its number; lines with nothing left are not."""
    in_block = False
    for number, raw in enumerate(text.split("\n"), start=1):
        line, in_block = _without_comments(raw, in_block)
        if line := line.strip():
            yield number, line


def ends_in_comment(text: str) -> bool:
    """Whether what is added at the end of the file is part of a `;--` comment that nobody closed."""
    in_block = False
    for raw in text.split("\n"):
        _, in_block = _without_comments(raw, in_block)
    return in_block


def _without_comments(raw: str, in_block: bool) -> tuple[str, bool]:
    """One line without its comments, escapes undone, and whether a comment block goes on."""
    kept: list[str] = []
    at = 0
    while at < len(raw):
        rest = raw[at:]
        if in_block:
            end = rest.find("--;")
            if end < 0:
                return "".join(kept), True
            at, in_block = at + end + 3, False
        elif rest.startswith("\\;"):
            kept.append(";")
            at += 2
        elif rest.startswith(";--") and not rest.startswith(";---"):
            at, in_block = at + 3, True
        elif rest.startswith(";"):
            break
        else:
            kept.append(raw[at])
            at += 1
    return "".join(kept), in_block


def _section_header(line: str, where: str) -> Section:
    found = _SECTION.fullmatch(line)
    if not found:
        raise BadFile(f"{where}: not a section header: {line!r}")
    return Section(found["name"], (), found["flags"] or "")


def _include(line: str, where: str) -> str:
    found = _INCLUDE.fullmatch(line)
    if not found:
        raise BadFile(f"{where}: a directive that is not ours: {line!r}")
    return found["file"]


def _option(line: str, where: str) -> Option:
    key, equals, value = line.partition("=")
    if not equals or not key.strip():
        raise BadFile(f"{where}: neither a section nor key = value: {line!r}")
    return Option(key.strip(), value.removeprefix(">").strip())
