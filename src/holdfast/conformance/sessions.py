"""Checks of session.update: merge, clear, all or nothing, what is fixed.

What lives here: the group `session`.
What never will: conversations.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.talking import SPOKEN, TOOL, ask, field
from holdfast.conformance.verdict import Check, expect
from holdfast.conformance.visit import Visit

_WORDS: Final = "Speak like a lighthouse keeper."


async def _updated(caller: Caller, **settings: Any) -> Json:
    """Update, and give the session that comes back."""
    caller.update(**settings)
    found = (await caller.until("session.updated")).get("session")
    return found if isinstance(found, dict) else {}


async def _refused(caller: Caller, **settings: Any) -> Json:
    """Update with something wrong, and give the error that comes back."""
    return await caller.error_for(caller.update(**settings))


def _is(session: Json, path: str, wanted: object) -> None:
    seen = field(session, path)
    expect(seen == wanted, f"session.{path} is {seen!r}, not {wanted!r}")


async def _echo(caller: Caller) -> str:
    session = await _updated(caller, instructions=_WORDS)
    _is(session, "instructions", _WORDS)
    for path in ("id", "model", "audio.input.format", "audio.output.voice", "output_modalities"):
        expect(field(session, path) is not None, f"session.updated lacks {path}")
    return "the whole session, with the change"


async def _merge(caller: Caller) -> str:
    await _updated(
        caller,
        instructions=_WORDS,
        audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}},
    )
    session = await _updated(
        caller, audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 640}}}
    )
    _is(session, "instructions", _WORDS)
    _is(session, "audio.input.turn_detection.threshold", 0.7)
    _is(session, "audio.input.turn_detection.silence_duration_ms", 640)
    return "what was not named stayed, also inside turn_detection"


async def _clear(caller: Caller) -> str:
    await _updated(caller, instructions=_WORDS, tools=[TOOL])
    session = await _updated(
        caller, instructions="", tools=[], audio={"input": {"turn_detection": None, "transcription": None}}
    )
    _is(session, "instructions", "")
    _is(session, "tools", [])
    _is(session, "audio.input.turn_detection", None)
    return 'instructions "", tools [], turn_detection null'


async def _all_or_nothing(caller: Caller) -> str:
    await _updated(caller, instructions=_WORDS)
    await _refused(caller, instructions="changed", output_modalities=["smell"])
    session = await _updated(caller, audio={"output": {"speed": 1.0}})
    _is(session, "instructions", _WORDS)
    expect(
        caller.kinds.count("session.updated") == 2, "a refused update was answered by session.updated, too"
    )
    return "one wrong field, and nothing was applied"


async def _needs_type(caller: Caller) -> str:
    error = await caller.error_for(caller.send("session.update", session={"instructions": "x"}))
    expect(error.get("code") == "missing_required_parameter", f"code is {error.get('code')!r}")
    expect(error.get("param") == "session.type", f"param is {error.get('param')!r}")
    return "missing_required_parameter session.type"


async def _unknown_key(caller: Caller) -> str:
    error = await _refused(caller, temperature=0.7)
    expect(error.get("code") == "unknown_parameter", f"code is {error.get('code')!r}")
    expect(error.get("param") == "session.temperature", f"param is {error.get('param')!r}")
    return "unknown_parameter session.temperature"


async def _model_is_fixed(caller: Caller) -> str:
    before = field(caller.of("session.created")[0], "session.model")
    caller.update(model="some-other-model")
    answer = await caller.next(wanted="session.updated or an error")
    if answer["type"] == "error":
        return f"refused: {field(answer, 'error.code')}"
    _is(answer.get("session") or {}, "model", before)
    return "the name of another model was not taken"


async def _carried(caller: Caller) -> str:
    noise = {"type": "near_field"}
    session = await _updated(caller, audio={"input": {"noise_reduction": noise}}, truncation="auto")
    _is(session, "audio.input.noise_reduction.type", "near_field")
    _is(session, "truncation", "auto")
    return "noise_reduction and truncation came back"


async def _one_modality(caller: Caller) -> str:
    error = await _refused(caller, output_modalities=["text", "audio"])
    return f"refused: {error.get('code')}"


async def _voice_is_locked(caller: Caller) -> str:
    voice = field(caller.of("session.created")[0], "session.audio.output.voice")
    other = "cedar" if voice != "cedar" else "marin"
    given = await ask(caller, **SPOKEN)
    expect(given.audio, "the spoken answer had no audio")
    error = await _refused(caller, instructions="changed", audio={"output": {"voice": other}})
    expect(error.get("code") == "cannot_update_voice", f"code is {error.get('code')!r}")
    session = await _updated(caller, tool_choice="auto")
    _is(session, "audio.output.voice", voice)
    expect(session.get("instructions") != "changed", "the rest of the refused update was applied")
    return "cannot_update_voice, and nothing of that update was applied"


def _check(name: str, sentence: str, section: str, look: Callable[[Caller], Awaitable[str]]) -> Check:
    async def run(visit: Visit) -> str:
        async with visit.session() as caller:
            return await look(caller)

    return Check(f"session.{name}", sentence, section, run)


CHECKS: Final = (
    _check("echo", "session.updated bears the whole effective session.", "4.5", _echo),
    _check("merge", "An update changes only what it names, field by field.", "4.5", _merge),
    _check("clear", "Settings are cleared by empty values and null.", "4.5", _clear),
    _check(
        "all_or_nothing", "One refused field, and nothing of the update is applied.", "4.5", _all_or_nothing
    ),
    _check("needs_type", "An update without session.type is refused by name.", "4.1", _needs_type),
    _check("unknown_key", "An unknown key is refused by name.", "4.5", _unknown_key),
    _check("model_is_fixed", "The model cannot be changed in a session.", "4.5", _model_is_fixed),
    _check("carried", "Settings that may mean nothing here are accepted and echoed.", "11.4", _carried),
    _check("one_modality", "Text and audio at once are refused.", "4.1", _one_modality),
    _check("voice_is_locked", "The voice is fixed after the first sound.", "4.5", _voice_is_locked),
)
