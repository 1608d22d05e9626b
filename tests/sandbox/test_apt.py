"""The private apt may only ever download: it must be unable to install anything on the machine, even as root."""

from pathlib import Path

import pytest

from engine.sandbox import apt
from engine.sandbox.apt import Bundle, PrivateApt
from engine.sandbox.apt_sources import AptSources

SOURCES = AptSources("http://mirror.invalid/debian", "bookworm", "amd64", 'Acquire::Languages "none";\n')
BUNDLE = Bundle("part", ("some-package",))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that would have been run; none is."""
    seen: list[list[str]] = []

    async def record(command: list[str], **_: object) -> str:
        seen.append(command)
        return "'http://mirror.invalid/a.deb' a.deb 1000000 MD5Sum:0\n"

    monkeypatch.setattr(apt, "_run", record)
    return seen


async def test_every_install_command_only_downloads(tmp_path: Path, commands: list[list[str]]) -> None:
    private = PrivateApt(tmp_path, SOURCES, "forky", whole=True)
    await private.update(lambda _: None)
    await private.download(BUNDLE, lambda _: None)
    installs = [command for command in commands if "install" in command]
    assert installs
    assert all("--download-only" in command for command in installs)


@pytest.mark.parametrize("whole", [True, False])
async def test_apt_is_given_no_dpkg_and_none_of_the_hosts_hooks(
    tmp_path: Path, commands: list[list[str]], whole: bool
) -> None:
    await PrivateApt(tmp_path, SOURCES, "forky", whole=whole).update(lambda _: None)
    settings = (tmp_path / "forky" / "apt.conf").read_text()
    assert 'Dir::Bin::dpkg "/bin/false";' in settings
    assert 'APT::Get::Download-Only "true";' in settings
    assert f'Dir::Etc::parts "{tmp_path}/forky/none";' in settings
