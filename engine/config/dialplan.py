"""Lines of Asterisk's dialplan from checked values: steps of an extension, and the four things a step of ours does.

The dialplan gives a meaning to more characters than a configuration file does (a comma, brackets, `$`, `&`), so an
argument is looked at once more here.
"""

import re

from engine.config.ini import Option
from engine.config.values import ConfigValue, number, word
from engine.errors import InvalidValue

START = ConfigValue("s")
# identifiers, numbers with a plus sign, and `[2001:db8::1]:5060;transport=tcp`
_ARGUMENT = re.compile(r"[A-Za-z0-9_.+:;=\[\]-]{0,300}", re.ASCII)


def step(extension: ConfigValue, priority: int, does: ConfigValue) -> Option:
    """One priority of an extension: `exten = 112,1,Goto(...)`."""
    return Option(word("exten"), ConfigValue(f"{extension},{number(priority)},{does}"))


def steps(extension: ConfigValue, *does: ConfigValue) -> tuple[Option, ...]:
    """An extension: its steps from priority 1 on."""
    return tuple(step(extension, priority, what) for priority, what in enumerate(does, start=1))


def include(context: ConfigValue) -> Option:
    """What this context does not know is looked for in that one."""
    return Option(word("include"), context)


def assign(variable: ConfigValue, value: ConfigValue) -> ConfigValue:
    """`Set(EMERGENCY=112)`."""
    return ConfigValue(f"Set({variable}={_argument(value)})")


def goto(context: ConfigValue, extension: ConfigValue) -> ConfigValue:
    """`Goto(standardiste-way-out-paris,s,1)`."""
    return ConfigValue(f"Goto({context},{extension},1)")


def gosub(context: ConfigValue, extension: ConfigValue, *arguments: ConfigValue) -> ConfigValue:
    """`Gosub(standardiste-emergency,by-trunk,1(trunk-paris-1,+33140000001))`; the arguments are ARG1, ARG2..."""
    given = ",".join(_argument(argument) for argument in arguments)
    return ConfigValue(f"Gosub({context},{extension},1({given}))")


def _argument(value: ConfigValue) -> ConfigValue:
    if not isinstance(value, ConfigValue) or not _ARGUMENT.fullmatch(value):
        raise InvalidValue(f"{value!r} cannot stand in the dialplan as an argument")
    return value
