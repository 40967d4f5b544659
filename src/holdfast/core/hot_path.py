"""Between a session and its lanes: what may pass after a step, what has passed before the next one.

What lives here: opening and booking. No step ever sees an account that is behind; the property tests drive
sessions through both doors.
What never will: a decision.
"""

from __future__ import annotations

from holdfast.core.effects import Tell
from holdfast.core.lanes import ACKNOWLEDGE_EVERY, PLAYED_MAX, SAID_MAX, UNBOOKED_MAX, InputLane
from holdfast.core.notices import AudioReceived
from holdfast.core.output import ItemAudio
from holdfast.core.state import State


def book(s: State, now: float) -> None:
    """Enter what passed since the last step."""
    heard = s.input_lane
    if heard.passed:
        samples = heard.end - s.received
        s.audio.take(samples, now)  # no more than there was
        s.timeline.advance(s.received, samples)
        s.kept.give(heard.passed.take()[0], s.received)
        s.received += samples
    if heard.told:
        _book_told(s, heard)
    lane, item, output = s.output_lane, s.output.current, s.output
    if lane.passed:
        pcm, sizes = lane.passed.take()
        if pcm and item is not None:
            s.window.play(output.offset + 1, item.stream, item.sent, pcm, sizes)
            item.sent = lane.end
            s.turn.last_event_at = lane.last_at
        output.offset += len(sizes)
    if heard.said:
        s.messages.take(heard.said, now)  # each counts as a message: there was room for them
        s.window.acknowledge(min(heard.acknowledged, output.offset))
        heard.said, heard.acknowledged = 0, -1


def _book_told(s: State, heard: InputLane) -> None:
    """As `audio_side.acknowledge` does, each at its moment."""
    told, heard.told = heard.told, []
    for at, position, offset in told:
        s.timeline.mark(at, position)
        s.window.tell(offset, Tell(AudioReceived(position, s.journal.durable), offset))
    s.acknowledged_at = heard.told_to


def open_lanes(s: State) -> None:
    """What may pass without a step from here on."""
    heard = s.input_lane
    heard.room = room = _room_up(s)
    heard.until = s.received + room
    heard.ahead = min(UNBOOKED_MAX, int(s.audio.level)) - room if room and _may_tell(s) else 0
    heard.told_to = s.acknowledged_at
    heard.said_max = min(SAID_MAX, int(s.messages.level))
    lane, item, response_id = s.output_lane, s.output.current, s.turn.active
    lane.offset = s.output.offset
    if item is None or response_id is None or not _may_sound(s, item):
        lane.room = lane.until = 0
    else:
        lane.generation, lane.response_id, lane.item_id = s.upstream.voice, response_id, item.item_id
        lane.room, lane.stream, lane.until = PLAYED_MAX, item.stream, item.sent + PLAYED_MAX


def _room_up(s: State) -> int:
    is_even = s.received == s.timeline.expected == s.kept.end
    if not is_even or not s.upstream.is_live or s.losses.pending is not None:
        return 0
    until_told = ACKNOWLEDGE_EVERY - (s.received - s.acknowledged_at)
    return min(until_told, int(s.audio.level))


def _may_tell(s: State) -> bool:
    """A mark in what is told again (`told_again`) is for a step."""
    is_again = s.spoken.ends_again or s.spoken.known_again
    return not is_again and s.link.is_listening and s.output.is_numbered


def _may_sound(s: State, item: ItemAudio) -> bool:
    is_heard = s.upstream.is_live and s.link.is_listening
    return is_heard and not item.is_cut and not item.tail and s.turn.silenced != s.turn.active
