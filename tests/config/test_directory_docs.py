"""docs/directory.md names every field there is, with its default."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.config.directory_fields import FIELDS
from engine.domain.directory_kinds import SECTIONS, Kind

PAGE = (Path(__file__).parents[2] / "docs" / "directory.md").read_text(encoding="utf-8")
IN_WORDS = {"needed", "none", "by mode", "allotted", "made", "the site's"}


def rows(kind: Kind) -> dict[str, str]:
    """Field -> default, as the page's table says."""
    section = PAGE.split(f"## {kind.capitalize()}s\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| (`[^|]+`) \| ([^|]*) \|", section, re.MULTILINE)
    return {name: default for names, default in found for name in re.findall(r"`(\w+)`", names)}


def written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple) and all(isinstance(one, int) for one in value) and value:
        return "`{}-{}`".format(*value)
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`" if isinstance(value, str) and value else str(value)


@pytest.mark.parametrize(("kind", "model"), [(kind, section.model) for kind, section in SECTIONS.items()])
def test_every_field_is_there_with_its_default(kind: Kind, model: type[msgspec.Struct]) -> None:
    told = rows(kind)
    assert set(told) == set(FIELDS[kind])
    for field in msgspec.structs.fields(model):
        if field.name == "id" or told[field.name] in IN_WORDS:
            assert field.required or field.default in (None, (), ""), field.name
        else:
            assert told[field.name] == written(field.default), field.name
