"""The words of the prompts, for those who show what somebody hears."""

import tomllib
from functools import cache

from engine.sounds import FOLDER


def text_of(prompt: str, language: str) -> str:
    """What this prompt says in this language; raises KeyError when there is no such prompt."""
    return _texts()[prompt][language]


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    return texts
