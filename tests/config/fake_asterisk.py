"""An Asterisk as far as its configuration goes: reads files when told to, and misbehaves as the real one does."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from engine.config.ini import Section, parse
from engine.config.pjsip_objects import GENERATION_VARIABLE
from engine.config.queues import members_of
from engine.config.render import EMERGENCY, GLOBALS, PJSIP, QUEUES
from engine.errors import BadFile, Unavailable

Taken = Callable[[Section], Section | None]


class FakeAsterisk:
    """`drops` says what it makes of a section it reads: the section, another one, or None."""

    def __init__(self, etc: Path) -> None:
        self.etc = etc
        self.objects: dict[tuple[str, str], dict[str, str]] = {}
        self.queues: dict[str, frozenset[str]] = {}
        self.stamp = ""
        self.steps: set[str] = set()  # of the emergency contexts: context,extension,priority
        self.reloads: list[str] = []
        self.away = False
        self.takes: Taken = lambda section: section
        self.on_reload: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Read everything, as a start does."""
        self._read_pjsip()
        self._read_queues()
        self._read_dialplan()

    async def reload_module(self, name: str) -> None:
        self._answer()
        self.on_reload()
        self.reloads.append(name)
        if name == "res_pjsip.so":
            self._read_pjsip()
        if name == "app_queue.so":
            self._read_queues()
        if name == "pbx_config.so":
            self._read_dialplan()

    async def get_global(self, name: str) -> str:
        self._answer()
        return self.stamp if name == GENERATION_VARIABLE else ""

    async def absent_steps(self, steps: Sequence[str]) -> list[str]:
        self._answer()
        return [step for step in steps if step not in self.steps]

    async def object_fields(self, kind: str, name: str) -> Mapping[str, str] | None:
        self._answer()
        return self.objects.get((kind, name))

    async def queue_members(self, queue: str) -> Collection[str] | None:
        self._answer()
        return self.queues.get(queue)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("Asterisk does not answer")

    def _read_pjsip(self) -> None:
        try:
            sections = parse((self.etc / PJSIP).read_text()).sections
        except (BadFile, FileNotFoundError):
            return  # a file that does not parse is rejected as a whole, what was there stays
        taken = [kept for section in sections if (kept := self.takes(section))]
        self.objects = {self._key(section): self._told(section) for section in taken}

    def _read_queues(self) -> None:
        sections = parse((self.etc / QUEUES).read_text()).sections
        self.queues = {kept.name: members_of(kept) for section in sections if (kept := self.takes(section))}

    def _read_dialplan(self) -> None:
        for section in parse((self.etc / GLOBALS).read_text()).sections:
            self.stamp = {o.key: o.value for o in section.options}[GENERATION_VARIABLE]
        taken = [
            kept for section in parse((self.etc / EMERGENCY).read_text()).sections if (kept := self.takes(section))
        ]
        lines = [(s.name, *o.value.split(",")[:2]) for s in taken for o in s.options if o.key == "exten"]
        self.steps = {",".join(line) for line in lines}

    @staticmethod
    def _key(section: Section) -> tuple[str, str]:
        return section.options[0].value, section.name

    @staticmethod
    def _told(section: Section) -> dict[str, str]:
        pairs = [o.value.split("=", 1) if o.key == "set_var" else (o.key, o.value) for o in section.options]
        words = {"yes": "true", "no": "false"}
        told = {key: words.get(value, value) for key, value in pairs}
        return told | {"allow": f"({told['allow'].replace(',', '|')})"} if "allow" in told else told
