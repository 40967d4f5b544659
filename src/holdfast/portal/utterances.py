"""How customers ask for things: spoken paraphrases for each intent of the Financial Sherpa.

What lives here: the reading of `utterances.txt`, a table for people to extend. The embedded engine makes its
language model and its intents from these lines, which reach it inside the tools' schemas (`x-utterances`).
What never will: the phrases that the engine is judged by. A test keeps them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final


def read(text: str) -> dict[str, tuple[str, ...]]:
    """Lines under `[intent]` heads. Blank lines and lines that begin with `#` say nothing."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            lines = found.setdefault(line[1:-1], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return {intent: tuple(said) for intent, said in found.items()}


UTTERANCES: Final[Mapping[str, tuple[str, ...]]] = read(
    files("holdfast.portal").joinpath("utterances.txt").read_text(encoding="utf-8")
)
"""Intent (a tool's name) -> at least thirty ways to ask for it."""
