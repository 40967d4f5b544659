"""A typed function and a few words about it -> a tool with its JSON schema.

What lives here: reading a signature, the schema that models are offered, strict validation of arguments.
What never will: running a tool (that is `invoke`).

The first parameter of a tool is the `ToolContext`: on whose behalf it runs comes from there and from nowhere
else, so that no model can be talked into asking about another customer.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from holdfast.ports import ClientAction, Json, ToolContext

_ERRORS_TOLD: Final = 3
_MESSAGE_CHARS: Final = 120
_BY_NAME: Final = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found out. `say` is a sentence ready to be spoken; `facts` stand beside it for a model."""

    say: str
    facts: Json = field(default_factory=dict)
    client_action: ClientAction | None = None
    end_session: bool = False


class ToolFaultError(Exception):
    """A tool could not do its work for a known cause. `code` is one of the fault table."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ArgumentsError(Exception):
    """Arguments do not fit the schema. The text is short enough to be shown to the model."""


ToolFunction = Callable[Concatenate[ToolContext, ...], Awaitable[ToolResult]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool: what is offered, and what runs."""

    name: str
    description: str
    parameters: Json
    function: ToolFunction
    arguments: type[BaseModel]
    is_idempotent: bool = False

    def definition(self) -> Json:
        """The flat function tool of the Realtime dialect."""
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }

    def read(self, arguments: str) -> dict[str, Any]:
        """Arguments for `function` from JSON text. Raises ArgumentsError with a short reason."""
        try:
            checked = self.arguments.model_validate_json(arguments or "{}")
        except ValidationError as error:
            raise ArgumentsError(_short(error)) from None
        return {name: getattr(checked, name) for name in type(checked).model_fields}


def function_tool(
    function: ToolFunction,
    *,
    description: str,
    name: str = "",
    title: str = "",
    utterances: Sequence[str] = (),
    openings: Sequence[str] = (),
    idempotent: bool = False,
) -> Tool:
    """A tool from an async function `(context, *typed parameters) -> ToolResult`.

    `title` is what it does as a spoken noun phrase, `utterances` are spoken examples, `openings` are how its
    `say` may begin (no facts: they are the same for everybody): they travel inside the schema as `x-title`,
    `x-utterances` and `x-openings`. `idempotent`: to run it twice with the same
    `ToolContext.idempotency_key` does nothing twice; then a call whose end nobody knows (the process was
    killed) is run again, else it never is. Raises TypeError for a parameter without a type, or one that
    cannot be given by its name.
    """
    name = name or getattr(function, "__name__", "")
    arguments = _arguments_model(name, function)
    parameters = _schema(arguments)
    if title:
        parameters["x-title"] = title
    if utterances:
        parameters["x-utterances"] = list(utterances)
    if openings:
        parameters["x-openings"] = list(openings)
    return Tool(name, description, parameters, function, arguments, idempotent)


def without_extensions(definition: Json) -> Json:
    """A definition as strangers are sent it: without our `x-` keys, at any depth."""
    plain: Json = _bare(definition)
    return plain


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    return {key: _bare(value) for key, value in node.items() if not key.startswith("x-")}


def _arguments_model(name: str, function: ToolFunction) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name not in hints:
            raise TypeError(f"parameter {parameter.name!r} of the tool {name!r} has no type")
        if parameter.kind not in _BY_NAME:
            raise TypeError(f"parameter {parameter.name!r} of the tool {name!r} can't be given by its name")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, allow_inf_nan=False)
    return create_model(f"{name}_arguments", __config__=config, **fields)


def _schema(arguments: type[BaseModel]) -> Json:
    """The model's schema in the plain form that providers accept: no references, no titles."""
    schema = arguments.model_json_schema()
    shared = schema.pop("$defs", {})
    plain: Json = _plain(schema, shared)
    plain.setdefault("properties", {})
    return plain


def _plain(node: Any, shared: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_plain(inner, shared) for inner in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = shared[node["$ref"].rpartition("/")[2]]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _plain({**target, **beside}, shared)
    return {
        key: _plain(value, shared)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def _short(error: ValidationError) -> str:
    """What is wrong, in a line, without the values (they may be anything)."""
    told = [
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"[:_MESSAGE_CHARS]
        for one in error.errors(include_url=False, include_input=False)[:_ERRORS_TOLD]
    ]
    return "; ".join(told)
