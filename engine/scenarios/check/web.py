"""Web services: an address that can be asked at all, and a body that is sent."""

import re

from engine.domain.scenario.graph import Fetch
from engine.scenarios.check.subject import Subject

_ADDRESS = re.compile(r"https?://[^\s/?#@{}\\]+(?:[/?][^\s#]*)?", re.ASCII | re.IGNORECASE)
"""Scheme and host as they will be asked; no value may lead to another house."""


def check(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        if not isinstance(node, Fetch):
            continue
        if not _ADDRESS.fullmatch(node.url):
            subject.find("S315", ("url",), f"{node.url[:80]!r} is no address of a web service", name)
        if node.body and node.method == "GET":
            subject.find("S316", ("body",), "GET, which is the method unless another is written, sends no body", name)
