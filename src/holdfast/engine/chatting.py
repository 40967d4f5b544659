"""A conversation as a chat server is told it, and its answer as one says it: in whole sentences, and calls.

What lives here: items of the dialect to messages, bounded; deltas to sentences and calls. Pure.
What never will: sockets (`remote`), speaking (`answering`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from holdfast.tools import without_extensions

ITEMS_MAX: Final = 80
CHARS_MAX: Final = 32_000
CALLS_MAX: Final = 16
ARGUMENTS_MAX: Final = 64 * 1024
_ALOUD: Final = (
    "Your words are spoken aloud. Answer in short, plain sentences, without lists, headings, markup or emoji."
)
_CUT: Final = "(You were interrupted here.)"
_SENTENCE: Final = re.compile(r"[^.!?\n]*(?:[.!?](?=\S)[^.!?\n]*)*(?:[.!?]+['\")\]]*\s+|\n+)")
"""A beginning that is a whole sentence: its end is sure only when something follows."""
_LONGEST: Final = 400
_FIRST_HALF, _SECOND_HALF, _LAST_HALF = "\ud800", "\udc00", "\udfff"

Json = dict[str, Any]


class CalledFunction(msgspec.Struct):
    """Of a tool call, a piece."""

    name: str | None = None
    arguments: Any = None
    """Text; whole JSON from some servers."""


class ToolCall(msgspec.Struct):
    """A piece of a tool call, by its `index`."""

    id: str | None = None
    index: int | None = None
    function: CalledFunction | None = None


class Delta(msgspec.Struct):
    """What one chunk of a chat's answer adds to it."""

    content: str | None = None
    tool_calls: list[ToolCall] | None = None


def request_of(
    session: Mapping[str, Any], items: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]
) -> Json:
    """The request for an answer to `items`, under the session's settings and those of the request."""
    wishes = [session.get("instructions", ""), asked.get("instructions", ""), _ALOUD]
    told = asked.get("input") or items
    system = {"role": "system", "content": "\n\n".join(filter(None, wishes))}
    request: Json = {"messages": [system, *_messages(told)]}
    tools = asked.get("tools", session.get("tools")) or []
    choice = asked.get("tool_choice", session.get("tool_choice")) or "auto"
    offered = [_tool(tool) for tool in tools if tool.get("type") == "function"]
    if offered and choice != "none":
        request["tools"] = offered
        request["tool_choice"] = (
            {"type": "function", "function": {"name": choice.get("name", "")}}
            if isinstance(choice, Mapping)
            else choice
        )
    most = asked.get("max_output_tokens", session.get("max_output_tokens"))
    if isinstance(most, int):
        request["max_tokens"] = most
    return request


def _tool(tool: Mapping[str, Any]) -> Json:
    plain = without_extensions(dict(tool))
    return {"type": "function", "function": {key: plain[key] for key in plain if key != "type"}}


def _messages(items: Sequence[Mapping[str, Any]]) -> list[Json]:
    answered = {item.get("call_id") for item in items if item.get("type") == "function_call_output"}
    known = {item.get("call_id") for item in items if item.get("type") == "function_call"}
    told: list[Json] = []
    for item in _latest(items):
        kind = item.get("type")
        if kind == "message":
            told += _message(item)
        elif kind == "function_call" and item.get("call_id") in answered:
            _add_call(told, item)
        elif kind == "function_call_output" and item.get("call_id") in known:
            told.append(
                {"role": "tool", "tool_call_id": item["call_id"], "content": str(item.get("output", ""))}
            )
    while told and told[0]["role"] == "tool":
        del told[0]  # its call was left out
    return told


def _latest(items: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The end of the conversation, as far as there is room."""
    kept: list[Mapping[str, Any]] = []
    size = 0
    for item in reversed(items[-ITEMS_MAX:]):
        size += len(text_of(item)) + len(str(item.get("output", ""))) + len(str(item.get("arguments", "")))
        if size > CHARS_MAX and kept:
            break
        kept.append(item)
    kept.reverse()
    return kept


def _message(item: Mapping[str, Any]) -> list[Json]:
    role, text = item.get("role"), text_of(item)
    if role == "assistant" and not text:
        return [{"role": "assistant", "content": _CUT}]
    return [{"role": role, "content": text}] if text else []


def _add_call(told: list[Json], item: Mapping[str, Any]) -> None:
    function = {"name": item.get("name", ""), "arguments": _arguments(item.get("arguments"))}
    call = {"id": item["call_id"], "type": "function", "function": function}
    if told and told[-1].get("tool_calls"):
        told[-1]["tool_calls"].append(call)
    else:
        told.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _arguments(text: object) -> str:
    """Some servers read them, and refuse the whole conversation, again and again, for what one model once
    wrote as no JSON.
    """
    try:
        told = json.loads(str(text or "{}"))
    except (ValueError, RecursionError):
        return "{}"
    return str(text or "{}") if isinstance(told, dict) else "{}"


def text_of(item: Mapping[str, Any]) -> str:
    """An item's words, written or spoken."""
    parts = item.get("content") or ()
    return " ".join(str(part.get("text") or part.get("transcript") or "") for part in parts).strip()


def whole_text(text: str, *, may_go_on: bool = False) -> str:
    """The text without halves of characters, which some servers send apart (as two escapes of JSON) and
    which nobody can be told: two that belong together are joined, one alone becomes a mark. With `may_go_on`
    a first half at the end waits for the second.
    """
    if text.isascii() or not any(_FIRST_HALF <= char <= _LAST_HALF for char in text):
        return text
    waits = text[-1] if may_go_on and _FIRST_HALF <= text[-1] < _SECOND_HALF else ""
    known = text[: len(text) - len(waits)]
    return known.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") + waits


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the answer calls; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(slots=True)
class Reply:
    """An answer that is coming in."""

    _untold: str = ""
    _calls: list[Json] = field(default_factory=list)

    def take(self, delta: Delta) -> Iterator[str]:
        """One delta; the sentences that are whole now."""
        for call in delta.tool_calls or ():
            self._take_call(call)
        self._untold = whole_text(self._untold + (delta.content or ""), may_go_on=True)
        while (found := _SENTENCE.match(self._untold)) is not None or len(self._untold) > _LONGEST:
            end = found.end() if found is not None else self._untold.rfind(" ", 1, _LONGEST) + 1 or _LONGEST
            sentence, self._untold = self._untold[:end], self._untold[end:]
            if sentence.strip():
                yield sentence

    def rest(self) -> str:
        """What is left when no more comes."""
        rest, self._untold = whole_text(self._untold), ""
        return rest if rest.strip() else ""

    def calls(self) -> list[Call]:
        """The tools that it calls, when no more comes. Whether the arguments make sense is the tool's."""
        told = [(whole_text(one["name"]), whole_text(one["arguments"])) for one in self._calls]
        return [Call(name, arguments or "{}") for name, arguments in told if name]

    def _take_call(self, told: ToolCall) -> None:
        function = told.function or CalledFunction()
        call_id, index = told.id, told.index
        known = next((one for one in reversed(self._calls) if one["index"] == index), None)
        is_other = known is not None and call_id and known["id"] and call_id != known["id"]
        if known is None or is_other or index is None:
            if len(self._calls) >= CALLS_MAX:
                return
            known = {"id": call_id, "index": index, "name": "", "arguments": ""}
            self._calls.append(known)
        known["name"] += function.name or "" if not known["name"] else ""
        arguments = function.arguments or ""
        known["arguments"] += arguments if isinstance(arguments, str) else json.dumps(arguments)
        known["arguments"] = known["arguments"][:ARGUMENTS_MAX]
