"""The page at `/docs`: the API for people, drawn by the browser from `openapi.json`, which the page carries in itself.

One file, no other address: it reads the same when saved to disk. The policy names the hashes of the page's own script
and style, so nothing else runs in it.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

_WORDS = {
    "en": {"title": "The API of standardiste", "intro": "What your programs can ask of the switchboard."},
    "fr": {"title": "L'API de standardiste", "intro": "Ce que vos programmes peuvent demander au standard."},
}


def page(openapi: str, language: str) -> str:
    """The page in `fr` or `en`, with this description inside."""
    words = _WORDS[language]
    text = _template().replace("@lang@", language).replace("@title@", words["title"]).replace("@intro@", words["intro"])
    return text.replace("@openapi@", openapi.replace("<", "\\u003c"))  # "</script>" inside JSON must not end it


@cache
def _template() -> str:
    return files("engine.http").joinpath("docs.html").read_text(encoding="utf-8")


def _hash_of(tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", _template(), re.DOTALL)
    assert found, f"docs.html has no <{tag}>"  # noqa: S101 - the file is ours
    return base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; script-src 'sha256-{_hash_of('script')}'; style-src 'sha256-{_hash_of('style')}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
