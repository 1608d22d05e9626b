"""`engine demo --stay`: everything keeps running, with commands to try; a killed engine is started again."""

from pathlib import Path
from shlex import quote

from engine.demo.page import Page
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox

LOOK_S = 60.0  # between two looks at an engine that lives; a death is noticed at once

_TALKS = mobile("10", ring_s=1.0, tone_hz=1000, serial=3)
_BUSY = mobile("50", ring_s=0.3, tone_hz=1000, serial=4)
_VOICEMAIL = mobile("40", ring_s=1.0, tone_hz=1000, serial=5)


async def stay(box: Sandbox, engine: RunningEngine, page: Page) -> None:
    """Until cancelled. Raises PartDidNotStart when the engine does not come back."""
    await switch_on_phone(box.farend, example_directory(box.farend).agents[Slug("bruno")])
    number = box.dir / "engine.pid"
    number.write_text(f"{engine.process.pid}\n")
    page.heading("Everything keeps running. Copy these lines into another terminal:")
    for line in commands(engine, number):
        page.plain(line)
    page.heading("Ctrl-C stops and removes everything.")
    while True:
        try:
            await engine.process.wait_ended(timeout_s=LOOK_S)
        except TimeoutError:
            continue
        page.progress("the engine is gone; starting another one")
        await engine.start()
        number.write_text(f"{engine.process.pid}\n")
        page.progress(f"engine {engine.process.pid} is ready and has the calls back")


def commands(engine: RunningEngine, number: Path) -> list[str]:
    """Lines of shell, comments included, that work in this order; `number` holds the engine's process number."""
    post = "ask -X POST $API/v1/calls -d"
    return [
        f"API={engine.url} TOKEN={engine.token}",
        """ask() { curl -s -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -w '\\n' "$@"; }""",
        "",
        "# a call that lasts until somebody hangs up; who it is, where it is, what happened",
        f"""CALL=$({post} '{{"agent": "anne", "to": "{_TALKS}"}}' | sed 's/.*"id":"\\([^"]*\\)".*/\\1/'); echo $CALL""",
        "ask $API/v1/calls/$CALL",
        "ask $API/v1/calls/$CALL/events",
        "# kill the engine while they talk: they talk on, and the next engine has the call",
        f"kill -9 $(cat {quote(str(number))})",
        "ask --retry 20 --retry-delay 1 --retry-all-errors $API/readyz",
        "ask -X DELETE $API/v1/calls/$CALL",
        "ask $API/v1/calls/$CALL/ladder.svg > ladder.svg",
        "# an agent at their SIP phone",
        f"""{post} '{{"agent": "bruno", "to": "{_TALKS}", "mode": "sip", "variables": {{"ticket": 12}}}}'""",
        "# other customers: busy, a voicemail; the last digits say how they behave (docs/far-end.md)",
        f"""{post} '{{"agent": "claire", "to": "{_BUSY}"}}'""",
        f"""{post} '{{"agent": "anne", "to": "{_VOICEMAIL}"}}'""",
        "# the records, as JSON and as CSV; and the whole API, readable",
        'ask "$API/v1/cdrs?limit=5"',
        'ask -H "Accept: text/csv" $API/v1/cdrs',
        f"xdg-open {engine.url}/docs",
    ]
