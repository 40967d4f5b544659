"""Every bound of the house, in one frozen place.

What lives here: numbers with their units in the name, and the reason where it is not plain.
What never will: the code that keeps them. A buffer without a line here must not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one gateway process. Settings `[limits]` mirror these fields one to one."""

    # how many
    sessions: int = 1_000
    sessions_per_ip: int = 50
    sessions_per_user: int = 5

    # sizes of single messages
    client_binary_bytes: int = 64 * 1024
    client_text_bytes: int = 256 * 1024
    trusted_client_text_bytes: int = 21 * 1024 * 1024  # 15 MiB of audio as base64, the provider's own bound
    message_fragments: int = 64
    instructions_chars: int = 4_096
    input_text_chars: int = 8_192

    # rates
    client_messages_per_s: float = 50.0
    client_messages_burst: float = 100.0
    client_flood_s: float = 10.0  # how long a flood may last before 1008
    audio_speed: float = 2.0  # times real time
    audio_burst_s: float = 45.0  # a client's whole ring may come at once after a drop

    # buffers
    input_before_session_s: float = 10.0
    input_held_s: float = 30.0  # while no upstream is ready
    commands_held: int = 32
    relay_held_bytes: int = 8 * 1024 * 1024  # `/v1/realtime` messages held while no upstream is ready
    client_outbox_bytes: int = 8 * 1024 * 1024
    upstream_outbox_bytes: int = 1024 * 1024
    conversation_items: int = 500
    item_chars: int = 16_384
    commands_remembered: int = 1_024
    tool_calls_remembered: int = 256

    # starting an upstream
    dial_s: float = 10.0
    created_s: float = 10.0
    updated_s: float = 5.0
    start_budget_s: float = 35.0  # one full wait for each of the three steps, and retries between
    response_first_s: float = 15.0  # from asking for a response to its first event
    response_stall_s: float = 10.0  # between two events of a response
    breaches: int = 3  # broken messages of one upstream in a minute before it is left
    retry_base_s: float = 0.25
    retry_cap_s: float = 5.0
    retries: int = 5

    # a session's life
    create_wait_s: float = 30.0  # a socket that never says create_session
    idle_s: float = 600.0
    session_s: float = 4 * 3600.0
    drain_s: float = 30.0

    # tools
    tool_s: float = 20.0
    tool_steps_per_turn: int = 8
    tool_result_bytes: int = 64 * 1024
    tool_arguments_bytes: int = 16 * 1024

    def narrowed(self, wanted: Mapping[str, float]) -> Limits:
        """These limits, or `wanted` where that is tighter: a ticket can take, never give."""
        tighter = {
            field.name: min(getattr(self, field.name), wanted[field.name])
            for field in fields(self)
            if field.name in wanted
        }
        return replace(self, **tighter)


DEFAULT = Limits()
