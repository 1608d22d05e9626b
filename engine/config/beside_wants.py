"""The options the engine wants of an Asterisk that is somebody else's: which, why, and what of his will do instead."""

from typing import Literal

import msgspec

from engine.config.foreign import is_true

Compare = Literal["is", "at_least", "has_all"]


class Want(msgspec.Struct, frozen=True):
    """An option of a section there is only one of. `vital`: the engine cannot work without; else it works less well.

    `compare`: his value must be the same (`is`), a number as great (`at_least`), or a list with all of `needs`
    (`has_all`). `also`: values that do as well.
    """

    file: str
    section: str
    key: str
    value: str
    why: str
    vital: bool = False
    compare: Compare = "is"
    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    remedy: str = ""

    def suits(self, given: list[str]) -> bool:
        """Whether what the administrator has set will do; `given` are his values, the last one counts."""
        last = given[-1]
        match self.compare:
            case "is":
                return last == self.value or last in self.also or (self.value == "yes" and is_true(last))
            case "at_least":
                return last.isascii() and last.isdigit() and int(last) >= int(self.value)
            case "has_all":
                told = {word.strip().lower() for line in given for word in line.split(",")}
                return "all" in told or {word.lower() for word in self.needs} <= told


def wants(ari_host: str, ari_port: int) -> tuple[Want, ...]:
    """All of them, in the order of the files."""
    return (*_http(ari_host, ari_port), *_ARI_AND_CEL)


def _http(host: str, port: int) -> tuple[Want, ...]:
    """Where the engine reaches Asterisk."""
    here = f"set [ari] url of the engine to where his server listens (now http://{host}:{port})"
    return (
        Want("http.conf", "general", "enabled", "yes", "the engine reaches Asterisk by its HTTP server", vital=True),
        Want(
            "http.conf",
            "general",
            "bindaddr",
            host,
            "the engine reaches Asterisk by this address",
            vital=True,
            also=("0.0.0.0", "::", "[::]"),  # noqa: S104 - his choice, which includes ours
            remedy=here,
        ),
        Want(
            "http.conf",
            "general",
            "bindport",
            str(port),
            "the engine reaches Asterisk by this port",
            vital=True,
            remedy=here,
        ),
        Want(
            "http.conf",
            "general",
            "sessionlimit",
            "1000",
            "beyond it connections are closed without a word, and the engine keeps up to 33 of them",
            compare="at_least",
        ),
    )


def manager_wants(port: int) -> tuple[Want, ...]:
    """Where the engine reaches his manager interface; without it all works but what it is for."""
    here = "set [ami] port of the engine to his, or [ami] enabled = false"
    why = "incidents reach his dialplan by this interface, on 127.0.0.1"
    return (
        Want("manager.conf", "general", "enabled", "yes", why),
        Want(
            "manager.conf",
            "general",
            "bindaddr",
            "127.0.0.1",
            why,
            also=("0.0.0.0", "::", "[::]"),  # noqa: S104 - his choice, which includes ours
            remedy=here,
        ),
        Want("manager.conf", "general", "port", str(port), why, remedy=here),
    )


_ARI_AND_CEL = (
    Want("ari.conf", "general", "enabled", "yes", "the engine speaks ARI", vital=True),
    Want(
        "ari.conf",
        "general",
        "websocket_write_timeout",
        "5000",
        "with the default of 100 ms the first long pause of a loaded machine drops the engine's socket",
        compare="at_least",
    ),
    Want(
        "cel.conf",
        "general",
        "enable",
        "yes",
        "how calls end while no engine listens, and the records of emergency calls, come from it",
    ),
    Want(
        "cel.conf",
        "general",
        "events",
        "ANSWER,HANGUP",
        "how calls end while no engine listens, and the records of emergency calls, come from these",
        compare="has_all",
        needs=("ANSWER", "HANGUP"),
    ),
)


PJSIP_GLOBAL = (
    Want(
        "pjsip.conf",
        "global",
        "taskprocessor_overload_trigger",
        "pjsip_only",
        "with `global`, 500 events waiting for the engine make Asterisk ignore every new call and registration",
    ),
    Want(
        "pjsip.conf",
        "global",
        "endpoint_identifier_order",
        "auth_username,ip,username,anonymous",
        "account trunks are known by what they sign in with",
        compare="has_all",
        needs=("auth_username", "username", "ip"),
    ),
)
"""Asterisk's own order with `auth_username` before it: it matches endpoints that ask for it, which none of his does."""
