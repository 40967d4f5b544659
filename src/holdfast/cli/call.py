"""One call of `holdfast talk`, and how it is told: to people, or as JSON lines.

What lives here: the order of a call, its output. What never will: options of a command line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TextIO
from urllib.parse import urlsplit

from holdfast.cli.errors import Exit, fail_by_fault, say, shows_unicode
from holdfast.client import (
    GATEWAY_UNREACHABLE,
    OF_THE_WAY,
    CallError,
    Conversation,
    Latency,
    Recording,
    SessionWish,
    Turn,
    dial,
    dialect_for,
    is_loopback,
    write_wav,
)
from holdfast.core.audio import SAMPLE_BYTES, samples_of_bytes, seconds_of_samples

_BROKEN_OFF: Final = frozenset({"provider.connection_lost", "provider.closed"})
_STRIP_MS_PER_MARK: Final = 20
_STRIP_MARKS_MAX: Final = 60
_STAGES: Final = (
    ("turn end", "turn_end_ms", "░"),
    ("answer", "response_ms", "▒"),
    ("sound", "sound_ms", "█"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call consists of. `lines` is read for typed turns when nothing else was given."""

    url: str
    wish: SessionWish
    recordings: Sequence[Recording]
    texts: Sequence[str]
    lines: TextIO | None
    credential: str | None
    timeout_s: float
    speed: float
    out: Path | None
    ca: Path | None = None


class Presenter(Protocol):
    """Who tells how the call goes."""

    as_json: bool

    def connected(self, conversation: Conversation) -> None:
        """The session is ready."""
        ...

    def turn(self, source: str, note: str, turn: Turn) -> None:
        """A turn is over. `source` is the recording's name, "text" or "greeting"."""
        ...

    def saved(self, path: Path, pcm: bytes) -> None:
        """The replies were written."""
        ...


def presenter(*, as_json: bool) -> Presenter:
    """For machines or for people."""
    return _JsonLines() if as_json else _Words()


async def run(plan: Plan, tell: Presenter) -> int:
    """Make the call. Returns the exit code; leaves through `fail` when the call itself failed."""
    replies = bytearray()
    try:
        exit_code = await _talk(plan, tell, replies)
    except BaseException as error:
        if replies:  # a call that broke, or was broken off: what was answered before stays
            _save(plan, tell, replies)
        if not isinstance(error, CallError):
            raise
        code, told = _about(plan, error)
        fail_by_fault(code, error.evidence, told=told, as_json=tell.as_json)
    _save(plan, tell, replies)
    return exit_code


async def _talk(plan: Plan, tell: Presenter, replies: bytearray) -> int:
    line = await dial(plan.url, dialect_for(plan.url, plan.wish), plan.credential, ca=plan.ca)
    conversation = Conversation(line, speed=plan.speed, is_answered=not plan.wish.transcribe)
    exit_code = Exit.FINE
    try:
        await conversation.start(plan.timeout_s)
        tell.connected(conversation)
        async for source, note, turn in _turns(plan, conversation):
            tell.turn(source, note, turn)
            replies += turn.audio
            if turn.status != "completed":
                exit_code = Exit.TROUBLE
    finally:
        await conversation.end()
    return exit_code


def _save(plan: Plan, tell: Presenter, replies: bytearray) -> None:
    """Raises RecordingError."""
    if plan.out is not None:
        write_wav(plan.out, bytes(replies))
        tell.saved(plan.out, bytes(replies))


def _about(plan: Plan, error: CallError) -> tuple[str, dict[str, Any] | None]:
    """Code and words. No gateway where one is looked for is nobody's provider: most often it does not run."""
    is_gateway = dialect_for(plan.url, plan.wish).name == "browser" or is_loopback(
        urlsplit(plan.url).hostname or ""
    )
    address = urlsplit(plan.url).netloc
    if error.told is None and error.code == "application.not_authorized" and "401" in error.evidence[0]:
        fix = (
            "Make a ticket with `holdfast token --customer ID` and give it in HOLDFAST_TICKET: it holds once."
        )
        what = "let nobody in without a ticket" if plan.credential is None else "did not take this ticket"
        return error.code, {"message": f"{address} {what}.", "remedy": fix}
    if error.told is None and error.code == "configuration.tls_certificate" and is_gateway:
        fix = "Name the file of its authority, as in --ca .holdfast/tls/dev-ca.pem; check address and clock."
        return error.code, {"message": f"The certificate of {address} is not trusted here.", "remedy": fix}
    if error.told is not None or error.code not in OF_THE_WAY or not is_gateway:
        return error.code, error.told
    if error.code in _BROKEN_OFF:
        what, fix = (
            f"The connection to {address} broke.",
            "Look whether the gateway still runs, and talk again.",
        )
        return "user_network.connection_lost", {"message": what, "remedy": fix}
    fix = "Start it (`make run`, or `holdfast serve`), or name the right address with --url."
    return GATEWAY_UNREACHABLE, {"message": f"No gateway answers at {address}.", "remedy": fix}


