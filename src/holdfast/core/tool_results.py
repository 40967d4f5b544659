"""Results of tools on their way upstream.

What lives here: which results may be told now, and the one answer that is asked for all of them.
What never will: running a tool (`tool_side`).
"""

from __future__ import annotations

from holdfast.core.effects import AddCall, AddToolResult, Respond
from holdfast.core.state import State


def tell_results(s: State) -> None:
    """Tell upstream every result whose response has ended, then ask for one answer to them all."""
    if not s.upstream.is_live:
        return
    told = s.tools.ready(s.turn.active)
    for call in told:
        if call.known_to != s.upstream.generation:
            at, is_answering = s.timeline.expected, s.turn.awaits_response
            s.tools.tell(call, s.upstream.generation, at=at, is_answering=is_answering)
            s.out.append(AddCall(call.id, call.name, call.arguments))
        s.out.append(AddToolResult(call.id, call.output))
        s.turn.told_at = s.timeline.expected
    over = s.turn.tool_steps - s.limits.tool_steps_per_turn
    if told and over <= 1 and not s.spoken.ends_again:
        # A question that is on its way again asks for itself.
        # Past the bound the model is asked once more, without tools; a model that calls all the same is not.
        s.turn.ask(Respond(tools=over <= 0))
