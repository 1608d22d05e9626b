"""`engine settings`: what is set, and what can be."""

import argparse
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.commands import Subparsers, command, group, settings_of
from engine.settings import PLACES, Settings, config_file

_TEACH = """\
The file is the one of --config, else the first of these that exists: {places}.
The environment wins over the file: STANDARDISTE_HTTP__PORT=8090 sets port of [http].

examples:
  engine settings example > standardiste.toml
  engine settings show
""".format(places=", ".join(map(str, PLACES)))
_EXAMPLES = {"state_dir": "/var/lib/standardiste", "node_id": "paris-1"}  # defaults that depend on the machine


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "settings", None, summary="show what is set and what can be", teach=_TEACH, config=False
    )
    words = group(parser)
    command(
        words, "show", show, summary="every setting in force, secrets masked; what differs from the default is marked"
    )
    command(words, "example", example, summary="a settings file with every setting, its default and why", config=False)


def show(asked: argparse.Namespace) -> int:
    settings = settings_of(asked)
    print(f"# from {config_file(asked.config) or 'no file'} and the environment")
    for line in _in_force(settings):
        print(line)
    return 0


def example(asked: argparse.Namespace) -> int:
    print("# Settings of standardiste. Every line below shows the default; remove the # to change it.")
    for line in _example():
        print(line)
    return 0


def _sections() -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in Settings.model_fields.items() if _is_section(field))


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _in_force(settings: Settings) -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if not _is_section(field):
            yield _line(name, getattr(settings, name), field)
    for name, _ in _sections():
        section: BaseModel = getattr(settings, name)
        yield f"\n[{name}]"
        yield from (_line(one, getattr(section, one), field) for one, field in type(section).model_fields.items())


def _line(name: str, value: Any, field: FieldInfo) -> str:
    if value is None:
        return f"# {name} is not set"
    changed = value != field.get_default(call_default_factory=True, validated_data={})
    return f"{name} = {_toml(value)}{'  # not the default' if changed else ''}"


def _example() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if not _is_section(field):
            yield from _explained(name, field)
    for name, field in _sections():
        assert field.annotation is not None  # noqa: S101 - _sections yields only those
        yield f"\n# {field.annotation.__doc__}\n[{name}]"
        for one, inner in field.annotation.model_fields.items():
            yield from _explained(one, inner)


def _explained(name: str, field: FieldInfo) -> Iterator[str]:
    yield ""
    yield from (f"# {line}" for line in textwrap.wrap(field.description or "", 110))
    default = _EXAMPLES.get(name, field.default)
    yield f"#{name} = " + ("..." if default in (None, PydanticUndefined) else _toml(default))


def _toml(value: Any) -> str:
    """A value as TOML; JSON's strings, numbers and lists are TOML's too."""
    if isinstance(value, SecretStr):
        return '"***"'
    if isinstance(value, BaseModel):
        value = {name: one for name, one in value if name in value.model_fields_set}
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }" if value else "{}"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
