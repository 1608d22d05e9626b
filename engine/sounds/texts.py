"""The words of the prompts, for those who show what somebody hears."""

import tomllib
from functools import cache

from engine.sounds import FOLDER


def text_of(prompt: str, language: str) -> str:
    """What this prompt says in this language; raises KeyError when there is no such prompt."""
    return _texts()[prompt][language]


def words(prompt: str, language: str) -> str | None:
    """As `text_of`; None for a prompt that is not ours."""
    return _texts().get(prompt, {}).get(language)


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    return texts
