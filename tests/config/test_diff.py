"""The difference of two files, for a person: what changed and nothing else, and never a secret."""

import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.diff import differences
from engine.config.render import PJSIP, directory_files
from engine.domain.directory import Agent, Directory
from engine.domain.values import Extension, Slug
from tests.config.directories import BOTH, MARIE

SETTINGS = AsteriskSettings(
    paths=AsteriskPaths.under(Path("/x"), modules=Path("/m"), data=Path("/d")), ari_port=1, ari_secret="s" * 20
)


def agent(number: int) -> Agent:
    return msgspec.structs.replace(
        MARIE,
        id=Slug(f"agent-{number}"),
        extension=Extension(str(2000 + number)),
        sip_user=f"user-{number}",
        secret=f"secret-of-{number}",
    )


def pjsip(*agents: Agent) -> dict[str, str]:
    wanted = Directory(revision=1, sites=BOTH.sites, trunks={}, agents={each.id: each for each in agents})
    return {PJSIP: directory_files(wanted, SETTINGS)[PJSIP]}


MANY = [agent(number) for number in range(30)]


def changes(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[0] in "+-" and not line.startswith(("+++", "---"))]


def test_one_value_of_one_agent_is_shown_as_that() -> None:
    other = msgspec.structs.replace(MANY[7], devices=9)
    diff = differences(pjsip(*MANY), pjsip(*MANY[:7], other, *MANY[8:]))[PJSIP]
    assert [line for line in changes(diff) if "set_var" not in line] == ["-max_contacts = 3", "+max_contacts = 9"]


def test_a_removed_agent_is_shown_as_a_whole() -> None:
    diff = differences(pjsip(*MANY), pjsip(*MANY[:7], *MANY[8:]))[PJSIP]
    assert {line[0] for line in changes(diff)} == {"-"}
    assert sum(line.startswith("-[") for line in changes(diff)) == 3


def test_a_changed_secret_is_hidden_and_seen_to_differ() -> None:
    other = msgspec.structs.replace(MANY[7], secret="another-secret")
    diff = differences(pjsip(*MANY), pjsip(*MANY[:7], other, *MANY[8:]))[PJSIP]
    before, after = (line for line in changes(diff) if "password" in line)
    assert "(hidden" in before
    assert before[1:] != after[1:]
    assert "secret-of-7" not in diff
    assert "another-secret" not in diff


_lines = st.lists(st.sampled_from(["a\n", "b\n", "\n", "[x]\n", "k = 1\n", "k = 2\n"]), max_size=40).map("".join)


@given(before=_lines, after=_lines)
def test_the_difference_leads_from_the_one_to_the_other(before: str, after: str) -> None:
    told = differences({"f": before}, {"f": after})
    if before == after:
        assert told == {}
        return
    old = [line[1:] for line in told["f"].splitlines()[2:] if line[0] in " -"]
    new = [line[1:] for line in told["f"].splitlines()[2:] if line[0] in " +"]
    assert _within(old, before.splitlines())
    assert _within(new, after.splitlines())


def _within(some: list[str], lines: list[str]) -> bool:
    """`some` are lines of `lines`, in this order."""
    rest = iter(lines)
    return all(line in rest for line in some)


def test_patch_understands_it(tmp_path: Path) -> None:
    before = pjsip(*MANY)[PJSIP].replace("password = ", "word = ")
    after = pjsip(*MANY[:3], *MANY[9:])[PJSIP].replace("password = ", "word = ").replace("max_contacts = 3", "x = 1", 4)
    (tmp_path / "f").write_text(before)
    patch = differences({"f": before}, {"f": after})["f"]
    try:
        done = subprocess.run(["patch", str(tmp_path / "f")], input=patch, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no patch on this machine")
    assert (done.returncode, (tmp_path / "f").read_text() == after) == (0, True), done.stdout + done.stderr
