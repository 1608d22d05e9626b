"""Scenario files on their way to callers: read, checked, and their conversations held, before anybody meets them.

standard/scenario.yaml
standard/standard.test.yaml             the conversations that must go as written
standard/prompts/fr/welcome.wav
satisfaction/scenario.yaml              another it leads to
"""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from engine.domain.scenario.graph import Program
from engine.domain.values import SLUG_PATTERN, Slug
from engine.errors import BadFile, InvalidValue
from engine.scenarios import conversations, testing
from engine.scenarios.answers import World
from engine.scenarios.bundles import MOST_FILES, Bundle, Deployment, Judged, Take
from engine.scenarios.check.files import check_loaded
from engine.scenarios.findings import Finding
from engine.scenarios.hearing import DEAF, Ears
from engine.scenarios.loader import FILE
from engine.scenarios.program import LoadedProgram, load_program, scenario_names
from engine.yaml_nodes import nearest

_TEXT = re.compile(rf"{SLUG_PATTERN}/(?:scenario|{SLUG_PATTERN}\.test)\.yaml", re.ASCII)
_SOUND = re.compile(rf"{SLUG_PATTERN}/prompts/(?:fr|en)/{SLUG_PATTERN}\.wav", re.ASCII)


def gathered(folder: Path, name: Slug) -> Bundle:
    """The files of a scenario in a folder, with those it leads to; raises BadFile where one cannot be read."""
    own = folder / name / FILE
    if not own.is_file():
        near = nearest(name, scenario_names(folder))
        raise BadFile(
            f"{own}: not there", what_next=f"Did you mean {near}?" if near else "Give its name, or --folder DIR"
        )
    loaded = load_program(folder, name)
    texts = [Path(at.file) for at in loaded.scenarios.values()]
    texts.append(testing.file_of(folder, name))
    try:
        return Bundle(
            {_path(folder, path): path.read_text("utf-8") for path in texts if path.is_file()},
            {_path(folder, sound.path): sound.path.read_bytes() for sound in loaded.recordings},
        )
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{folder}: {error}", what_next="Let these files be read, as UTF-8") from error


def judge(bundle: Bundle, name: Slug, deployment: Deployment) -> Judged:
    """Read and check a bundle, and hold its conversations; raises InvalidValue for a path that is none. Blocking."""
    with TemporaryDirectory(prefix="scenario-") as made:
        folder = Path(made)
        _unpack(bundle, folder)
        loaded = load_program(folder, name)
        ears, unreadable = _listened(loaded, deployment)
        report = check_loaded(loaded, msgspec.structs.replace(deployment.house, seconds=_seconds(ears)))
        program = loaded.program if report.good else None
        failures = [*unreadable, *(_failures(program, folder, deployment.beyond, ears) if program is not None else ())]
        used = {_path(folder, Path(at.file)) for at in loaded.scenarios.values()}
        used.add(_path(folder, testing.file_of(folder, name)))
        return Judged(
            findings=tuple(_as_given(finding, folder) for finding in report.findings),
            proof=report.proof,
            failures=tuple(failure.replace(f"{folder}/", "") for failure in failures),
            program=program,
            sources={path: text for path, text in bundle.files.items() if path in used},
            takes=tuple(Take(name=one.name, language=one.language, sha256=one.sha256) for one in loaded.recordings),
            sounds={one.sha256: bundle.recordings[_path(folder, one.path)] for one in loaded.recordings},
        )


def _unpack(bundle: Bundle, folder: Path) -> None:
    """Write the files down; a path that is not of the form above is no file of a scenario's, and refused."""
    if len(bundle.files) + len(bundle.recordings) > MOST_FILES:
        raise InvalidValue(f"more than {MOST_FILES} files", pointer="/files")
    for field, form, contents in (("files", _TEXT, bundle.files), ("recordings", _SOUND, bundle.recordings)):
        for path, content in contents.items():
            if not form.fullmatch(path):
                pointer = path.replace("~", "~0").replace("/", "~1")
                raise InvalidValue(f"{path[:80]!r} is no file of a scenario's", pointer=f"/{field}/{pointer}")
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)


def _listened(loaded: LoadedProgram, deployment: Deployment) -> tuple[Ears, list[str]]:
    """What is heard, and what is wrong with a recording."""
    try:
        return deployment.ears({(one.language, str(one.name)): one.path for one in loaded.recordings}), []
    except BadFile as bad:
        return DEAF, [bad.message]


def _seconds(ears: Ears) -> dict[str, float]:
    """How long each recording lasts, the longest of its languages."""
    return {name: seconds for (_, name), seconds in sorted(ears.recordings.items(), key=lambda item: item[1])}


def _failures(program: Program, folder: Path, beyond: World | None, ears: Ears) -> Iterator[str]:
    """What went wrong in the conversations, or that there are none."""
    file = testing.file_of(folder, program.main)
    if not file.is_file():
        yield f"{file} is not there: a scenario is tried by one conversation at least; `engine scenario try --record`"
        return
    try:
        written = conversations.load(file)
    except BadFile as bad:
        yield bad.message
        return
    if not written:
        yield f"{file}: no conversation is written there"
    for held in testing.hold_all(program, written, str(file), beyond, ears).held:
        if held.failure is not None:
            yield f"{file}:{held.conversation.line}: {held.conversation.name}: {held.failure}"


def _as_given(finding: Finding, folder: Path) -> Finding:
    """Its paths as they are in the bundle."""
    file, message = (text.replace(f"{folder}/", "") for text in (finding.file, finding.message))
    return msgspec.structs.replace(finding, file=file, message=message)


def _path(folder: Path, file: Path) -> str:
    return file.relative_to(folder).as_posix()
