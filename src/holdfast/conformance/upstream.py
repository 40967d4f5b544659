"""Checks of a gateway whose upstream dies: nothing may be lost, doubled or forgotten.

What lives here: the group `upstream`: six properties of each scene, over what was seen in it.
What never will: playing a scene (`scenes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from holdfast.conformance.rules import audio_of, of_response, one_end_each, response_id_of, unique_ids
from holdfast.conformance.scenes import FIRST_WORDS, SCENES, Scene, Seen, play
from holdfast.conformance.talking import nothing_wrong
from holdfast.conformance.verdict import Check, Failed, Skipped
from holdfast.conformance.visit import Visit

_BYTES_PER_MS: Final = 48
_SAME_MS: Final = 900
"""Two answers that begin with so much equal sound are one answer said twice."""
_OPENING_MS: Final = 100
SILENCE_S: Final = 3.0
"""Longer than any redial of one lost line takes, far shorter than a missed ping is noticed."""

Json = Mapping[str, Any]


def survives(seen: Seen) -> list[str]:
    """The session goes on, and its next turn is answered."""
    return [seen.trouble] if seen.trouble else []


def ends_once(seen: Seen) -> list[str]:
    """Each response ended exactly once, whatever broke."""
    return one_end_each(seen.events)


def stable_ids(seen: Seen) -> list[str]:
    """No id came twice for two things, and no item vanished."""
    wrong = unique_ids(seen.events)
    created = [event for event in seen.events if event["type"] == "session.created"]
    wrong += [] if len(created) == 1 else [f"session.created came {len(created)} times"]
    wrong += [f"item {one} cannot be retrieved any more" for one in seen.lost_ids]
    return wrong + ([] if seen.asked_ids else ["no item was left to be asked for"])


def said_once(seen: Seen) -> list[str]:
    """No sound was given out twice: not inside an answer, not by two answers."""
    said = {
        response_id: audio_of(of_response(seen.events, response_id))
        for response_id in dict.fromkeys(
            response_id_of(event) for event in seen.events if event["type"] == "response.created"
        )
        if response_id is not None
    }
    wrong = [f"{one} begins again in the middle" for one, audio in said.items() if _begins_again(audio)]
    answers = list(said.items())
    for at, (first, heard) in enumerate(answers):
        for later, audio in answers[at + 1 :]:
            shared = min(len(heard), len(audio), 2 * _SAME_MS * _BYTES_PER_MS)
            if shared >= _SAME_MS * _BYTES_PER_MS and heard[:shared] == audio[:shared]:
                wrong.append(f"{later} says again what {first} said")
    return wrong + ([] if any(said.values()) else ["no sound came at all"])


def _begins_again(audio: bytes) -> bool:
    opening = audio[: _OPENING_MS * _BYTES_PER_MS]
    return bool(opening) and any(opening) and audio.find(opening, len(opening)) > 0


def remembers(seen: Seen) -> list[str]:
    """The upstream that answers in the end knows what was said in the beginning."""
    if seen.trouble:
        return [f"no upstream answered in the end: {seen.trouble}"]
    words = " ".join(
        str(part.get("text") or part.get("transcript") or "")
        for item in seen.upstream_items
        for part in item.get("content") or ()
    )
    return (
        []
        if FIRST_WORDS in words
        else [f"the last upstream knows {len(seen.upstream_items)} items: {words!r:.120}"]
    )


def promptly(seen: Seen) -> list[str]:
    """The client was not left alone for long."""
    if seen.trouble:
        return [f"nobody came back: {seen.trouble}"]
    is_long = seen.silence_s > SILENCE_S
    return [f"nothing came for {seen.silence_s:.1f} s"] if is_long else []


PROPERTIES: Final[Mapping[str, tuple[str, str, Callable[[Seen], list[str]]]]] = {
    "survives": ("the session goes on and the next turn is answered", "B1", survives),
    "ends_once": ("every response ends exactly once", "B5", ends_once),
    "stable_ids": ("ids stay, and no item vanishes", "B3", stable_ids),
    "said_once": ("no sound is given out twice", "B2", said_once),
    "remembers": ("the conversation is remembered", "B9", remembers),
    "promptly": (f"no silence is longer than {SILENCE_S:g} s", "B9", promptly),
}
"""Name -> sentence, section, what is wrong."""


class _Stage:
    """A scene that is played once in a visit, for all its properties."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._visit: Visit | None = None
        self._seen = Seen()

    async def seen(self, visit: Visit) -> Seen:
        """What was seen. Raises `Skipped` where no upstream can be broken, `Failed` where none broke."""
        if visit.target.control is None:
            raise Skipped("no --upstream-control: nobody can break this server's upstream")
        if self._visit is not visit:
            self._seen = await play(visit, self._scene)
            self._visit = visit
        if not self._seen.broken:
            raise Failed(f"the upstream was never broken here: {self._seen.trouble or 'no fault happened'}")
        return self._seen


def _checks(scene: Scene) -> list[Check]:
    stage = _Stage(scene)

    def check(name: str) -> Check:
        sentence, section, look = PROPERTIES[name]

        async def run(visit: Visit) -> str:
            seen = await stage.seen(visit)
            nothing_wrong(look(seen))
            return f"{', '.join(seen.broken)}; {seen.upstream_sessions} upstream sessions"

        return Check(f"upstream.{scene.name}.{name}", f"Upstream {scene.sentence}: {sentence}.", section, run)

    return [check(name) for name in PROPERTIES]


CHECKS: Final = tuple(check for scene in SCENES for check in _checks(scene))
