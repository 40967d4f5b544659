"""The application behind the sessions: its words and its tools.

What lives here: what an upstream is told of them, and what a tool gives back. What never will: a session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec import Raw

from holdfast.core.effects import RunTool
from holdfast.core.events import ToolReturned
from holdfast.core.faults import fault
from holdfast.ports import Principal, Toolbox, ToolContext
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

    async def call(self, asked: RunTool, session_id: str, principal: Principal) -> ToolReturned:
        """Carry out a tool; whatever becomes of it is an event."""
        context = ToolContext(
            session_id=session_id,
            call_id=asked.call_id,
            customer_id=principal.customer_id,
            customer_name=principal.customer_name,
            last_reply=asked.last_reply,
        )
        outcome = await self.toolbox.call(asked.name, asked.arguments, context)
        action = outcome.client_action
        return ToolReturned(
            asked.call_id,
            outcome.output,
            outcome.status,
            None if action is None else (action.action, action.target, action.arguments),
            outcome.end_session,
            None if outcome.fault is None else fault(outcome.fault),
        )
