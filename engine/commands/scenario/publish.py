"""`engine scenario publish`: the running engine takes a scenario, and the next caller meets it."""

import argparse
import base64
import time
from pathlib import Path
from typing import Any

from engine.commands import Subparsers, command, settings_of
from engine.commands._api import TOKEN, ask
from engine.commands.scenario import _reading
from engine.errors import StandardisteError
from engine.settings import Settings

PUBLISHED_S = 60.0
"""Words are spoken and recordings converted before it is answered."""
WATCH_S = 0.5
_TEACH = f"""\
  export {TOKEN}=...        engine token create author --scope directory:read --scope directory:write
  engine scenario publish standard                      callers meet it from now on
  engine scenario publish standard --alias test         only the test callers of applications do
  engine scenario publish standard --watch              and again whenever a file changes
Refused, and nothing changed, as long as a finding forbids it or a conversation of standard.test.yaml goes another way.
"""


def register(words: Subparsers) -> None:
    parser = command(words, "publish", run, summary="let callers meet a scenario", teach=_TEACH)
    parser.add_argument("name", metavar="NAME", help="a scenario of the folder")
    parser.add_argument("--alias", choices=("live", "test"), default="live", help="default: live")
    parser.add_argument("--watch", action="store_true", help="go on, and publish every change of its files")
    _reading.add_folder(parser)


def run(asked: argparse.Namespace) -> int:
    from engine.domain.values import slug

    publisher = Publisher(settings_of(asked), asked.folder, slug(asked.name), asked.alias)
    if not asked.watch:
        print(publisher.publish())
        return 0
    while True:  # until Ctrl-C
        if told := publisher.look():
            print(told, flush=True)
        time.sleep(WATCH_S)


class Publisher:
    """Sends a scenario's files to the running engine."""

    def __init__(self, settings: Settings, folder: Path, name: str, alias: str) -> None:
        self._settings, self._folder, self._name, self._alias = settings, folder, name, alias
        self._seen: dict[Path, tuple[int, int]] | None = None

    def publish(self) -> str:
        """What is in force now; raises BadInput with everything that forbids it."""
        from engine.domain.values import Slug
        from engine.scenarios.publishing import gathered

        bundle = gathered(self._folder, Slug(self._name))
        recordings = {path: base64.b64encode(sound).decode() for path, sound in bundle.recordings.items()}
        body = {"files": dict(bundle.files), "recordings": recordings, "alias": self._alias}
        told = ask(self._settings, "POST", f"/v1/scenarios/{self._name}/publish", body, within_s=PUBLISHED_S)
        return "\n".join([*map(_line, told["findings"]), *told["proof"], _in_force(told)])

    def look(self) -> str | None:
        """What became of a change since the last look; None where nothing changed."""
        found = {file: (at.st_mtime_ns, at.st_size) for file in self._files() if (at := _stat(file)) is not None}
        if found == self._seen:
            return None
        self._seen = found
        try:
            return self.publish()
        except StandardisteError as refused:
            return f"NOT PUBLISHED, callers meet what they met before: {refused.message}"

    def _files(self) -> list[Path]:
        """Those of all scenarios of the folder: one may lead to another."""
        return [file for form in ("*/*.yaml", "*/prompts/*/*.wav") for file in self._folder.glob(form)]


def _stat(file: Path) -> Any:
    """None for a file that an editor has just put away."""
    try:
        return file.stat()
    except OSError:
        return None


def _line(finding: dict[str, Any]) -> str:
    place = f"{finding['file']}:{finding['line']}:{finding['column']}"
    return f"{place}: {finding['code']} {finding['severity']}: {finding['message']}. {finding['mend']}"


def _in_force(told: dict[str, Any]) -> str:
    changed = "" if told["changed"] else ", as before"
    return f"{told['name']}: {told['alias']} is {told['version'][:12]}{changed}"
