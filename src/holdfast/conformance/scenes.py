"""A conversation through a gateway whose upstream is broken in the middle, at one moment after another.

What lives here: the scenes, played against an emulator's control port; what was seen in each.
What never will: judging it; that is `upstream`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from holdfast.conformance.caller import Caller, Json
from holdfast.conformance.rules import response_id_of
from holdfast.conformance.talking import SPOKEN, TOOL, TOOL_OUTPUT, TOOL_QUESTION, ask
from holdfast.conformance.verdict import Failed
from holdfast.conformance.visit import Visit

RECOVERY_S: Final = 20.0
"""How long a broken upstream may take to be replaced, with all that stands on it."""

FIRST_WORDS: Final = "platypus heliotrope"
_NEXT_WORDS: Final = "Orange seven harbour window copper lantern meadow violin, please."
_LAST_WORDS: Final = "Marble quarter, finally."
_SETTLE_S: Final = 0.5

Act = Callable[[Visit, Caller, "Control"], Awaitable[None]]


class Control:
    """An emulator's control port."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self._client = client

    async def ask(self, method: str, path: str, told: Mapping[str, Any] | None = None) -> Json:
        """One request. Raises `Failed` when it is not answered as it should."""
        try:
            answer = await self._client.request(method, f"{self._url}{path}", json=told)
        except httpx.HTTPError as failed:
            raise Failed(f"the upstream's control port does not answer: {type(failed).__name__}") from failed
        if answer.status_code != 200:
            raise Failed(f"the upstream's control port answered {method} {path} with {answer.text[:200]}")
        found = answer.json()
        return found if isinstance(found, dict) else {}

    async def sessions(self) -> list[Json]:
        """The books of all its sessions."""
        return list((await self.ask("GET", "/sessions"))["sessions"])

    async def set(self, *faults: str) -> None:
        """These faults, in open sessions, too."""
        await self.ask("POST", "/faults", {"faults": list(faults), "live": True})

    async def attempts(self) -> list[str]:
        """What became of every knock at its door."""
        return [str(one["outcome"]) for one in (await self.ask("GET", "/attempts"))["attempts"]]


