"""`engine prompt`: recordings of the whole house, uploaded, listed and removed.

All ask the running engine: by its API, with a token of the scopes `directory:read` and `directory:write`.
"""

import argparse
from pathlib import Path
from urllib.parse import quote, urlencode

from engine.commands import Subparsers, command, group, settings_of
from engine.commands._api import TOKEN, ask
from engine.errors import BadFile

_TEACH = f"""\
  export {TOKEN}=...        engine token create desk --scope directory:read --scope directory:write
  engine prompt list
  engine prompt add welcome fr accueil.mp3 --comment "Marie, studio, 2026"
  engine prompt remove welcome fr
What becomes of a recording, and who hears it: docs/prompts.md.
"""
_UPLOAD_S = 240.0


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "prompt", None, summary="upload, list and remove recordings of the house", teach=_TEACH,
        config=False,
    )  # fmt: skip
    words = group(parser)
    command(words, "list", show, summary="every recording there is", teach=_TEACH)
    put = command(words, "add", add, summary="upload a recording, in the place of the one there is", teach=_TEACH)
    _named(put)
    put.add_argument("file", type=Path, metavar="FILE", help="WAV, FLAC, OGG, Opus or MP3, of at most 5 minutes")
    put.add_argument("--comment", metavar="TEXT", help="who speaks, when it was recorded")
    _named(command(words, "remove", remove, summary="remove a recording", teach=_TEACH))


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as scenarios say it: file: NAME")
    parser.add_argument("language", choices=("fr", "en"), help="the language it speaks")


def show(asked: argparse.Namespace) -> int:
    for item in ask(settings_of(asked), "GET", "/v1/prompts")["items"]:
        comment = f"  {item['comment']}" if item["comment"] else ""
        print(f"{item['name']:24} {item['language']} {item['seconds']:7.1f} s  by {item['author']}{comment}")
    return 0


def add(asked: argparse.Namespace) -> int:
    try:
        upload = asked.file.read_bytes()
    except OSError as error:
        raise BadFile(f"{asked.file}: {error.strerror}") from error
    query = f"?{urlencode({'comment': asked.comment})}" if asked.comment else ""
    kept = ask(settings_of(asked), "PUT", _path(asked) + query, upload, within_s=_UPLOAD_S)
    print(f"{kept['name']} {kept['language']}: {kept['seconds']} s of {kept['made_of']}")
    return 0


def remove(asked: argparse.Namespace) -> int:
    ask(settings_of(asked), "DELETE", _path(asked))
    return 0


def _path(asked: argparse.Namespace) -> str:
    return f"/v1/prompts/{quote(asked.name, safe='')}/{asked.language}"
