"""Every command the documentation shows exists, and every page it points to."""

import contextlib
import re
import shlex
from pathlib import Path

import pytest

from engine import cli
from tests.docs.tables import DOCS

ROOT = DOCS.parent
PAGES = [ROOT / "README.md", ROOT / "README.fr.md", *sorted(DOCS.glob("**/*.md"))]
_FENCE = re.compile(r"^```(?:console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)")


def shown(page: Path) -> list[str]:
    """The commands in a page's blocks, whole even over several lines."""
    blocks = "".join(_FENCE.findall(page.read_text(encoding="utf-8"))).replace("\\\n", " ")
    return [line.removeprefix("$ ").strip() for line in blocks.splitlines() if line.strip()]


def engine_commands() -> list[tuple[str, list[str]]]:
    return [
        (f"{page.name}: {line}", shlex.split(line.split("&&")[0], comments=True)[1:])
        for page in PAGES
        for line in shown(page)
        if re.match(r"(bin/)?engine ", line)
    ]


@pytest.mark.parametrize(("where", "words"), [pytest.param(*found, id=found[0]) for found in engine_commands()])
def test_its_arguments_are_understood(where: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = words[: words.index(">")] if ">" in words else words
    if "--help" in words or "--version" in words:
        with pytest.raises(SystemExit, match="0"):
            cli.build_parser().parse_args(words)
        return
    with contextlib.suppress(SystemExit):
        cli.build_parser().parse_args(words)
    assert capsys.readouterr().err == "", where


def test_enough_of_them_were_found() -> None:
    commands = {words[0] for _, words in engine_commands()}
    assert commands >= {"settings", "asterisk", "import", "token", "run", "doctor"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_it_points_to_is_there(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def test_both_readmes_show_the_same_commands() -> None:
    assert [line.split("#")[0].split("'")[0] for line in shown(PAGES[0])] == [
        line.split("#")[0].split("'")[0] for line in shown(PAGES[1])
    ]
