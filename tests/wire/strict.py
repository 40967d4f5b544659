"""The official SDK's types as a judge: every field right, and none that they do not declare.

What lives here: validation of one event in strict mode, with undeclared fields named by their path.
What never will: a list of what is allowed all the same; that is the test's own word.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openai.types.beta.realtime import RealtimeClientEvent as OlderClientEvent
from openai.types.beta.realtime import RealtimeServerEvent as OlderServerEvent
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError


class WrongEventError(AssertionError):
    """An event the official types do not accept."""


def _members(union: Any) -> dict[str, type[BaseModel]]:
    """The members of an event union by their `type`. Looked up by us, because a union answers a wrong
    event with the complaints of all its members."""
    found = {}
    for member in typing.get_args(typing.get_args(union)[0]):
        model = typing.get_args(member)[0] if typing.get_origin(member) is typing.Annotated else member
        for name in typing.get_args(model.model_fields["type"].annotation):
            found[name] = model
    return found


SERVER_EVENTS: Final[Mapping[str, type[BaseModel]]] = _members(RealtimeServerEvent)
CLIENT_EVENTS: Final[Mapping[str, type[BaseModel]]] = _members(RealtimeClientEvent)

OLDER_SERVER_EVENTS: Final[Mapping[str, type[BaseModel]]] = _members(OlderServerEvent)

OLDER_CLIENT_EVENTS: Final[Mapping[str, type[BaseModel]]] = _members(OlderClientEvent)

_OLDER_CLIENT_UNION: Final[TypeAdapter[Any]] = TypeAdapter(OlderClientEvent)
_OLDER_UNION: Final[TypeAdapter[Any]] = TypeAdapter(OlderServerEvent)
_SERVER_UNION: Final[TypeAdapter[Any]] = TypeAdapter(RealtimeServerEvent)
_CLIENT_UNION: Final[TypeAdapter[Any]] = TypeAdapter(RealtimeClientEvent)


def judge_server_event(event: Mapping[str, Any]) -> set[str]:
    """Validate; gives the paths of fields the types do not declare. Raises `WrongEventError`."""
    return _judge(event, SERVER_EVENTS, _SERVER_UNION)


def judge_older_server_event(event: Mapping[str, Any]) -> set[str]:
    """The same by the types of the shape before GA, which the SDK still has."""
    return _judge(event, OLDER_SERVER_EVENTS, _OLDER_UNION)


def judge_older_client_event(event: Mapping[str, Any]) -> set[str]:
    """The same for what such a client sends."""
    return _judge(event, OLDER_CLIENT_EVENTS, _OLDER_CLIENT_UNION)


def judge_client_event(event: Mapping[str, Any]) -> set[str]:
    """The same for what a client sends."""
    return _judge(event, CLIENT_EVENTS, _CLIENT_UNION)


def _judge(
    event: Mapping[str, Any], members: Mapping[str, type[BaseModel]], union: TypeAdapter[Any]
) -> set[str]:
    kind = event.get("type")
    if kind not in members:
        raise WrongEventError(f"there is no event {kind!r}")
    text = json.dumps(event)
    try:
        validated = members[str(kind)].model_validate_json(text, strict=True)
        union.validate_json(text, strict=True)
    except ValidationError as wrong:
        raise WrongEventError(f"{kind}: {wrong}") from wrong
    return set(_undeclared(validated, str(kind)))


def _undeclared(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from _undeclared(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for element in value:
            yield from _undeclared(element, f"{path}[]")
