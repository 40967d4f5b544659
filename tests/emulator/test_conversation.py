"""The emulator as a partner: turns, tools, scripts, barge-in, and its books."""

import base64
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import uvloop

from holdfast.emulator import Call, Emulator, Turn, spoken
from holdfast.emulator.responder import NOTHING_LEFT
from holdfast.wire.realtime import BYTES_PER_MS

Run = Callable[..., AbstractAsyncContextManager[Emulator]]
Dial = Callable[..., AbstractAsyncContextManager[Any]]

PHRASE = spoken("hello there my friend", char_ms=40)
PAUSE = bytes(700 * BYTES_PER_MS)
TOOL = {"type": "function", "name": "balance", "parameters": {"type": "object"}}


async def speak(caller: Any, pcm: bytes, step: int = 961) -> None:
    """Stream in pieces of an odd size, which a client may."""
    for start in range(0, len(pcm), step):
        await caller.send(
            "input_audio_buffer.append", audio=base64.b64encode(pcm[start : start + step]).decode()
        )


def audio_of(caller: Any) -> bytes:
    deltas = [event["delta"] for event in caller.events if event["type"] == "response.output_audio.delta"]
    return b"".join(map(base64.b64decode, deltas))


async def test_a_voice_turn_and_its_books(run: Run, call: Dial) -> None:
    async with run(char_ms=10, keep_audio=True) as emulator, call(emulator) as caller:
        await caller.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
        await speak(caller, PHRASE + PAUSE)
        done = await caller.until("response.done")
        record = emulator.records[0]
        await emulator.wait_for(lambda: record.audio_bytes == len(PHRASE + PAUSE))

        [heard] = record.transcripts
        assert heard.endswith("ms of speech)")
        said = done["response"]["output"][0]["content"][0]["transcript"]
        assert said == f"You said: {heard}"
        assert audio_of(caller) == spoken(said, char_ms=10)
        assert record.audio_sha256 == hashlib.sha256(PHRASE + PAUSE).hexdigest()
        assert bytes(record.pcm) == PHRASE + PAUSE
        assert record.received_counts["session.update"] == 1
        assert record.credential == "authorization"
        assert "any" not in str(record.full())


async def test_speech_interrupts_the_answer(run: Run, call: Dial) -> None:
    async with run(char_ms=100, speed=1.0) as emulator, call(emulator) as caller:
        await caller.say("tell me a very long story about nothing at all")
        await caller.until("response.output_audio.delta")
        await speak(caller, PHRASE)
        await caller.until("input_audio_buffer.speech_started")
        done = await caller.until("response.done")

        assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert done["response"]["output"][0]["status"] == "incomplete"


async def test_speech_does_not_interrupt_where_the_session_says_so(run: Run, call: Dial) -> None:
    async with run(char_ms=20, speed=4.0) as emulator, call(emulator) as caller:
        quiet = {"type": "server_vad", "interrupt_response": False, "create_response": False}
        await caller.update(audio={"input": {"turn_detection": quiet}})
        await caller.say("tell me something")
        await caller.until("response.output_audio.delta")
        await speak(caller, PHRASE + PAUSE)
        await caller.until("input_audio_buffer.committed")
        kinds = caller.kinds
        if "response.done" not in kinds:
            await caller.until("response.done")

        [done] = [event for event in caller.events if event["type"] == "response.done"]
        assert done["response"]["status"] == "completed"


