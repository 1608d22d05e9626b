"""Where settings come from: a TOML file, and the environment, which wins.

A variable is `STANDARDISTE_`, the section, two underscores, the name; lists and tables are written as JSON. One without
two underscores counts where it names a setting, and is otherwise somebody else's.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PREFIX = "STANDARDISTE_"
WHOLE = ("state_dir", "node_id")
"""The settings that stand in no section."""


def read(file: Path | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """What both say, nothing checked; raises ValueError for a file that is not TOML, OSError for one out of reach."""
    settings = tomllib.loads(file.read_text("utf-8-sig")) if file is not None else {}
    for variable, text in environment.items():
        path = variable.upper().removeprefix(PREFIX).lower().split("__")
        if variable.upper().startswith(PREFIX) and (len(path) > 1 or path[0] in WHOLE):
            _put(settings, path, _value(text))
    return settings


def _put(settings: dict[str, Any], path: list[str], value: object) -> None:
    for part in path[:-1]:
        below = settings.setdefault(part, {})
        if not isinstance(below, dict):  # the file is wrong there, and will be told so
            return
        settings = below
    settings[path[-1]] = value


def _value(text: str) -> object:
    """A list or a table of JSON; everything else is text, which its setting makes something of."""
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
