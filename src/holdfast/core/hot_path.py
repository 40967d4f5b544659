"""Between a session and its lanes: what may pass after a step, what has passed before the next one.

What lives here: opening and booking. No step ever sees an account that is behind; the property tests drive
sessions through both doors.
What never will: a decision.
"""

from __future__ import annotations

from holdfast.core.lanes import ACKNOWLEDGE_EVERY, PLAYED_MAX, SAID_MAX
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
    lane, item, output = s.output_lane, s.output.current, s.output
    if lane.passed and item is not None:
        pcm, sizes = lane.passed.take()
        s.window.play(output.offset + 1, item.stream, item.sent, pcm, sizes)
        output.offset += len(sizes)
        item.sent += PLAYED_MAX - lane.room
        s.turn.last_event_at = lane.last_at
    if heard.said:
        s.messages.take(heard.said, now)  # each counts as a message: there was room for them
        s.window.acknowledge(min(heard.acknowledged, output.offset))
        heard.said, heard.acknowledged = 0, -1


def open_lanes(s: State) -> None:
    """What may pass without a step from here on."""
    s.input_lane.room = room = _room_up(s)
    s.input_lane.until = s.received + room
    s.input_lane.said_max = min(SAID_MAX, int(s.messages.level))
    lane, item, response_id = s.output_lane, s.output.current, s.turn.active
    if item is None or response_id is None or not _may_sound(s, item):
        lane.room = 0
    else:
        lane.generation, lane.response_id, lane.item_id = s.upstream.voice, response_id, item.item_id
        lane.room = PLAYED_MAX
        lane.offset, lane.stream, lane.until = s.output.offset, item.stream, item.sent + PLAYED_MAX


def _room_up(s: State) -> int:
    is_even = s.received == s.timeline.expected == s.kept.end
    if not is_even or not s.upstream.is_live or s.losses.pending is not None:
        return 0
    until_told = ACKNOWLEDGE_EVERY - (s.received - s.acknowledged_at)
    return min(until_told, int(s.audio.level))


def _may_sound(s: State, item: ItemAudio) -> bool:
    is_heard = s.upstream.is_live and s.link.is_listening
    return is_heard and not item.is_cut and not item.tail and s.turn.silenced != s.turn.active