async def test_a_tool_is_called_and_its_sentence_spoken(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.update(tools=[TOOL], output_modalities=["text"])
        await caller.say('please call balance {"of": "me"}')
        [item] = (await caller.until("response.done"))["response"]["output"]
        assert (item["type"], item["name"], item["arguments"]) == ("function_call", "balance", '{"of":"me"}')

        output = {
            "type": "function_call_output",
            "call_id": item["call_id"],
            "output": '{"say":"It is ten euros."}',
        }
        await caller.send("conversation.item.create", item=output)
        await caller.send("response.create")
        done = await caller.until("response.done")
        assert done["response"]["output"][0]["content"] == [
            {"type": "output_text", "text": "It is ten euros."}
        ]


async def test_a_tool_that_is_not_offered_is_not_called(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.update(output_modalities=["text"])
        await caller.say("call balance {}")
        done = await caller.until("response.done")

        assert done["response"]["output"][0]["content"][0]["text"] == "You said: call balance {}"


async def test_a_greeting_is_spoken_word_for_word(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.send("response.create", response={"metadata": {"holdfast_say": "Good day."}})
        done = await caller.until("response.done")

        assert done["response"]["output"][0]["content"][0]["transcript"] == "Good day."


async def test_a_script_is_played_and_goes_on_after_a_restore(run: Run, call: Dial) -> None:
    script = (
        Turn(hear="what do I owe", call=Call("balance"), say="Ten euros."),
        Turn(hear="and when", say="On Friday."),
    )
    async with run(script=script) as emulator:
        async with call(emulator) as caller:
            await speak(caller, PHRASE + PAUSE)
            [item] = (await caller.until("response.done"))["response"]["output"]
            assert item["name"] == "balance"
            output = {"type": "function_call_output", "call_id": item["call_id"], "output": "{}"}
            await caller.send("conversation.item.create", item=output)
            await caller.send("response.create")
            done = await caller.until("response.done")
            assert done["response"]["output"][0]["content"][0]["transcript"] == "Ten euros."

        async with call(emulator) as caller:
            for role, kind, text in (
                ("user", "input_text", "what do I owe"),
                ("assistant", "output_text", "Ten euros."),
            ):
                message = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
                await caller.send("conversation.item.create", item=message)
            await speak(caller, PHRASE + PAUSE)
            done = await caller.until("response.done")
            assert done["response"]["output"][0]["content"][0]["transcript"] == "On Friday."
            assert emulator.records[1].transcripts[-1] == "and when"


async def test_a_transcription_session_never_answers(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator, "?intent=transcription") as caller:
        created = await caller.next()
        assert created["session"]["object"] == "realtime.transcription_session"
        wanted = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        await caller.send("session.update", session={"type": "transcription", "audio": wanted})
        await speak(caller, PHRASE + PAUSE)
        await caller.until("conversation.item.input_audio_transcription.completed")
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")

        assert not [kind for kind in caller.kinds if kind.startswith("response.")]


@pytest.mark.parametrize(
    ("heard", "rest"), [("You said: one", "two three"), ("You said: one two three", NOTHING_LEFT)]
)
async def test_the_rest_of_an_echo_goes_on_after_a_restore(
    run: Run, call: Dial, heard: str, rest: str
) -> None:
    async with run() as emulator, call(emulator) as caller:
        for role, kind, text in (
            ("user", "input_text", "one two three"),
            ("assistant", "output_text", heard),
        ):
            item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
            await caller.send("conversation.item.create", item=item)
        asked = {"output_modalities": ["text"], "metadata": {"holdfast_carry_on": heard}}
        await caller.send("response.create", response=asked)
        done = await caller.until("response.done")

    assert done["response"]["output"][0]["content"][0]["text"] == rest


async def test_a_request_that_tells_what_to_say_is_echoed_where_nothing_was_said(
    run: Run, call: Dial
) -> None:
    async with run() as emulator, call(emulator) as caller:
        asked = {"output_modalities": ["text"], "instructions": "Say exactly: pineapple"}
        await caller.send("response.create", response=asked)
        done = await caller.until("response.done")

    assert done["response"]["output"][0]["content"][0]["text"] == "I was told: Say exactly: pineapple"


async def test_binary_gets_an_error_and_nothing_ends(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.socket.send(b"\x00\x01")
        assert (await caller.until("error"))["error"]["code"] == "invalid_event"


async def test_stopping_says_going_away(run: Run, call: Dial) -> None:
    async with run() as emulator, call(emulator) as caller:
        await caller.next()
        await emulator.close()
        await caller.socket.wait_closed()

        assert caller.socket.close_code == 1001
        await emulator.close()


def test_it_runs_on_uvloop(run: Run, call: Dial) -> None:
    """uvloop's transports are of another family; the hand-over to picows must work there, too."""

    async def talk() -> None:
        async with run("slow-handshake:0.01") as emulator, call(emulator) as caller:
            await caller.say("hello")
            await caller.until("response.done")

    uvloop.run(talk())


async def test_a_turn_is_found_by_the_clock_of_all_audio_not_only_of_what_was_listened_to(
    run: Run, call: Dial
) -> None:
    before_ms = 5_010
    async with run() as emulator, call(emulator) as caller:
        heard = {"turn_detection": None, "transcription": {"model": "whisper-1"}}
        await caller.update(audio={"input": heard})
        await speak(caller, bytes(before_ms * BYTES_PER_MS))
        await caller.send("input_audio_buffer.commit")
        await caller.until("conversation.item.input_audio_transcription.completed")
        await caller.update(audio={"input": {"turn_detection": {"type": "server_vad"}}})
        await speak(caller, PHRASE + PAUSE)

        started = await caller.until("input_audio_buffer.speech_started")
        stopped = await caller.until("input_audio_buffer.speech_stopped")
        written = await caller.until("conversation.item.input_audio_transcription.completed")

    phrase_ms = len(PHRASE) // BYTES_PER_MS
    assert before_ms - 300 <= started["audio_start_ms"] <= before_ms
    assert before_ms + phrase_ms <= stopped["audio_end_ms"] <= before_ms + phrase_ms + 700
    assert written["transcript"].endswith("ms of speech)")


async def test_an_answer_beside_the_conversation_takes_nothing_from_it(run: Run, call: Dial) -> None:
    def user(text: str) -> dict[str, Any]:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    async with run() as emulator, call(emulator) as caller:
        await caller.update(tools=[TOOL], output_modalities=["text"])
        await caller.send("conversation.item.create", item=user("please call balance"))
        await caller.send("response.create", response={"conversation": "none", "input": [user("aside")]})
        aside = await caller.until("response.done")
        await caller.send("response.create")
        answer = await caller.until("response.done")

    assert aside["response"]["output"][0]["content"][0]["text"] == "You said: aside"
    assert aside["response"]["conversation_id"] is None
    assert answer["response"]["output"][0]["name"] == "balance"


@pytest.mark.parametrize("modality", ["audio", "text"])
@pytest.mark.parametrize("tokens", [20, 300])
async def test_an_answer_ends_with_its_tokens(run: Run, call: Dial, modality: str, tokens: int) -> None:
    async with run(char_ms=20) as emulator, call(emulator) as caller:
        await caller.say("w" * 5_000, max_output_tokens=tokens, output_modalities=[modality])
        response = (await caller.until("response.done"))["response"]

    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert tokens - 4 <= response["usage"]["output_tokens"] <= tokens


async def test_an_answer_that_nobody_bounds_has_a_bound_all_the_same(run: Run, call: Dial) -> None:
    async with run(char_ms=60) as emulator, call(emulator) as caller:
        await caller.say("w" * 200_000)
        response = (await caller.until("response.done"))["response"]

    assert response["status"] == "incomplete"
    assert 31_900 <= response["usage"]["output_tokens"] <= 32_000
