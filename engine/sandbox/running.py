"""A real engine process beside a sandbox: started, asked, killed and started again, as an operator would."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from engine.config.asterisk import AsteriskSettings
from engine.sandbox.errors import PartDidNotStart
from engine.sandbox.process import OwnedProcess
from engine.sandbox.sandbox import Sandbox

READY_S = 60.0  # 1 s on a quiet machine
ANSWER_S = 10.0
PROJECT = Path(__file__).resolve().parents[2]
ALL_SCOPES = ("calls:create", "calls:read", "calls:control", "cdr:read", "admin")


class Answer:
    """What the API answered."""

    def __init__(self, status: int, headers: dict[str, str], body: Any) -> None:
        self.status, self.headers, self.body = status, headers, body


class RunningEngine:
    """``async with RunningEngine(box) as engine: await engine.post("/v1/calls", {...})``

    `settings` are added to the settings file's sections. The directory is imported by `engine import`, the token made
    by `engine token create`: the ways an operator has.
    """

    def __init__(self, box: Sandbox, directory: Path, *, settings: dict[str, dict[str, Any]] | None = None) -> None:
        self._box = box
        self._directory = directory
        self._port = box.ports.take()
        self.state = box.dir / f"engine-{self._port}"
        self.state.mkdir(mode=0o700)
        self.config = self.state / "standardiste.toml"
        self._write_settings(settings or {})
        self.process = self._new_process()
        self.token = ""
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> "RunningEngine":
        try:
            scopes = [word for scope in ALL_SCOPES for word in ("--scope", scope)]
            _, made = await asyncio.gather(
                self.command("import", str(self._directory)), self.command("token", "create", "sandbox", *scopes)
            )
            self.token = made.splitlines()[-1].strip()
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
        if self.process.running:
            await self.stop()

    async def start(self) -> None:
        """Start it and return when it is ready for calls."""
        self.process = self._new_process()
        await self.process.start()
        await self.until_ready()

    async def stop(self) -> None:
        """SIGTERM, as systemd would."""
        await self.process.stop(timeout_s=READY_S)

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        await self.process.stop(signal.SIGKILL)

    async def until_ready(self, *, timeout_s: float = READY_S) -> dict[str, Any]:
        """What /readyz says, once it says yes."""
        answer = Answer(0, {}, "no answer yet")
        try:
            async with asyncio.timeout(timeout_s):
                while answer.status != 200:
                    if not self.process.running:
                        break
                    await asyncio.sleep(0.05)
                    try:
                        answer = await self.get("/readyz")
                    except aiohttp.ClientError:
                        continue
        except TimeoutError:
            pass
        if answer.status != 200:
            raise PartDidNotStart(f"the engine is not ready: {answer.body}\n{self.log_tail()}")
        return dict(answer.body)

    async def command(self, *words: str) -> str:
        """Run `engine WORDS --config ...` to its end and return what it printed; raises PartDidNotStart."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine.cli",
            *words,
            "--config",
            str(self.config),
            cwd=PROJECT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(READY_S):
                output = (await process.communicate())[0].decode()
        except TimeoutError:
            raise PartDidNotStart(f"engine {' '.join(words)} took longer than {READY_S:.0f} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise PartDidNotStart(f"engine {' '.join(words)} failed:\n{output}")
        return output

    async def get(self, path: str) -> Answer:
        return await self.ask("GET", path)

    async def post(self, path: str, body: object, *, key: str | None = None) -> Answer:
        return await self.ask("POST", path, body, {"Idempotency-Key": key} if key else {})

    async def put(self, path: str, body: object) -> Answer:
        return await self.ask("PUT", path, body)

    async def delete(self, path: str, body: object = None) -> Answer:
        return await self.ask("DELETE", path, body)

    async def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """One request with the sandbox's token."""
        if self._session is None:
            raise PartDidNotStart("the engine was never started")
        asked = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        async with self._session.request(method, self.url + path, json=body, headers=asked) as response:
            text = await response.text()
            parsed = json.loads(text) if "json" in response.content_type and text else text
            return Answer(response.status, dict(response.headers), parsed)

    def log_tail(self, lines: int = 30) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.process.output.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _new_process(self) -> OwnedProcess:
        return OwnedProcess(
            "engine",
            [sys.executable, "-m", "engine.cli", "run", "--config", self.config],
            output=self.state / "engine.log",
            directory=PROJECT,
            environment={"PYTHONUNBUFFERED": "1"},
        )

    def _write_settings(self, more: dict[str, dict[str, Any]]) -> None:
        box = self._box.asterisk_settings
        sections: dict[str, dict[str, Any]] = {
            "http": {"port": self._port, "rate_per_s": 10000, "rate_burst": 10000},
            "ari": {"url": f"http://127.0.0.1:{box.ari_port}", "user": box.ari_user, "secret": box.ari_secret},
            "ami": {"enabled": False} if box.ami is None else msgspec.structs.asdict(box.ami),
            "asterisk": {
                "config_dir": str(box.paths.etc),
                "cel_path": str(box.paths.hangups),
                "sip_port": box.sip_port,
                "webrtc_url": _websocket(box),
            },
            "postgres": {"dsn": self._box.postgres.dsn},
            "log": {"format": "json"},
        }
        for name, values in more.items():
            sections.setdefault(name, {}).update(values)
        lines = [f"state_dir = {json.dumps(str(self.state))}", 'node_id = "sandbox"']
        for name, values in sections.items():
            lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        self.config.write_text("\n".join(lines) + "\n")
        os.chmod(self.config, 0o600)


def _websocket(asterisk: AsteriskSettings) -> str:
    """Where browsers reach it."""
    if asterisk.wss_port is not None:
        return f"wss://127.0.0.1:{asterisk.wss_port}/ws"
    return f"ws://127.0.0.1:{asterisk.ari_port}/ws"
