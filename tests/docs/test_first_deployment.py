"""The page on the first deployment: its files are taken as they stand, and what is filled in on a Yeastar fits them."""

import re
from pathlib import Path

from engine.config.directory_file import read_directory
from engine.config.pjsip import pjsip_groups
from engine.domain.directory import EMPTY, Directory
from engine.settings import load
from tests.docs.tables import DOCS

PAGE = (DOCS / "first-deployment.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    (text,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(text)


def directory() -> Directory:
    return read_directory(block("yaml"), "directory.yaml", EMPTY)


def cell(part: str, field: str) -> str:
    """What a Yeastar's field gets, in the table of this site."""
    (value,) = re.findall(rf"^\| {field} \| ([^|]*) \|$", PAGE.split(f"\n{part}, ")[1].split("\n\n")[1], re.MULTILINE)
    return str(value).strip()


def test_its_settings_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "standardiste.toml"
    file.write_text(block("toml"))
    assert load(file).asterisk.sip_host == "192.0.2.10"


def test_the_yeastars_fields_fit_the_trunks() -> None:
    trunks, host = directory().trunks, "192.0.2.10"
    kinds = {name: trunk.kind for name, trunk in trunks.items()}
    assert kinds == {"paris-yeastar": "peer", "lyon-yeastar": "account"}
    assert (cell("Paris", "Trunk Type"), cell("Paris", "Hostname/IP")) == ("Peer Trunk", host)
    assert (cell("Lyon", "Trunk Type"), cell("Lyon", "Hostname/IP").split(",")[0]) == ("Register Trunk", host)
    sections = [section for group in pjsip_groups(directory()) for section in group.sections]
    users = [o.value for s in sections for o in s.options if o.key == "username"]
    assert cell("Lyon", "Username, Authentication Name").split("`")[1] in users


def test_the_agents_of_both_sites_may_be_called() -> None:
    agents = directory().agents
    assert {agent.site for agent in agents.values()} == {"paris", "lyon"}
    assert all(agent.mobile and agent.mobile_permitted for agent in agents.values())