@dataclass(slots=True)
class Seen:
    """What a scene brought about."""

    events: list[Json] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    trouble: str = ""
    asked_ids: list[str] = field(default_factory=list)
    lost_ids: list[str] = field(default_factory=list)
    upstream_items: list[Json] = field(default_factory=list)
    upstream_sessions: int = 0
    silence_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment and what breaks in it. `before`: faults set before the client comes; `act`: what is done in
    the session, the fault included.
    """

    name: str
    sentence: str
    before: tuple[str, ...] = ()
    act: Act | None = None


async def play(visit: Visit, scene: Scene) -> Seen:
    """One conversation. What goes wrong is in what is seen; raises `Failed` only for the control port."""
    assert visit.target.control is not None, "scenes are played where there is a control port"
    seen = Seen()
    async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
        control = Control(visit.target.control, client)
        attempts = len(await control.attempts())
        known = {one["id"] for one in await control.sessions()}
        await control.set(*scene.before)
        begun = len(visit.heard)
        try:
            await _converse(visit, scene, control, seen)
        except Failed as failed:
            seen.trouble = str(failed)
        heard = visit.heard[begun:]
        seen.events = [event for one in heard for event in one.events]
        seen.silence_s = max((one.longest_silence_s for one in heard), default=0.0)
        refused = [outcome for outcome in (await control.attempts())[attempts:] if outcome != "101"]
        fresh = [one for one in await control.sessions() if one["id"] not in known]
        seen.broken = refused + [fault for one in fresh for fault in one["broken"]]
        await control.ask("DELETE", "/faults")
        seen.upstream_sessions = len(fresh)
        if fresh:
            newest = f"/sessions/{fresh[-1]['id']}/conversation"
            seen.upstream_items = (await control.ask("GET", newest))["items"]
    return seen


async def _converse(visit: Visit, scene: Scene, control: Control, seen: Seen) -> None:
    """A turn, the turn in which it breaks, a last turn; then every item is asked for by its id."""
    async with visit.session(whole=False, patience_s=RECOVERY_S, tools=[TOOL]) as caller:
        await ask(caller, f"Remember the words {FIRST_WORDS}.", **SPOKEN, tool_choice="none")
        if scene.act is not None:
            await scene.act(visit, caller, control)
        await _all_ended(caller)
        await ask(caller, _LAST_WORDS, **SPOKEN, tool_choice="none")
        for item_id in _items(caller):
            seen.asked_ids.append(item_id)
            caller.send("conversation.item.retrieve", item_id=item_id)
            came = await caller.next(wanted="conversation.item.retrieved")
            while came["type"] not in ("conversation.item.retrieved", "error"):
                came = await caller.next(wanted="conversation.item.retrieved")
            if came["type"] == "error" or came["item"].get("id") != item_id:
                seen.lost_ids.append(item_id)


async def _all_ended(caller: Caller) -> None:
    """Wait until no response runs; one that the server begins by itself has a moment to begin."""

    def none_runs() -> bool:
        created = {response_id_of(event) for event in caller.of("response.created")}
        return created <= {response_id_of(event) for event in caller.of("response.done")}

    await caller.wait(none_runs, "end of every response")
    await asyncio.sleep(_SETTLE_S)
    await caller.wait(none_runs, "end of every response")
    caller.skip()


def _items(caller: Caller) -> list[str]:
    """The items the client was told of, without those it was told to forget."""
    ids = [event["item"]["id"] for event in caller.of("conversation.item.added")]
    gone = {event["item_id"] for event in caller.of("conversation.item.deleted")}
    return [one for one in dict.fromkeys(ids) if one not in gone]


async def _while_idle(_visit: Visit, _caller: Caller, control: Control) -> None:
    await control.ask("POST", "/sessions/all/break", {"fault": "reset"})


async def _expired(_visit: Visit, _caller: Caller, control: Control) -> None:
    await control.ask("POST", "/sessions/all/break", {"fault": "error:session_expired"})
    with contextlib.suppress(Failed):  # who leaves at the first word cannot be sent away by the second
        await control.ask("POST", "/sessions/all/break", {"fault": "close:1001"})


def _in_an_answer(fault: str) -> Act:
    async def act(_visit: Visit, caller: Caller, control: Control) -> None:
        await control.set(f"{fault},times=1")
        caller.write(_NEXT_WORDS)
        caller.send("response.create", response={**SPOKEN, "tool_choice": "none"})
        await caller.until("response.done")

    return act


async def _while_speaking(visit: Visit, caller: Caller, control: Control) -> None:
    await control.set("reset:speaking,times=1")
    caller.append(visit.speech + bytes(48 * 1_500))
    await caller.until("response.done")


def _in_a_call(fault: str) -> Act:
    async def act(_visit: Visit, caller: Caller, control: Control) -> None:
        await control.set(f"{fault},times=1")
        caller.write(TOOL_QUESTION)
        caller.send("response.create", response={**SPOKEN, "tool_choice": "required"})
        await caller.until("response.done")
        await _all_ended(caller)
        calls = _calls(caller)
        for call in calls:
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": TOOL_OUTPUT}
            caller.send("conversation.item.create", item=output)
        if calls:
            caller.send("response.create", response={**SPOKEN, "tool_choice": "none"})
            await caller.until("response.done")

    return act


def _calls(caller: Caller) -> list[Json]:
    """The calls a client would carry out: those that are whole."""
    items = [item for event in caller.of("response.done") for item in event["response"]["output"]]
    return [one for one in items if one["type"] == "function_call" and one.get("status") == "completed"]


SCENES: Final = (
    Scene("handshake", "refused once with 503 when the client comes", ("http:503@1",)),
    Scene("created", "reset once before session.created", ("reset:created@1",)),
    Scene("updated", "reset once before session.updated", ("reset:updated,times=1",)),
    Scene("idle", "reset while nothing goes on", act=_while_idle),
    Scene("expired", "session_expired and close 1001 while nothing goes on", act=_expired),
    Scene("speaking", "reset while the user speaks", act=_while_speaking),
    Scene("committed", "reset when an answer is due", act=_in_an_answer("reset:committed")),
    Scene("begun", "reset when an answer has begun", act=_in_an_answer("reset:begun")),
    Scene("streaming", "reset in the middle of an answer", act=_in_an_answer("reset:delta=14")),
    Scene("closed", "close 1011 in the middle of an answer", act=_in_an_answer("close:1011:delta=14")),
    Scene("call", "reset in the middle of a tool call", act=_in_a_call("reset:call")),
    Scene("tool", "reset while a tool runs", act=_in_a_call("reset:tool")),
)
"""One for each state of the fault matrix that an upstream can be broken in, and two ends by name."""