async def _turns(plan: Plan, conversation: Conversation) -> AsyncIterator[tuple[str, str, Turn]]:
    if plan.wish.greet:
        yield "greeting", "", await conversation.greeting(plan.timeout_s)
    for recording in plan.recordings:
        yield recording.name, recording.note, await conversation.say(recording, plan.timeout_s)
    for text in plan.texts:
        yield "text", "", await conversation.write(text, plan.timeout_s)
    while plan.lines is not None:
        if plan.lines.isatty():
            print("you        ", end="", flush=True)
        typed = await _line_of(plan.lines)
        if not typed:
            return
        if typed.strip():
            yield "text", "", await conversation.write(typed.strip(), plan.timeout_s)


def _line_of(lines: TextIO) -> asyncio.Future[str]:
    """The next line. Not by `to_thread`: who breaks off would wait for one more, because its threads are."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def told(typed: str) -> None:
        if not line.done():
            line.set_result(typed)

    def read() -> None:
        try:
            typed = lines.readline()
        except (OSError, ValueError):  # a terminal that has gone: there is no more
            typed = ""
        with contextlib.suppress(RuntimeError):  # the loop is over
            loop.call_soon_threadsafe(told, typed)

    threading.Thread(target=read, daemon=True).start()
    return line


class _JsonLines:
    as_json = True

    def connected(self, conversation: Conversation) -> None:
        created, ready = conversation.created, conversation.ready
        self._print(
            type="session",
            sessionId=created.session_id if created else "",
            upstream={**(created.upstream if created else {}), **(ready.upstream if ready else {})},
        )

    def turn(self, source: str, note: str, turn: Turn) -> None:
        self._print(
            type="turn",
            source=source,
            note=note,
            user=turn.user,
            reply=turn.reply,
            status=turn.status,
            tools=turn.tools,
            actions=turn.actions,
            seconds=round(seconds_of_samples(samples_of_bytes(len(turn.audio))), 2),
            latency={
                "turnEndMs": turn.latency.turn_end_ms,
                "responseMs": turn.latency.response_ms,
                "wordsMs": turn.latency.words_ms,
                "soundMs": turn.latency.sound_ms,
            },
            errors=[asdict(trouble) for trouble in turn.troubles],
        )

    def saved(self, path: Path, pcm: bytes) -> None:
        self._print(type="saved", path=str(path), samples=len(pcm) // SAMPLE_BYTES)

    def _print(self, **line: Any) -> None:
        print(json.dumps(line, ensure_ascii=False), flush=True)


class _Words:
    as_json = False

    def connected(self, conversation: Conversation) -> None:
        created, ready = conversation.created, conversation.ready
        told = {**(created.upstream if created else {}), **(ready.upstream if ready else {})}
        who = " ".join(dict.fromkeys(str(told[key]) for key in ("name", "model") if told.get(key)))
        say(f"connected  {who or 'ready'}  session {created.session_id if created else '?'}")

    def turn(self, source: str, note: str, turn: Turn) -> None:
        if note:
            say(f"note       {source}: {note}")
        if source != "greeting":
            say(f"you        {turn.user or '(nothing was understood)'}")
        for tool in turn.tools:
            say(f"looked up  {tool}")
        if turn.is_answered:
            say(f"assistant  {turn.reply or '(no words)'}")
        for action in turn.actions:
            say(f"asks to    {action}")
        if turn.status != "completed":
            say(f"status     {turn.status or 'no answer'}")
        for trouble in turn.troubles:
            say(f"trouble    {trouble.code}: {trouble.message}")
        strip = latency_strip(turn.latency)
        if strip:
            say(f"           {strip}")
        say()

    def saved(self, path: Path, pcm: bytes) -> None:
        say(f"saved      {path} ({seconds_of_samples(len(pcm) // SAMPLE_BYTES):.1f} s)")


def latency_strip(latency: Latency) -> str:
    """The wait from the end of speech to the first sound, each stage as long as it took: 20 ms a mark."""
    marks, words, before = "", [], 0.0
    for name, attribute, mark in _STAGES:
        at = getattr(latency, attribute)
        if at is None or at < before:
            continue
        marks += mark * round((at - before) / _STRIP_MS_PER_MARK)
        words.append(f"{name} +{at - before:.0f}")
        before = at
    if latency.sound_ms is None:
        return f"first words after {latency.words_ms:.0f} ms" if latency.words_ms is not None else ""
    if not shows_unicode():
        marks = marks.replace("░", ".").replace("▒", "-").replace("█", "#")
    cut = marks[:_STRIP_MARKS_MAX] + (">" if len(marks) > _STRIP_MARKS_MAX else "")
    return f"{cut} {latency.sound_ms:.0f} ms to the first sound ({', '.join(words)})"
