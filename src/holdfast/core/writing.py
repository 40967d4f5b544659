"""Transcription sessions: what is said is written down, and nobody answers.

What lives here: when a turn is done (its words are whole), and what a fresh upstream must not tell again of a
turn that its predecessor had heard.
What never will: what is kept of the sound (`rebuild`, `kept_input`); who asks for answers (`turn`).

A turn whose words are not whole when its upstream is lost is heard again as it was said, not put into the
conversation: who only writes takes what comes through the microphone.
"""

from __future__ import annotations

from holdfast.core import rotation, watchdog
from holdfast.core.audio import samples_of_ms
from holdfast.core.events import SpeechBegan
from holdfast.core.faults import Fault
from holdfast.core.journal_side import record_items, settle
from holdfast.core.notices import UserTranscript
from holdfast.core.refusals import refuse
from holdfast.core.return_side import leave_process, may_leave
from holdfast.core.state import State, error_of


def notes(s: State) -> tuple[str, ...]:
    """What of `create_session` has no meaning here, for a person."""
    out = []
    facts = s.facts_of(s.upstream)
    asked, writes = s.options.model, s.transcription_model(facts)
    if asked is not None and asked != writes:
        out.append(f"model {asked!r} was asked for; {writes!r} of {facts.name} writes")
    if s.options.greet or s.options.voice is not None:
        out.append("nobody speaks in a transcription session: `greet` and `voice` have no meaning")
    return tuple(out)


def began_again(s: State, event: SpeechBegan) -> bool:
    """Whether a fresh upstream has come to a turn that the client knows: it goes on under its id."""
    if s.turn.is_answered:
        return False
    position = s.timeline.position(samples_of_ms(event.audio_start_ms))
    passed_over(s, position)
    turn = s.spoken.heard_again(position)
    if turn is None:
        return False
    turn.last = None
    s.aliases.bind(event.item_id, turn.item_id)
    return True


def passed_over(s: State, position: int) -> None:
    """The fresh upstream heard on, and no turn of their own in these: their words stand with the turn that it
    made of them, or there were none. Each ends for the client all the same.
    """
    for turn in s.spoken.passed_over(position):
        s.spoken.forget(turn)
        item = s.conversation.items.get(turn.item_id)
        if item is None or not item.is_final:
            s.conversation.said(turn.item_id, "", role="user", final=True)
            s.tell(UserTranscript(turn.item_id, "", final=True))
            record_items(s)


def stands_again(s: State, item_id: str) -> None:
    """The item of a turn stands, perhaps for the second time."""
    turn = s.spoken.find(item_id)
    if turn is not None:
        turn.is_heard_again = False
        s.spoken.shed()


def is_again(s: State, item_id: str) -> bool:
    """Whether this is written a second time: its first words were told, and come whole at the end."""
    turn = s.spoken.find(item_id)
    return not s.turn.is_answered and turn is not None and turn.replays > 0


def written(s: State, item_id: str, now: float) -> None:
    """The words are whole. Where nobody answers, the turn is done."""
    if s.turn.is_answered:
        return
    turn = s.spoken.find(item_id)
    if turn is not None:
        s.spoken.written(turn)
    settle(s)
    watchdog.answered(s)
    rotation.switch_when_quiet(s, now)
    if s.is_draining and may_leave(s):
        leave_process(s, now)


def failed(s: State, item_id: str, cause: Fault, now: float) -> None:
    """There will be no words: a loss, and named as one where words are all that there is."""
    if s.turn.is_answered:
        return
    turn = s.spoken.find(item_id)
    if turn is not None and turn.last is not None:
        s.lose(turn.first, turn.last, "not_transcribed", now)
    refuse(s, error_of("TRANSCRIPTION_FAILED", cause), now)
    written(s, item_id, now)
