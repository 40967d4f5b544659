"""The application behind the sessions: its words and its tools.

What lives here: what an upstream is told of them. What never will: a session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Raw

from holdfast.ports import Principal, Toolbox
from holdfast.tools import without_extensions
from holdfast.wire.session_settings import tools_text


@dataclass(frozen=True, slots=True)
class Assistant:
    """The application behind the sessions: words and tools."""

    greeting: str
    instructions: Callable[[Principal, str | None], str]
    """The instructions for a customer, with what the client asked to add."""
    toolbox: Toolbox
    silence_ms: int = 500
    _written: dict[bool, Raw] = field(default_factory=dict, init=False, repr=False, compare=False)

    def tools(self, *, with_extensions: bool) -> Raw:
        """What an upstream is told of the tools: written once, for a mass loss tells all of them at once."""
        text = self._written.get(with_extensions)
        if text is None:
            offered = self.toolbox.definitions()
            told = offered if with_extensions else [without_extensions(tool) for tool in offered]
            text = self._written[with_extensions] = tools_text(told)
        return text
