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
    overload_from_sessions: int = 10  # fewer are never refused for load: it is not they who make it
    descriptors_reserved: int = 64  # kept for sessions that run; with fewer left no new one begins
    sessions_per_ip: int = 50
    sessions_per_user: int = 5

    # the REST side of `/v1`
    client_secrets: int = 10_000  # that have not expired
    client_secrets_bytes: int = 16 * 1024 * 1024  # of the sessions they are bound to
    client_secret_bytes: int = 64 * 1024
    client_secrets_per_s: float = 10.0  # of one key
    client_secrets_burst: float = 200.0
    audio_requests: int = 16  # spoken or transcribed at once
    audio_request_s: float = 120.0  # until its first byte; the same between two
    speech_chars: int = 4_096
    call_offer_bytes: int = 64 * 1024  # SDP, and the session beside it
    transcription_bytes: int = 25 * 1024 * 1024
    rest_error_bytes: int = 64 * 1024  # of an upstream's refusal that are read

    # sizes of single messages
    client_binary_bytes: int = 64 * 1024
    client_text_bytes: int = 256 * 1024
    trusted_client_text_bytes: int = 21 * 1024 * 1024  # 15 MiB of audio as base64, the provider's own bound
    narrow_client_text_bytes: int = 1024 * 1024  # of a browser with a client secret
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
    append_join_ms: int = 100  # audio joined into one append while the processor is busy; 0: never
    input_replayed_s: float = 18.0  # given audio kept in silence: what a ping and its time-out hide
    window_audio_s: float = 60.0  # what a client may have missed
    window_bytes: int = 8 * 1024 * 1024
    window_messages: int = 5_000
    window_shed_bytes: int = 256 * 1024  # of it, while a client is away and memory runs short
    conversation_items: int = 500
    item_chars: int = 16_384
    commands_remembered: int = 1_024
    tool_calls_remembered: int = 256

    # an open but silent upstream
    upstream_ping_s: float = 10.0  # of quiet before a ping
    upstream_pong_s: float = 5.0

    # the journal's waiting lines
    journal_spool_lines: int = 20_000
    journal_spool_bytes: int = 32 * 1024 * 1024
    journal_close_s: float = 5.0

    # what is billed
    charges_waiting: int = 20_000  # for the database; more are counted, and not kept
    budget_customers: int = 100_000  # of one day, whose own cap is kept
    # a transcript's waiting lines
    transcript_lines: int = 10_000  # beyond, a `gap` line says how many are missing
    transcript_bytes: int = 16 * 1024 * 1024
    sound_bytes: int = 16 * 1024 * 1024  # of a recorded session's sound; beyond, silence takes its place

    # the flight recorder, for each session; it keeps two lots of steps, the newer one being filled
    flight_steps: int = 400  # of a lot; of a session with a heavy state more, up to the bytes
    flight_bytes: int = 128 * 1024
    flight_ended: int = 16  # sessions that ended, kept in memory
    flight_fresh: int = 32  # sessions whose start waits to be written down
    flight_waiting: int = 32  # recordings that wait to be written, and how many are written in a burst
    flight_writes_per_s: float = 2.0
    flight_settle_s: float = 2.0  # after a fault, so that the recording shows what came of it

    # starting an upstream
    dial_s: float = 10.0
    lookup_s: float = 2.0  # then the address that worked last stands in
    address_kept_s: float = 300.0  # how long after an upstream answered there
    created_s: float = 10.0
    updated_s: float = 5.0
    start_budget_s: float = 35.0  # one full wait for each of the three steps, and retries between
    response_first_s: float = 15.0  # from asking for a response to its first event
    response_stall_s: float = 10.0  # between two events of a response
    unheard_s: float = 5.0  # an upstream has to tell of the user's speech; 0: nobody listens whether it does
    unheard_speech_s: float = 1.5  # so much speech at least, within two of these times
    listens_per_s: float = 0.2  # how often a process listens to one session's input; four may come at once
    breaches: int = 3  # broken messages of one upstream in a minute before it is left

    # dialling again: all sessions share one account for each upstream
    retry_base_s: float = 0.25
    retry_cap_s: float = 5.0
    retry_tokens: float = 100.0  # of each upstream; a failed dial costs one
    retry_tokens_least: float = 50.0  # retries only while there are more
    retry_token_gain: float = 0.1  # for a dial that went live
    retry_tokens_per_s: float = 0.1  # sessions are long: by successes alone a quiet node would wait weeks
    retry_share: float = 0.2  # of the live upstreams, how many retries may be under way at once
    retry_floor: int = 3  # and never fewer
    spread_s: float = 2.0  # over which a mass loss is spread
    spread_links: int = 10  # a mass loss is more than so many within a second
    spread_share: float = 0.05  # and more than this share of the live upstreams
    breaker_failures: int = 5  # failed dials in a row
    breaker_open_s: float = 5.0  # doubled by each failed probe
    breaker_cap_s: float = 60.0
    breaker_alone_s: float = 4.0  # the cap where no other upstream could be used
    throttle_s: float = 1.0  # where a provider says "slow down" and no time; doubled
    throttle_cap_s: float = 30.0
    refused_s: float = 60.0  # a key that was refused is left alone by all sessions
    return_s: float = 60.0  # before sessions go back to a better upstream
    outage_wait_s: float = 5.5  # of a new session, once no upstream could be reached for a recovery budget
    patience_s: float = 4.0  # for a probe, whose answer others wait for, and a dial with another to turn to
    slow_dial_s: float = 2.0  # a dial that takes longer to fail sends its session to the next upstream

    # holding the line
    recovery_budget_s: float = 15.0  # from the loss of a live upstream until the client is told the end
    recovering_told_s: float = 0.3  # a shorter trouble is nobody's business
    live_settled_s: float = 2.0  # a link that dies younger spends the budget of the recovery that made it
    turn_replays: int = 2  # how often a spoken turn is told again before it is given up by name
    response_reasks: int = 1
    response_notice_s: float = 3.0  # a response that keeps the user waiting longer is named
    server_errors: int = 3  # error events of the provider's own within a minute before the link is left
    reask_wait_s: float = 0.5
    upstream_life_s: float = 3600.0  # where the upstream announces no end
    rotate_look: float = 0.83  # share of an upstream's life from which a quiet moment is looked for
    rotate_force: float = 0.95
    return_look_s: float = 15.0  # how often a session on a less preferred upstream looks for the better one
    drain_busy_s: float = 10.0  # how long a stopping process lets a sentence be finished

    # a client that comes back
    resume_window_s: float = 120.0
    upstream_alone_s: float = 30.0  # an upstream without a client costs money
    open_utterance_s: float = 3.0  # how long the half sentence of a client without positions waits for it
    return_continue_s: float = 3.0  # after a longer absence the answer is cut where it was heard
    resumes_per_10_s: int = 5
    client_ring_s: float = 45.0  # what a client should keep

    # a session's life
    create_wait_s: float = 30.0  # a socket that never says create_session
    idle_s: float = 600.0
    session_s: float = 4 * 3600.0
    drain_s: float = 30.0
    goodbye_s: float = 20.0  # from a spent budget to the end: what is being said, and a goodbye

    # the console: what an operator may look at
    console_sessions: int = 2_000  # live ones that are followed; one beyond is counted, not shown
    console_ended: int = 200  # that ended lately
    console_entries: int = 200  # lines of a session's timeline, the newest
    console_turns: int = 50  # of a session, the newest
    console_faults_of_session: int = 20
    console_faults: int = 500  # of all sessions
    console_watchers: int = 16  # streams that are open at once
    console_stream_messages: int = 8  # that wait for one watcher; then it starts over with a snapshot
    console_log_lines: int = 2_000  # of the whole log, for the bundles of sessions

    # tools
    tool_s: float = 20.0
    tool_steps_per_turn: int = 8
    tool_result_bytes: int = 64 * 1024
    tool_arguments_bytes: int = 16 * 1024

    def narrowed(self, wanted: Mapping[str, float]) -> Limits:
        """These limits, or `wanted` where that is tighter: a ticket can take, never give."""
        if not wanted:
            return self
        tighter = {
            field.name: min(getattr(self, field.name), wanted[field.name])
            for field in fields(self)
            if field.name in wanted
        }
        return replace(self, **tighter)


DEFAULT = Limits()
