"""What several tests of the engine share: skills of a small bank, real tools as a session brings them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

Tool = Mapping[str, Any]


def tool(name: str, title: str, *utterances: str, enum: Mapping[str, list[str]] | None = None) -> Tool:
    """A function tool as `session.update` bears it."""
    parameters: dict[str, Any] = {"type": "object", "properties": {}, "x-title": title}
    parameters["x-utterances"] = list(utterances)
    if enum is not None:
        parameters["properties"]["term"] = {"type": "string", "enum": list(enum), "x-spoken": dict(enum)}
        parameters["required"] = ["term"]
    return {"type": "function", "name": name, "description": f"Tells {title}.", "parameters": parameters}


@pytest.fixture(scope="session")
def bank_tools() -> list[Tool]:
    """Four tools, one of them with a closed list of terms."""
    return [
        tool("balance", "your balance", "what is my balance", "how much do i owe", "how much is still open"),
        tool("next_payment", "your next payment", "when is my next payment", "when do i have to pay next"),
        tool(
            "explain_term",
            "explaining a term",
            "what does principal mean",
            "explain a term",
            "what is the annual percentage rate",
            enum={"annual percentage rate": ["a p r", "apr"], "principal": ["loan amount"]},
        ),
        tool("goodbye", "ending our talk", "good bye", "thank you bye", "that is all"),
    ]
