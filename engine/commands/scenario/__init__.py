"""`engine scenario WORD`: what callers are led through, as files. One module for each second word."""

from engine.commands import Subparsers, command, group, modules

_TEACH = """\
  engine scenario try standard                            call it, here and now
  engine scenario check --all                             what is wrong, and how long a caller can be on the way
  engine scenario test --all                              hold the conversations written beside each
  engine scenario draw standard > standard.svg            see it
  engine scenario publish standard                        let callers meet it
Scenarios are folders of ivr_scenarios: docs/scenarios.md.
"""


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers,
        "scenario",
        None,
        summary="try, check, test, draw and publish what callers are led through",
        teach=_TEACH,
        config=False,
    )
    words = group(parser)
    for module in modules(__name__):
        module.register(words)
