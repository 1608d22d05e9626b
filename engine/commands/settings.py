"""`engine settings`: what is set, and what can be."""

import argparse
import json
import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.commands import Subparsers, command, group, settings_of
from engine.sections import Secret, Section, Setting, is_section, settings_in
from engine.settings import PLACES, Settings, config_file
from engine.settings_sources import read

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
    settings, file = settings_of(asked), config_file(asked.config)
    print(f"# from {file or 'no file'} and the environment")
    for line in _in_force(settings, read(file, os.environ)):
        print(line)
    return 0


def example(asked: argparse.Namespace) -> int:
    print("# Settings of standardiste. Every line below shows the default; remove the # to change it.")
    for line in _example():
        print(line)
    return 0


def _sections() -> Iterator[Setting]:
    return (setting for setting in settings_in(Settings) if is_section(setting.kind))


def _alone() -> Iterator[Setting]:
    """The settings that stand in no section."""
    return (setting for setting in settings_in(Settings) if not is_section(setting.kind))


def _in_force(settings: Settings, given: Mapping[str, Any]) -> Iterator[str]:
    for setting in _alone():
        yield _line(setting, getattr(settings, setting.name), given.get(setting.name))
    for name, section, *_ in _sections():
        yield f"\n[{name}]"
        values, given_there = getattr(settings, name), given.get(name, {})
        yield from (_line(one, getattr(values, one.name), given_there.get(one.name)) for one in settings_in(section))


def _line(setting: Setting, value: Any, given: Any) -> str:
    if value is None:
        return f"# {setting.name} is not set"
    changed = value != setting.default
    return f"{setting.name} = {_toml(value, given)}{'  # not the default' if changed else ''}"


def _example() -> Iterator[str]:
    for setting in _alone():
        yield from _explained(setting)
    for name, section, *_ in _sections():
        yield f"\n# {section.__doc__}\n[{name}]"
        for setting in settings_in(section):
            yield from _explained(setting)


def _explained(setting: Setting) -> Iterator[str]:
    yield ""
    yield from (f"# {line}" for line in textwrap.wrap(setting.description, 110))
    default = _EXAMPLES.get(setting.name, setting.default)
    yield f"#{setting.name} = " + ("..." if default is None else _toml(default))


def _toml(value: Any, given: Any = None) -> str:
    """A value as TOML; JSON's strings, numbers and lists are TOML's too. Of a table what was given is shown."""
    if isinstance(value, Secret):
        return '"***"'
    if isinstance(value, Section):
        value = {one.name: getattr(value, one.name) for one in settings_in(type(value)) if one.name in given}
    if isinstance(value, dict):
        inner = (f"{name} = {_toml(one, given and given[name])}" for name, one in value.items())
        return "{ " + ", ".join(inner) + " }" if value else "{}"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
