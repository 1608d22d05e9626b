"""The lock files say what pyproject.toml asks for, and nothing about where packages come from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN, DEV = "requirements.lock", "requirements-dev.lock"


def pins(lock: str) -> dict[str, set[str]]:
    """Each locked package with its versions (one per marker)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([\w.!+]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        (RUN, PROJECT["dependencies"]),
        (DEV, [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]),
    ],
)
def test_every_dependency_is_locked_at_a_version_it_allows(lock: str, asked: list[str]) -> None:
    locked = pins(lock)
    for requirement in map(Requirement, asked):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}: run bin/lock"
        assert all(map(requirement.specifier.contains, versions)), f"{requirement} against {versions}: run bin/lock"


def test_the_tools_lock_holds_the_engines_versions() -> None:
    assert pins(RUN).items() <= pins(DEV).items()


@pytest.mark.parametrize("lock", [RUN, DEV])
def test_a_lock_names_no_registry_and_hashes_everything(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[\w.-]+==)", text.strip()))
