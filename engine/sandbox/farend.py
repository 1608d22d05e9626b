"""The far end: a second Asterisk that plays both Yeastars, an operator, mobiles, agents' phones and callers.

What a called party does is in the last digits of its number (behaviours.py, docs/far-end.md). Every party that answers
sends its own tone and records what it hears as headerless 16-bit mono at 8 kHz (`.sln`), readable while it is written.
"""

import asyncio
import os
import secrets
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from engine.ami.wire import Message
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.sandbox.asterisk import AsteriskInstall, AsteriskServer, with_keys_logged
from engine.sandbox.behaviours import behaviour_of, key, tone_of
from engine.sandbox.errors import FarEndRefused
from engine.sandbox.farend_files import (
    ADDRESSES,
    AMI_USER,
    ENCRYPTED,
    LYON,
    OPERATOR,
    PARIS,
    PHONES,
    Account,
    FarEndSettings,
    FarTls,
    PhoneAccount,
    account_files,
    static_files,
)
from engine.sandbox.gate import Gate
from engine.sandbox.manager import ManagerConnection
from engine.sandbox.parties import FarCall, Invite, Phone

WAIT_S = 30.0  # default bound of every wait here: it ends what hangs, on a machine that others use too
POLL_S = 0.02
NOTICED_S = 2.0  # within which the far end tells of a call that somebody else knows of


@dataclass
class _Seen:
    invites: list[Invite] = field(default_factory=list)
    calls: dict[str, FarCall] = field(default_factory=dict)  # by uniqueid


