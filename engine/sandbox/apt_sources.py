"""Which Debian mirror, which keys and which apt settings this machine already uses: read, never changed."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from engine.sandbox.errors import FetchFailed

MIRROR_VARIABLE = "STANDARDISTE_APT_MIRROR"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
REMEDY = (
    f"set {MIRROR_VARIABLE} to a Debian mirror (as in sources.list, for example http://your.mirror/debian), "
    "or name an installed Asterisk with --asterisk PATH"
)


@dataclass(frozen=True)
class AptSources:
    """What a private apt needs to know of its host.

    `mirror` is a repository address, `suite` the host's own release name, `settings` the lines of apt.conf about
    downloading (proxies, certificates) that the host has set.
    """

    mirror: str
    suite: str
    architecture: str
    settings: str

    def line(self, suite: str) -> str:
        """One sources.list line for `suite`, with signatures checked against Debian's own keyring when it is there."""
        signed_by = f" signed-by={KEYRING}" if KEYRING.exists() else ""
        return f"deb [arch={self.architecture}{signed_by}] {self.mirror} {suite} main\n"


def host_sources() -> AptSources:
    """Read the host's mirror, suite and architecture.

    Raises FetchFailed when there is no apt here, or no Debian mirror among its sources.
    """
    try:
        architecture = _output("dpkg", "--print-architecture").strip()
        dump = _output("apt-config", "dump")
    except (OSError, subprocess.SubprocessError) as error:
        raise FetchFailed("this machine has no apt: packages cannot be fetched", what_next=REMEDY) from error
    suite = _os_release().get("VERSION_CODENAME", "stable")
    mirror = os.environ.get(MIRROR_VARIABLE) or _mirror_of(suite)
    if mirror is None:
        raise FetchFailed(f"no apt source of this machine offers Debian {suite!r} main", what_next=REMEDY)
    kept = [line for line in dump.splitlines() if _is_about_downloading(line)]
    return AptSources(mirror, suite, architecture, "\n".join(kept) + "\n")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout  # noqa: S603 - fixed words


def _is_about_downloading(line: str) -> bool:
    """Proxies, certificates and validity rules are the host's business; its hooks and caches are not ours to run."""
    return line.startswith("Acquire::") and not line.startswith(("Acquire::IndexTargets", "Acquire::Changelogs"))


def _os_release() -> dict[str, str]:
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def _mirror_of(suite: str) -> str | None:
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        try:
            text = path.read_text()
        except OSError:
            continue
        found = _in_deb822(text, suite) if path.suffix == ".sources" else _in_one_line_style(text, suite)
        if found:
            return found
    return None


def _in_one_line_style(text: str, suite: str) -> str | None:
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] != "deb":
            continue
        rest = words[1:]
        if rest and rest[0].startswith("["):
            end = next((i for i, word in enumerate(rest) if word.endswith("]")), 0)
            rest = rest[end + 1 :]
        if len(rest) > 2 and rest[1] == suite and "main" in rest[2:]:
            return rest[0]
    return None


def _in_deb822(text: str, suite: str) -> str | None:
    for stanza in text.split("\n\n"):
        lines = [line for line in stanza.splitlines() if not line.startswith(("#", " "))]
        fields = {key.lower(): value.split() for key, _, value in (line.partition(":") for line in lines)}
        if suite in fields.get("suites", []) and "main" in fields.get("components", []) and fields.get("uris"):
            return fields["uris"][0]
    return None
