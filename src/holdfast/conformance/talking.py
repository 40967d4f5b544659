"""Turns as checks have them: ask, take the answer, interrupt.

What lives here: what is said to a server, whoever it is, and taking an answer apart.
What never will: judging an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.rules import audio_of, of_response, response_id_of
from holdfast.conformance.verdict import Failed, Skipped, expect

QUESTION: Final = "Please answer in one short sentence: which colour has the sky?"
_LONG_WORDS: Final = " ".join(
    f"This is sentence {number} of a long answer."
    for number in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
)
LONG: Final[Json] = {
    "instructions": "Count aloud from one to two hundred, every number, without a pause.",
    # Our own servers have no model that could be asked to speak for long; they say this word for word.
    "metadata": {"holdfast_say": _LONG_WORDS},
}
"""What to send in `response` for an answer that is long enough to be interrupted."""

TEXT: Final[Json] = {"output_modalities": ["text"]}
SPOKEN: Final[Json] = {"output_modalities": ["audio"]}

TOOL: Final[Json] = {
    "type": "function",
    "name": "get_balance",
    "description": "Tells the customer's balance. Call it for every question about the balance.",
    "parameters": {
        "type": "object",
        "properties": {},
        "x-title": "your balance",
        "x-utterances": ["what is my balance", "how much do i owe"],
    },
}
TOOL_QUESTION: Final = "What is my balance?"
TOOL_OUTPUT: Final = '{"say": "Your balance is ten euros.", "balance": 10}'


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, whole: its events with those of its items, in order."""

    id: str
    events: Sequence[Mapping[str, Any]]
    done: Json

    @property
    def response(self) -> Json:
        """What `response.done` says."""
        found = self.done.get("response")
        return found if isinstance(found, dict) else {}

    @property
    def status(self) -> str:
        """How it ended."""
        return str(self.response.get("status"))

    @property
    def items(self) -> list[Json]:
        """The items of its `response.done`."""
        return [item for item in self.response.get("output") or () if isinstance(item, dict)]

    @property
    def calls(self) -> list[Json]:
        """The tool calls in it."""
        return [item for item in self.items if item.get("type") == "function_call"]

    @property
    def audio(self) -> bytes:
        """Its sound. Raises `Failed` for what is no base64."""
        try:
            return audio_of(self.events)
        except ValueError as broken:
            raise Failed(f"an audio delta is no base64: {broken}") from broken


async def begin(caller: Caller, **response: Any) -> str:
    """Ask for a response; gives its id once it is created."""
    caller.send("response.create", response=response)
    return await begun(caller)


async def begun(caller: Caller) -> str:
    """Wait for a response that the server begins; gives its id."""
    created = await caller.until("response.created")
    response_id = response_id_of(created)
    if response_id is None:
        raise Failed(f"response.created has no response.id: {created}")
    return response_id


async def finish(caller: Caller, response_id: str, timeout_s: float | None = None) -> Answer:
    """Wait for the end of a response."""
    while True:
        done = await caller.until("response.done", timeout_s=timeout_s)
        if response_id_of(done) == response_id:
            return Answer(response_id, of_response(caller.events, response_id), done)


async def answer(caller: Caller, **response: Any) -> Answer:
    """Ask for a response and take it whole."""
    return await finish(caller, await begin(caller, **response))


async def ask(caller: Caller, text: str = QUESTION, **response: Any) -> Answer:
    """A typed turn, completed. Raises `Failed` when it ends otherwise."""
    caller.write(text)
    given = await answer(caller, **response)
    expect(
        given.status == "completed",
        f"the answer ended as {given.status}: {given.response.get('status_details')}",
    )
    return given


async def speaking(caller: Caller) -> str:
    """Have a long answer begun and its first sound heard; gives its id. Raises `Skipped`
    when it is over already.
    """
    caller.write("Please count from one to two hundred.")
    response_id = await begin(caller, **SPOKEN, **LONG)
    await caller.until("response.output_audio.delta", "response.done")
    if "response.done" in caller.kinds:
        raise Skipped("the answer was over before it could be interrupted")
    return response_id


def message_of(given: Answer) -> Json:
    """The first message of an answer. Raises `Failed` when it has none."""
    for item in given.items:
        if item.get("type") == "message":
            return item
    raise Failed(f"the answer has no message, but {[item.get('type') for item in given.items]}")


def field(given: Mapping[str, Any], path: str) -> Any:
    """A value by its dotted path; None where the way ends."""
    value: Any = given
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def told(wrong: Sequence[str]) -> str:
    """Several complaints as one."""
    return "; ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")


def nothing_wrong(wrong: Sequence[str]) -> None:
    """Fail with these complaints, if there are any."""
    expect(not wrong, told(wrong))