class FarEnd:
    """Start it, dial its numbers, tell its parties what to do, and ask what they heard."""

    def __init__(
        self,
        install: AsteriskInstall,
        home: Path,
        *,
        sip_port: int,
        ami_port: int,
        behind_port: int,
        rtp_ports: tuple[int, int],
        engine: tuple[str, int],
    ) -> None:
        self.sip_port = sip_port
        self.heard_directory = home / "heard"
        self.account = Account("gsm1", secrets.token_hex(12))  # of the trunk the engine's Asterisk registers to
        paths = AsteriskPaths.under(home, modules=install.modules, data=install.data)
        self._settings = FarEndSettings(
            asterisk=AsteriskSettings(
                paths=paths, ari_port=1024, ari_secret=secrets.token_hex(12), rtp_ports=rtp_ports, music=install.music
            ),
            ami_port=ami_port,
            ami_secret=secrets.token_hex(16),
            sip_port=sip_port,
            behind_port=behind_port,
            engine=engine,
            heard=self.heard_directory,
        )
        self.asterisk = AsteriskServer(install, paths, name="far end")
        self._manager = ManagerConnection(self._on_event)
        self._gates = {address: self._gate(address, behind=address) for address in (PARIS, LYON, OPERATOR)}
        self._phones: dict[str, PhoneAccount] = {}
        self._seen = _Seen()

    def speak_tls(self, tls: FarTls) -> None:
        """Call, register and be called by TLS, from its start on; its doors, by UDP, are nobody's then."""
        self._settings = replace(self._settings, tls=tls)

    async def start(self) -> None:
        """Start it; raises PartDidNotStart."""
        self.asterisk.write(with_keys_logged(static_files(self._settings)))
        self.asterisk.write(account_files((self.account,), (), self._settings))
        self.heard_directory.mkdir(exist_ok=True)
        for gate in self._gates.values():
            await gate.open()
        await self.asterisk.start()
        await self._manager.open(self._settings.ami_port, AMI_USER, self._settings.ami_secret)

    async def close(self) -> None:
        """End it; what was heard stays on disk."""
        await self._manager.close()
        for gate in self._gates.values():
            gate.close()
        await self.asterisk.close()

    # What was seen

    def invites(self, number: str | None = None) -> list[Invite]:
        """Every INVITE received, in order; those to one number, in whatever form it is given."""
        return [invite for invite in self._seen.invites if number is None or key(invite.number) == key(number)]

    def calls(self, number: str | None = None) -> list[FarCall]:
        """Every call of the far end, received or placed, ended ones too."""
        return [call for call in self._seen.calls.values() if number is None or key(call.number) == key(number)]

    def heard(self, number: str) -> list[Path]:
        """What the party of this number heard, one file for each of its answered calls, oldest first."""
        found = [f for f in self.heard_directory.glob("*.sln") if key(f.name.split("_")[0]) == key(number)]
        return sorted(found, key=_begun)

    async def heard_whole(self, number: str, *, timeout_s: float = WAIT_S) -> Path:
        """What this party heard in its last call, once that is over and completely written. Raises TimeoutError."""
        await self.until(lambda: bool(self.heard(number)) and not any(c.live for c in self.calls(number)))
        file = self.heard(number)[-1]
        await self.until(lambda: not self._is_open(file), timeout_s=timeout_s)
        return file

    def _is_open(self, file: Path) -> bool:
        descriptors = f"/proc/{self.asterisk.pid}/fd"
        open_files = set()
        for name in os.listdir(descriptors):
            with suppress(OSError):  # closed since it was listed
                open_files.add(os.readlink(f"{descriptors}/{name}"))
        return str(file) in open_files

    def forget(self) -> None:
        """Forget invites and ended calls, and remove recordings: a test begins."""
        self._seen.invites.clear()
        for uniqueid in [uniqueid for uniqueid, call in self._seen.calls.items() if not call.live]:
            del self._seen.calls[uniqueid]
        for file in self.heard_directory.glob("*.sln"):
            file.unlink()

    async def invited(self, number: str, count: int = 1, *, timeout_s: float = WAIT_S) -> Invite:
        """Wait until the number got `count` INVITEs; returns the last. Raises TimeoutError."""
        await self.until(lambda: len(self.invites(number)) >= count, timeout_s=timeout_s)
        return self.invites(number)[-1]

    async def until(self, condition: Callable[[], bool], *, timeout_s: float = WAIT_S) -> None:
        """Return once `condition` holds; raises TimeoutError, which tells what the far end has seen."""
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():  # noqa: ASYNC110 - any condition of the caller's, over several sources
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            calls = "".join(f"\n  {call}" for call in self.calls()) or " none"
            raise TimeoutError(f"not so after {timeout_s} s; calls of the far end:{calls}") from error

    # What the parties are told

    async def answer_now(self, number: str) -> None:
        """Let every call that rings at this number be answered (needed with ringing time 99). Raises FarEndRefused."""
        for call in await self._live(number):
            context = f"behave-{behaviour_of(number)}"
            await self._manager.act("Redirect", Channel=call.channel, Context=context, Exten="s", Priority="answer")

    async def hang_up(self, number: str, *, cause: int = 16) -> None:
        """Let this party hang up, or refuse with `cause` (Q.850) while it rings. Raises FarEndRefused."""
        for call in await self._live(number):
            try:
                await self._manager.act("Hangup", Channel=call.channel, Cause=str(cause))
            except FarEndRefused:  # the other side may just have been quicker
                await self._until_over(call)

    async def abandon(self) -> None:
        """Everybody who is left hangs up, as an exchange does when no voice comes any more (RTP time-out).

        Needed once the Asterisk under test was killed: nobody tells them, and they go on sending their voice to its old
        ports, where a call of the next Asterisk then hears two parties at once and loses the keys of its own.
        """
        await self.asterisk.cli("channel request hangup all")  # those too that were not told of yet
        await self.until(lambda: not any(call.live for call in self.calls()))

    async def press(self, number: str, keys: str, *, in_voice: bool = False) -> None:
        """Press keys, 160 ms each, 100 ms apart, as the line of the party sends them. Raises FarEndRefused.

        Before the answer has reached the party there is nobody who could press, and no line for keys: it is waited for.
        `in_voice`: by a caller whose line sends them so: its own tone goes on after each, for a key is over with what
        follows it.
        """
        for call in await self._live(number):
            await self._until_answered(call)
            for digit in keys:
                await self._manager.act("PlayDTMF", Channel=call.channel, Digit=digit, Duration="160")
                if in_voice:
                    await self._manager.act(
                        "Redirect", Channel=call.channel, Context="caller", Exten="s", Priority="tone"
                    )
                await asyncio.sleep(0.1)

    async def call(
        self,
        did: str,
        from_number: str,
        trunk: str = PARIS,
        *,
        name: str = "",
        encrypted: bool = False,
        timeout_s: float = 60,
    ) -> FarCall:
        """Call the engine's Asterisk at `did` as `from_number`, whose tone it sends; returns while it rings.

        It hears (and records) early media too. `encrypted`: with SRTP or not at all. Raises FarEndRefused.
        """
        channel = self._towards(did, trunk, ENCRYPTED if encrypted else "")
        return await self._place(channel, from_number, trunk, name=name, timeout_s=timeout_s)

    async def dial(
        self, phone: Phone, digits: str, *, from_number: str | None = None, timeout_s: float = 60
    ) -> FarCall:
        """Let an agent's telephone, or a Yeastar that signed in, dial; returns while it rings.

        It sends the tone of its number, and records early media too.
        """
        caller = from_number or phone.contact
        return await self._place(f"PJSIP/{digits}@{phone.name}", caller, PHONES, timeout_s=timeout_s)

    async def _place(
        self, channel: str, from_number: str, trunk: str, *, name: str = "", timeout_s: float = 60
    ) -> FarCall:
        uniqueid = uuid.uuid4().hex
        call = FarCall(from_number, trunk, "", uniqueid)
        self._seen.calls[uniqueid] = call
        told = {"NUMBER": from_number, "TRUNK": trunk, "TONE": str(tone_of(from_number))}
        await self._manager.act(
            "Originate",
            Channel=channel,
            Context="caller",
            Exten="s",
            Priority="1",
            CallerID=f'"{name}" <{from_number}>',
            ChannelId=uniqueid,
            Timeout=str(int(timeout_s * 1000)),
            EarlyMedia="true",
            Async="true",
            variables=told,
        )
        await self.until(lambda: bool(call.channel))
        return call

    def _towards(self, did: str, trunk: str, variant: str) -> str:
        if trunk != OPERATOR:
            return f"PJSIP/{did}@{ADDRESSES[trunk]}{variant}"
        registered_from = self._settings.engine_uri().removeprefix("sip:")
        return f"PJSIP/{self.account.user}{variant}/sip:{did}@{registered_from}"

    async def _live(self, number: str) -> list[FarCall]:
        with suppress(TimeoutError):  # the engine may know of a call, and a test of the engine, before we are told
            await self.until(lambda: any(call.live for call in self.calls(number)), timeout_s=NOTICED_S)
        live = [call for call in self.calls(number) if call.live]
        if not live:
            raise FarEndRefused(f"no call at {number} now; calls seen there: {self.calls(number)}")
        return live

    async def _until_over(self, call: FarCall) -> None:
        await self.until(lambda: not call.live)

    async def _until_answered(self, call: FarCall) -> None:
        """Or over."""
        await self.until(lambda: call.answered_at is not None or not call.live)

    # Trunks and telephones

    async def open_trunk(self, address: str, *, refuses: int | None = None) -> None:
        """One more trunk, at a loopback address of its own: another way to the parties that PARIS leads to."""
        gate = self._gates[address] = self._gate(address, behind=PARIS)
        gate.refuse(refuses)
        await gate.open()

    async def close_trunk(self, address: str) -> None:
        """Take a trunk away that was opened; returns when its address and port are free for another party."""
        self._gates.pop(address).close()
        await asyncio.sleep(0)  # the loop closes the sockets in its next round

    def _gate(self, address: str, *, behind: str) -> Gate:
        return Gate((address, self.sip_port), (behind, self._settings.behind_port), partial(self._on_refused, address))

    def trunk_refuses(self, address: str, code: int | None) -> None:
        """Make a whole trunk (PARIS, LYON, OPERATOR or one opened) refuse every new call with a SIP code, from now on.

        `SILENT`: it answers nothing at all, to anything; a code below 200: that and nothing more; None: it works again.
        """
        self._gates[address].refuse(code)

    async def phone(self, user: str, secret: str, digits: str) -> Phone:
        """Add a telephone that registers to the engine's Asterisk; returns when it is registered.

        `digits` (behaviours.coded) say how it behaves; they must differ between telephones. Raises TimeoutError.
        """
        return (await self.phones((user, secret, digits)))[0]

    async def phones(self, *accounts: tuple[str, str, str]) -> list[Phone]:
        """Several telephones at once, each with its user, secret and digits."""
        return await self._sign_in(
            *(
                PhoneAccount(f"phone-{digits}", user, secret, f"p{digits}", (("from_user", user),))
                for user, secret, digits in accounts
            )
        )

    async def yeastar(self, user: str, secret: str, digits: str, **options: str) -> Phone:
        """A Yeastar that signs in to an account trunk, and sends the caller's number in From; `options` are of its
        PJSIP endpoint. Returns when it is registered."""
        account = PhoneAccount(f"phone-{digits}", user, secret, f"p{digits}", tuple(options.items()))
        return (await self._sign_in(account))[0]

    async def _sign_in(self, *added: PhoneAccount) -> list[Phone]:
        known = [phone.name for phone in added if phone.name in self._phones]
        await self._change_phones({**self._phones, **{phone.name: phone for phone in added}})
        for name in known:  # perhaps switched off meanwhile: a reload alone changes nothing
            await self._manager.act("PJSIPRegister", Registration=name)
        for phone in added:
            await self.until_registered(phone.name)
        return [Phone(phone.name, phone.user, phone.contact) for phone in added]

    async def remove_phones(self) -> None:
        """Unregister and forget every telephone."""
        for name in list(self._phones):
            await self._manager.act("PJSIPUnregister", Registration=name)
        await self._change_phones({})

    async def unregister(self, phone: Phone) -> None:
        """Switch a telephone off properly: it unregisters. Returns when it has."""
        await self._manager.act("PJSIPUnregister", Registration=phone.name)
        await self._until_registration(phone.name, "Registered", present=False)

    async def register(self, phone: Phone) -> None:
        """Switch it on again; returns when it is registered."""
        await self._manager.act("PJSIPRegister", Registration=phone.name)
        await self.until_registered(phone.name)

    async def give_account(self, secret: str) -> None:
        """Another password for the account that the engine's Asterisk registers with: the old one is refused."""
        self.account = Account(self.account.user, secret)
        await self._change_phones(self._phones)

    async def is_turned_away(self, phone: Phone) -> None:
        """Let a telephone try to register; returns when it has been refused. Raises TimeoutError."""
        await self._manager.act("PJSIPRegister", Registration=phone.name)
        await self._until_registration(phone.name, "Rejected", present=True)

    async def until_registered(self, name: str, *, timeout_s: float = WAIT_S) -> None:
        """Wait until a telephone is registered; raises TimeoutError."""
        await self._until_registration(name, "Registered", present=True, timeout_s=timeout_s)

    async def _until_registration(self, name: str, status: str, *, present: bool, timeout_s: float = WAIT_S) -> None:
        async with asyncio.timeout(timeout_s):
            while True:
                lines = (await self.asterisk.cli("pjsip show registrations")).splitlines()
                mine = [line for line in lines if line.strip().startswith(f"{name}/")]
                if present == any(status in line.split() for line in mine):
                    return
                await asyncio.sleep(POLL_S)

    async def _change_phones(self, phones: dict[str, PhoneAccount]) -> None:
        self._phones = phones
        self.asterisk.write(account_files((self.account,), tuple(phones.values()), self._settings))
        await self.asterisk.cli("module reload res_pjsip.so")
        await self.asterisk.cli("module reload res_pjsip_outbound_registration.so")

    # Events

    def _on_refused(self, trunk: str, number: str, from_number: str, sip_call_id: str) -> None:
        self._seen.invites.append(Invite(number, from_number, "", trunk, time.time(), sip_call_id, ""))

    def _on_event(self, event: Message) -> None:
        call = self._seen.calls.get(event.get("Uniqueid", ""))
        match event["Event"]:
            case "UserEvent" if event.get("UserEvent") == "Invite":
                self._on_invite(event)
            case "UserEvent" if event.get("UserEvent") == "Answered" and call and call.answered_at is None:
                call.answered_at = _when(event)
            case "Newstate" if call and event.get("ChannelStateDesc") == "Up":
                call.answered_at = call.answered_at or _when(event)
            case "DTMFEnd" if call and event.get("Direction") == "Received":
                call.digits += event.get("Digit", "")
            case "Hangup" if call:
                call.ended_at = _when(event)
                call.cause = int(event.get("Cause", "0"))
        if call:
            call.channel = event.get("Channel", call.channel)

    def _on_invite(self, event: Message) -> None:
        number, trunk, uniqueid = event["Number"], event["Trunk"], event["Uniqueid"]
        withheld = {"<unknown>", "anonymous"}
        from_number, from_name = ("" if (v := event.get(k, "")) in withheld else v for k in _CALLER)
        invite = Invite(number, from_number, from_name, trunk, _when(event), event.get("CallId", ""), uniqueid)
        self._seen.invites.append(invite)
        self._seen.calls[uniqueid] = FarCall(number, trunk, event["Channel"], uniqueid)


def _when(event: Message) -> float:
    return float(event["Timestamp"])


_CALLER = ("CallerIDNum", "CallerIDName")


def _begun(recording: Path) -> float:
    """When its call began: the channel's own id says so, but not for calls the far end placed under an id of ours."""
    try:
        return float(recording.stem.rsplit("_", 1)[-1])
    except ValueError:
        return recording.stat().st_mtime
