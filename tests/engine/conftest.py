"""What several tests of the engine share: skills of a small bank, real tools as a session brings them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from holdfast.engine.knowledge import Knowledge, Library
from holdfast.engine.options import EngineOptions
from holdfast.engine.pool import EnginePool
from holdfast.engine.sphinx import installed_model

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


@pytest.fixture(scope="session")
def library() -> Library:
    """Knows how words sound; builds what the tests teach."""
    return Library(installed_model())


@pytest.fixture
def knowledge(library: Library, bank_tools: list[Tool]) -> Knowledge:
    """What the bank's tools teach."""
    return library.build(bank_tools, "You help with loans.")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool(speech_files: Path, bank_tools: list[Tool]) -> AsyncIterator[EnginePool]:
    """One worker that is ready and knows the bank's tools."""
    pool = EnginePool(
        EngineOptions(workers=1, speech_folder=speech_files, sessions_per_worker=3), tools=bank_tools
    )
    await pool.start()
    assert pool.ready, pool.reasons
    yield pool
    await pool.close()
