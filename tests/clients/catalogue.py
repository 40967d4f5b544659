"""The clients that are tried, what each is tried with, and how it is started.

What lives here: the table of clients and scenes, and one run of one driver.
What never will: upstreams (`stage`), judging the wire (`judge`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
VENV: Final = PROJECT / ".venv-clients"
NODE: Final = PROJECT / "tests" / "clients" / "node"
DRIVER_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Client:
    """A program of strangers: its name, its scenes, those that have an answer to be cut in sound, and the
    command that runs one of them.
    """

    name: str
    package: str
    scenes: Sequence[str]
    killable: Sequence[str]
    command: Sequence[str]
    needs_tls: bool = False
    is_example: bool = False
    """A program of `examples/`: it knows no scene, prints what it heard, and ends with 0."""

    def missing(self) -> str | None:
        """Why it cannot be run here."""
        if self.command[0] == str(VENV / "bin" / "python") and not Path(self.command[0]).exists():
            return "not installed: run it with `make clients`"
        if self.command[0] == "node" and not (NODE / "node_modules").is_dir():
            return "not installed: run it with `make clients`"
        return None


def _python(name: str) -> Sequence[str]:
    return (str(VENV / "bin" / "python"), "-m", f"tests.clients.drivers.{name}")


def _node(name: str) -> Sequence[str]:
    return ("node", str(NODE / name))


_VOICE: Final = ("text", "voice", "tool")


def _example(name: str, package: str, *command: str) -> Client:
    return Client(f"examples/{name}", package, ("example",), (), command, is_example=True)


def _example_python(name: str, package: str) -> Client:
    return _example(name, package, str(VENV / "bin" / "python"), str(PROJECT / "examples" / name))


CLIENTS: Final = (
    Client(
        "openai (Python)",
        "openai",
        ("text", "voice", "commit", "tool", "cancel", "edit", "beside", "transcription"),
        ("text", "voice", "commit", "tool"),
        _python("openai_python"),
    ),
    Client(
        "openai-agents (Python)",
        "openai-agents",
        ("text", "voice", "tool", "interrupt"),
        ("text", "voice", "tool"),
        _python("agents_python"),
    ),
    Client(
        "livekit-plugins-openai",
        "livekit-plugins-openai",
        ("text", "voice", "tool", "edit", "interrupt"),
        ("text", "voice", "tool"),
        _python("livekit_plugin"),
    ),
    Client("pipecat-ai", "pipecat-ai", _VOICE, _VOICE, _python("pipecat_service")),
    Client("openai (npm)", "openai@npm", _VOICE, _VOICE, _node("openai.mjs"), needs_tls=True),
    Client(
        "agents-realtime (Node)",
        "@openai/agents-realtime",
        (*_VOICE, "interrupt"),
        _VOICE,
        _node("agents.mjs"),
    ),
    Client(
        "agents-realtime (Chromium)",
        "@openai/agents-realtime",
        (*_VOICE, "interrupt"),
        _VOICE,
        (sys.executable, "-m", "tests.clients.drivers.chromium"),
    ),
    Client("websockets", "websockets", ("text", "voice"), ("text", "voice"), _python("plain_websockets")),
    _example_python("openai_python.py", "openai"),
    _example_python("plain_websockets.py", "websockets"),
    _example_python("openai_agents.py", "openai-agents"),
    _example_python("livekit_agent.py", "livekit-plugins-openai"),
    _example_python("pipecat_bot.py", "pipecat-ai"),
    # A link to the program stands where its package is; it is found from there.
    _example(
        "agents_realtime.mjs",
        "@openai/agents-realtime",
        *("node", "--preserve-symlinks-main", str(NODE / "example.mjs")),
    ),
    Client(
        "examples/agents_realtime.html",
        "@openai/agents-realtime",
        ("example",),
        (),
        (sys.executable, "-m", "tests.clients.drivers.chromium"),
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a driver ended: what it heard last, or why it failed."""

    said: str = ""
    failed: str = ""


async def driven(
    client: Client, scene: str, base_url: str, speech: Path, *, killed: bool, extra: Mapping[str, str]
) -> Outcome:
    """Run one scene of one client in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        *client.command,
        *(() if client.is_example else (scene,)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=speech.parent if client.is_example else PROJECT,
        start_new_session=True,
        env={
            **_plain_environment(),
            "PYTHONPATH": str(PROJECT),
            "OPENAI_API_KEY": "sk-any",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "OPENAI_BASE_URL": base_url,
            "HOLDFAST_CLIENT_URL": base_url,
            "HOLDFAST_CLIENT_PCM": str(speech),
            "HOLDFAST_CLIENT_KILLED": "1" if killed else "0",
            **extra,
        },
    )
    try:
        out, err = await asyncio.wait_for(child.communicate(), DRIVER_S)
    except TimeoutError:
        return Outcome(failed=f"not over within {DRIVER_S:g} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # whatever it started ends with it
    if client.is_example and child.returncode == 0:
        return Outcome(said=out.decode(errors="replace").strip())
    return _outcome(out, err)


def _outcome(out: bytes, err: bytes) -> Outcome:
    for line in reversed(out.decode(errors="replace").splitlines()):
        with contextlib.suppress(ValueError):
            told: Any = json.loads(line)
            if isinstance(told, dict) and "said" in told:
                return Outcome(said=str(told["said"]))
            if isinstance(told, dict) and "failed" in told:
                return Outcome(failed=str(told["failed"]))
    last = err.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    return Outcome(failed=last[0][:400])


def _plain_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}
