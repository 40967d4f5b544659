"""Checks of audio that comes in: the buffer, commits by the client, turns that the server finds.

What lives here: the groups `audio` and `vad`.
What never will: what was said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pybase64

from holdfast.conformance import rules
from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.talking import TEXT, answer, ask, begun, field, finish, nothing_wrong, speaking
from holdfast.conformance.verdict import Check, Skipped, expect
from holdfast.conformance.visit import Visit

_BYTES_PER_MS: Final = 48
_QUIET_S: Final = 0.4
_HALF_A_SECOND: Final = bytes(500 * _BYTES_PER_MS)
_PAUSE: Final = bytes(1_500 * _BYTES_PER_MS)
_MIB: Final = 1024 * 1024
_TRANSCRIBED: Final[Json] = {"audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}


async def _committed(caller: Caller, pcm: bytes) -> str:
    """Commit this audio; gives the item's id once it is done."""
    caller.append(pcm)
    caller.send("input_audio_buffer.commit")
    committed = await caller.until("input_audio_buffer.committed")
    added = await caller.until("conversation.item.added")
    done = await caller.until("conversation.item.done")
    ids = [committed.get("item_id"), field(added, "item.id"), field(done, "item.id")]
    expect(isinstance(ids[0], str) and len(set(ids)) == 1, f"committed, added and done name {ids}")
    kinds = [part.get("type") for part in field(done, "item.content") or ()]
    expect(kinds == ["input_audio"], f"the item's parts are {kinds}")
    return str(ids[0])


async def _append_is_silent(caller: Caller) -> str:
    caller.append(_HALF_A_SECOND)
    await caller.quiet(_QUIET_S)
    return f"five appends, nothing for {_QUIET_S} s"


async def _commit(caller: Caller) -> str:
    await _committed(caller, _HALF_A_SECOND)
    await caller.quiet(_QUIET_S, but=_TRANSCRIPTS)
    return "committed, added, done with one id; no answer unasked"


async def _commit_answered(caller: Caller) -> str:
    await _committed(caller, _HALF_A_SECOND)
    given = await answer(caller, **TEXT)
    expect(given.status == "completed", f"the answer ended as {given.status}")
    return "response.create after the commit was answered"


async def _too_short(caller: Caller) -> str:
    caller.append(bytes(40 * _BYTES_PER_MS))
    error = await caller.error_for(caller.send("input_audio_buffer.commit"))
    expect(error.get("code") == "input_audio_buffer_commit_empty", f"code is {error.get('code')!r}")
    return "40 ms: input_audio_buffer_commit_empty"


async def _clear(caller: Caller) -> str:
    caller.append(_HALF_A_SECOND)
    caller.send("input_audio_buffer.clear")
    await caller.until("input_audio_buffer.cleared")
    error = await caller.error_for(caller.send("input_audio_buffer.commit"))
    expect(error.get("code") == "input_audio_buffer_commit_empty", f"code is {error.get('code')!r}")
    return "cleared, and nothing was left to commit"


async def _odd_bytes(caller: Caller) -> str:
    for size in (1, 3, 4_799, 997, 5_201, 8_999):
        caller.append(bytes(size), step=size)
    caller.send("input_audio_buffer.commit")
    await caller.until("input_audio_buffer.committed")
    return "pieces of odd length were taken"


async def _not_base64(caller: Caller) -> str:
    error = await caller.error_for(caller.send("input_audio_buffer.append", audio="(no base64)"))
    await _committed(caller, _HALF_A_SECOND)
    return f"refused: {error.get('code')}; the next audio was taken"


async def _large(caller: Caller) -> str:
    audio = pybase64.b64encode_as_string(bytes(2 * _MIB))
    caller.send("input_audio_buffer.append", audio=audio)
    caller.send("input_audio_buffer.commit")
    await caller.until("input_audio_buffer.committed", timeout_s=3 * caller.patience_s)
    return "2 MiB of audio in one append"


async def _transcribed(caller: Caller) -> str:
    item_id = await _committed(caller, _HALF_A_SECOND)
    stem = "conversation.item.input_audio_transcription"
    told = await caller.until(f"{stem}.completed", f"{stem}.failed")
    expect(told.get("item_id") == item_id, f"the transcript is of {told.get('item_id')!r}")
    if told["type"].endswith("failed"):
        return f"failed by name: {field(told, 'error.code')}"
    expect(isinstance(told.get("transcript"), str), f"transcript is {told.get('transcript')!r}")
    expect(field(told, "usage.type") in ("tokens", "duration"), f"usage is {told.get('usage')!r}")
    return "a transcript of the committed item, with its usage"


async def _vad_order(caller: Caller, speech: bytes) -> str:
    since = len(caller.events)
    caller.append(speech + _PAUSE)
    given = await finish(caller, await begun(caller), timeout_s=3 * caller.patience_s)
    events = caller.events[since:]
    nothing_wrong(rules.vad_turn_order(events))
    expect(given.status in ("completed", "cancelled"), f"the answer ended as {given.status}")
    return "started, stopped, committed, item, answer"


