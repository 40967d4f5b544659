"""The client's audio that could not take the short way (`lanes`): counted, aligned, passed on or held.

What lives here: positions, bounds, what is lost and its name.
What never will: anything about how a message looked on the wire.
"""

from __future__ import annotations

from holdfast.core.audio import SAMPLE_BYTES, SAMPLE_RATE_HZ
from holdfast.core.effects import Append
from holdfast.core.events import AudioDue, ClientAudio
from holdfast.core.faults import fault
from holdfast.core.journal_side import record_progress
from holdfast.core.lanes import ACKNOWLEDGE_EVERY, SHORT_AUDIO_BYTES, TELL_EVERY
from holdfast.core.notices import AudioReceived, Error
from holdfast.core.refusals import admitted, flooded, refuse
from holdfast.core.state import State, error_of
from holdfast.core.told_again import next_mark, passed

PROGRESS_EVERY = SAMPLE_RATE_HZ * 5
"""Tell the journal how far the input is settled every 5 s of silence; the end of a turn tells it at once."""


def audio(s: State, event: ClientAudio, now: float) -> None:
    """Count, then pass on or hold."""
    pcm = event.pcm
    size = len(pcm)
    if (size < SHORT_AUDIO_BYTES and not admitted(s, now)) or (size & 1 or not size):
        if size & 1 or not size:
            _refuse_audio(s, size, now)
        return
    if event.start is not None and event.start != s.received:
        pcm = _align(s, pcm, event.start, now)
        if not pcm:
            return
    samples = len(pcm) // SAMPLE_BYTES
    is_due = s.received + 2 * samples - s.acknowledged_at > ACKNOWLEDGE_EVERY and s.link.is_attached
    if is_due and (mark := next_mark(s)) is not None and s.received < mark < s.received + samples:
        _in_two(s, pcm, mark, now)
        return
    if not s.audio.take(samples, now):
        _drop_fast_audio(s, samples, now)
        return
    start = s.received
    s.received = start + samples
    if s.losses.pending is not None:
        s.tell_losses(s.losses.flush(now))
    if s.upstream.is_live:
        s.timeline.advance(start, samples)
        s.kept.give(pcm, start)
        s.out.append(Append(pcm, start))
    else:
        _hold(s, pcm, start, now)
    if is_due:
        passed(s, now)
        s.timeline.mark(now)
        acknowledge(s)


def _in_two(s: State, pcm: bytes, mark: int, now: float) -> None:
    """A mark in what is told again counts to the sample: what stands behind it comes after it."""
    first, size = s.received, (mark - s.received) * SAMPLE_BYTES
    audio(s, ClientAudio(pcm[:size], first), now)
    audio(s, ClientAudio(pcm[size:], mark), now)


def due(s: State, event: AudioDue, now: float) -> None:  # noqa: ARG001 - every step is called alike
    """What passed is booked; tell it if it is time, so that no message has to stop for it. Where a mark lies
    in what is told again, one must.
    """
    is_due = s.received - s.acknowledged_at >= TELL_EVERY
    if is_due and s.link.is_attached and next_mark(s) is None:
        passed(s, now)
        s.timeline.mark(now)
        acknowledge(s)


def acknowledge(s: State) -> None:
    """Tell the client what was kept, and what it may forget for good."""
    look_again(s)
    record_progress(s, every=PROGRESS_EVERY)
    s.tell(AudioReceived(s.received, s.journal.durable))


def look_again(s: State) -> None:
    """The next acknowledgement is due when it usually is, or at a mark in what is told again."""
    mark = next_mark(s)
    s.acknowledged_at = s.received if mark is None else min(s.received, mark - ACKNOWLEDGE_EVERY)


def _align(s: State, pcm: bytes, start: int, now: float) -> bytes:
    """Trim what came twice; name a gap."""
    if start > s.received:
        s.lose(s.received, start, "gap_in_client_positions", now)
        s.received = start
        return pcm
    return pcm[(s.received - start) * SAMPLE_BYTES :]


def _hold(s: State, pcm: bytes, start: int, now: float) -> None:
    if not s.link.is_attached and s.asked is None and not s.warned_no_session:
        s.warned_no_session = True
        s.note("audio.before_session", "warning")
        refuse(s, error_of("NO_SESSION_EXISTS", fault("application.no_session")), now)
    reason = "held_too_long" if s.link.is_attached else "no_session"
    for first, last in s.kept.hold(pcm, start):
        s.lose(first, last, reason, now)


def _refuse_audio(s: State, size: int, now: float) -> None:
    what = "is empty" if size == 0 else f"has an odd number of bytes ({size})"
    cause = fault("application.invalid_message", [f"audio message {what}"])
    message = f"An audio message {what}; PCM16 has two bytes a sample. It was dropped."
    refuse(s, Error("INVALID_MESSAGE", message, retryable=False, fault=cause, field="audio"), now)


def _drop_fast_audio(s: State, samples: int, now: float) -> None:
    limits = s.limits
    evidence = f"audio faster than {limits.audio_speed:g} times real time beyond {limits.audio_burst_s:g} s"
    s.lose(s.received, s.received + samples, "too_fast", now)
    s.received += samples
    if flooded(s, now):
        return
    cause = fault("application.rate_limited", [evidence])
    refuse(s, error_of("RATE_LIMITED", cause, retry_after_ms=1000), now)
