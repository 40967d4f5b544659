"""A function becomes a tool, and refuses what does not fit."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import Field

from holdfast.ports import ToolContext
from holdfast.tools import Tool, ToolResult, function_tool, without_extensions
from holdfast.tools.registry import ArgumentsError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


async def paint(
    _context: ToolContext,
    colour: Annotated[
        Colour, Field(description="Which.", json_schema_extra={"x-spoken": {"red": ["reddish"]}})
    ],
    coats: Annotated[int, Field(ge=1, le=9)] = 1,
    litres: float = 0.5,
) -> ToolResult:
    return ToolResult(f"{coats} of {colour}, {litres} l")


def tool() -> Tool:
    return function_tool(
        paint,
        description="Paints.",
        title="painting",
        utterances=("paint it red",),
        openings=("It is painted",),
    )


def test_the_schema_is_plain_closed_and_bears_the_spoken_extensions() -> None:
    assert tool().definition() == {
        "type": "function",
        "name": "paint",
        "description": "Paints.",
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "colour": {
                    "type": "string",
                    "enum": ["red", "blue"],
                    "description": "Which.",
                    "x-spoken": {"red": ["reddish"]},
                },
                "coats": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
                "litres": {"type": "number", "default": 0.5},
            },
            "required": ["colour"],
            "x-title": "painting",
            "x-utterances": ["paint it red"],
            "x-openings": ["It is painted"],
        },
    }


def test_strangers_are_sent_no_extensions() -> None:
    assert "x-" not in str(without_extensions(tool().definition()))
    assert without_extensions(tool().definition())["parameters"]["required"] == ["colour"]


def test_fitting_arguments_are_read() -> None:
    assert tool().read('{"colour": "blue", "coats": 2}') == {"colour": Colour.BLUE, "coats": 2, "litres": 0.5}
    assert tool().read('{"colour": "red", "litres": 2}') == {"colour": Colour.RED, "coats": 1, "litres": 2}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("{}", "colour"),
        ('{"colour": "green"}', "colour"),
        ('{"colour": "red", "coats": "2"}', "coats"),
        ('{"colour": "red", "coats": true}', "coats"),
        ('{"colour": "red", "coats": 99}', "coats"),
        ('{"colour": "red", "customer_id": "cust-2"}', "customer_id"),
        ("[]", "arguments"),
        ("no json", "arguments"),
        ('{"colour": "red", "coats": 1e400}', ""),
        ('{"colour": "red", "litres": NaN}', "litres"),
        ('{"colour": "red", "litres": -Infinity}', "litres"),
        ('{"colour": "red", "litres": 1e400}', "litres"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(arguments: str, told: str) -> None:
    with pytest.raises(ArgumentsError) as refused:
        tool().read(arguments)

    assert told in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_refusal_does_not_repeat_the_values() -> None:
    with pytest.raises(ArgumentsError) as refused:
        tool().read('{"colour": "canary-4711", "coats": "canary-4712"}')

    assert "canary" not in str(refused.value)


def test_an_untyped_parameter_is_a_bug_of_the_author() -> None:
    async def careless(_context: ToolContext, thing) -> ToolResult:  # type: ignore[no-untyped-def] # the point
        return ToolResult(str(thing))

    function: Any = careless
    with pytest.raises(TypeError, match="thing"):
        function_tool(function, description="x")


def test_a_parameter_that_has_no_name_of_its_own_is_a_bug_of_the_author() -> None:
    async def any_number(_context: ToolContext, *things: int) -> ToolResult:
        return ToolResult(str(things))

    async def any_name(_context: ToolContext, **things: int) -> ToolResult:
        return ToolResult(str(things))

    async def by_place(_context: ToolContext, thing: int, /) -> ToolResult:
        return ToolResult(str(thing))

    for function in (any_number, any_name, by_place):
        with pytest.raises(TypeError, match="given by its name"):
            function_tool(function, description="x")