async def _vad_item(caller: Caller, speech: bytes) -> str:
    caller.append(speech + _PAUSE)
    started = await caller.until("input_audio_buffer.speech_started")
    stopped = await caller.until("input_audio_buffer.speech_stopped")
    committed = await caller.until("input_audio_buffer.committed")
    added = await caller.until("conversation.item.added")
    ids = {one.get("item_id") for one in (started, stopped, committed)} | {field(added, "item.id")}
    expect(len(ids) == 1, f"started, stopped, committed and added name {ids}")
    start_ms, end_ms = started.get("audio_start_ms"), stopped.get("audio_end_ms")
    total_ms = len(speech + _PAUSE) // _BYTES_PER_MS
    is_sane = isinstance(start_ms, int) and isinstance(end_ms, int) and 0 <= start_ms < end_ms <= total_ms
    expect(is_sane, f"speech from {start_ms} to {end_ms} ms, of {total_ms} ms that were sent")
    return f"one item; speech from {start_ms} to {end_ms} of {total_ms} ms"


async def _vad_no_answer(caller: Caller, speech: bytes) -> str:
    caller.append(speech + _PAUSE)
    await caller.until("input_audio_buffer.committed")
    await caller.until("conversation.item.done")
    await caller.quiet(_QUIET_S, but=(*_TRANSCRIPTS, *_TURNS))
    return "a turn with create_response false, and no answer"


async def _barge_in(caller: Caller, speech: bytes) -> str:
    response_id = await speaking(caller)
    caller.append(speech)
    given = await finish(caller, response_id, timeout_s=3 * caller.patience_s)
    if "input_audio_buffer.speech_started" not in caller.kinds:
        await caller.until("input_audio_buffer.speech_started")
    found = caller.kinds.index("input_audio_buffer.speech_started")
    reason = field(given.done, "response.status_details.reason")
    if given.status == "completed":
        later = [event for event in caller.events[found:] if event["type"] == "response.output_audio.delta"]
        expect(not later, f"{len(later)} pieces of the answer came after speech_started")
        raise Skipped("the answer was over before speech was found")
    expect((given.status, reason) == ("cancelled", "turn_detected"), f"it ended as {given.status}, {reason}")
    return "cancelled, turn_detected"


async def _goes_on(caller: Caller, speech: bytes) -> str:
    await ask(caller, **TEXT)
    caller.append(speech + _PAUSE)
    await finish(caller, await begun(caller), timeout_s=3 * caller.patience_s)
    await ask(caller, **TEXT)
    return "text, speech, text in one session"


_TRANSCRIPTS: Final = tuple(
    f"conversation.item.input_audio_transcription.{end}" for end in ("delta", "completed", "failed")
)
_TURNS: Final = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
)
_UNANSWERED: Final[Json] = {
    "audio": {
        "input": {
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500, "create_response": False}
        }
    }
}
_DETECTED: Final[Json] = {
    "audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}}
}


def _by_client(
    name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]], **settings: Any
) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session(quiet=True, **settings) as caller:
            return await look(caller)

    return Check(f"audio.{name}", sentence, section, run)


def _by_server(
    name: str, sentence: str, section: str, look: Callable[[Caller, bytes], Awaitable[str]], settings: Json
) -> Check:
    async def run(visit: Visit) -> str:
        speech = visit.speech
        # Speech that nobody waits for may begin an answer just when we leave.
        async with visit.session(whole=look is not _barge_in, **settings) as caller:
            return await look(caller, speech)

    return Check(f"vad.{name}", sentence, section, run)


CHECKS: Final = (
    _by_client("append_is_silent", "An append is never acknowledged.", "6", _append_is_silent),
    _by_client("commit", "A commit makes one item, and no answer.", "8.3", _commit),
    _by_client("commit_answered", "A committed turn is answered when asked for.", "8.3", _commit_answered),
    _by_client("too_short", "Less than 100 ms cannot be committed.", "2.4", _too_short),
    _by_client("clear", "A cleared buffer is empty.", "6", _clear),
    _by_client("odd_bytes", "Audio may be cut anywhere, inside a sample too.", "11.8", _odd_bytes),
    _by_client("not_base64", "What is no base64 is refused by name.", "9.4", _not_base64),
    _by_client("large", "A large append is taken.", "2.4", _large),
    _by_client("transcribed", "A committed item gets its transcript.", "8.2", _transcribed, **_TRANSCRIBED),
    _by_server(
        "order", "A spoken turn is found, committed and answered, in order.", "8.2", _vad_order, _DETECTED
    ),
    _by_server(
        "item", "A spoken turn is one item, with its place in the audio.", "8.2", _vad_item, _UNANSWERED
    ),
    _by_server(
        "no_answer", "With create_response false nothing is answered.", "4.2", _vad_no_answer, _UNANSWERED
    ),
    _by_server("barge_in", "Who speaks into an answer interrupts it.", "8.5", _barge_in, _DETECTED),
    _by_server("goes_on", "Speech and text take turns in one session.", "8.2", _goes_on, _DETECTED),
)
