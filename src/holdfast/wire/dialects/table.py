"""What a dialect's table consists of, and how an object is carried over by one.

What lives here: `Dialect` and its rows; `carried`, which moves fields between two shapes and says what it
left.
What never will: a server's name (`beta`, `profiles`), events on their way (`as_client`, `as_server`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

Json = dict[str, Any]
SERVERS_VOICE: Final = "default"
"""Stands for whatever voice a server has; never sent."""
Side = Literal["ga", "theirs"]


class _Nothing(Enum):
    """No value; null is one."""

    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING


@dataclass(frozen=True, slots=True)
class Converter:
    """A value in both spellings. Either way may answer `NOTHING`: the other side has no word for it."""

    theirs: Callable[[Any], Any]
    ga: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


SAME: Final = Converter(_same, _same)


@dataclass(frozen=True, slots=True)
class Field:
    """A setting that both shapes have. `inside`: the keys of its value that they know; None: all of them."""

    ga: str
    theirs: str
    convert: Converter = SAME
    inside: tuple[str, ...] | None = None


class Reply(Enum):
    """What becomes of a client's event that a server does not know."""

    DONE = "answered by the gateway as if it were done"
    REFUSED = "refused by the gateway with `not_offered_by_upstream`"
    MISSING = "answered by the gateway: the item is not known"
    SILENCE = "the gateway ends the answer for the client; the server goes on unheard"
    DROPPED = "not passed on"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server departs from the GA shape. An empty table is GA."""

    name: str
    title: str
    sources: tuple[str, ...] = ()
    """Where the facts are from."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with the upgrade."""
    server_events: Mapping[str, str] = field(default_factory=dict)
    """Their name -> GA's."""
    dropped: frozenset[str] = frozenset()
    """What they send that a GA client is not to see."""
    session: tuple[Field, ...] | None = None
    """The session's settings; None: as in GA."""
    transcription_session: tuple[Field, ...] | None = None
    """Where those of `type: transcription` are others."""
    told_session: tuple[Field, ...] | None = None
    """What the server tells of its session, where that is more than may be set."""
    transcription_update: str = "session.update"
    """Which event changes a transcription session."""
    response: tuple[Field, ...] | None = None
    """What `response.create` may override; None: as in GA."""
    told_response: tuple[Field, ...] | None = None
    """The settings of a response as the server tells them; None: as in GA."""
    anyway: Mapping[str, Any] = field(default_factory=dict)
    """GA settings that they have no word for because they are always so: it is no loss to leave one out."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """An assistant's content parts: GA's name -> theirs."""
    images: bool = True
    mcp: bool = True
    client_events: Mapping[str, Reply] = field(default_factory=dict)
    """What they do not know, and what is done instead."""
    item_fields: Mapping[str, Any] = field(default_factory=dict)
    """What an item must bear there, where it lacks it."""
    voices: tuple[str, ...] = ()
    """All voices they have; none named: any may be asked for."""
    own_voices: bool = False
    """Voices are the server's own: a client's choice is not passed on."""
    own_transcription: bool = False
    """Transcription models are the server's own: a client's choice is not passed on."""
    transcription_model: str | None = None
    """What the browser protocol asks for, if nothing is configured; None: the user's words stay unwritten."""
    greets: bool = False
    """`conversation.created` may be the first word, and no `session.created` follows."""
    repeats_event_ids: bool = False
    """An `event_id` may be empty, or one and the same for all events."""
    orders_items: bool = True
    """An item says which one it follows."""
    times_speech: bool = True
    """`speech_started` and `speech_stopped` say when."""
    commits_silently: bool = False
    """A turn's end is told by `speech_stopped` alone."""
    ends_silently: bool = False
    """An answer that is cut has no `response.done`."""
    keeps_metadata: bool = True
    """A response's metadata comes back in `response.created`."""
    out_of_band: bool = True
    """`conversation: none` is known."""
    needs_model: bool = True
    """Whether the address must name a model."""
    transcribes_only: bool = False
    """There is no conversation: `intent=transcription` is all there is."""
    notes: tuple[str, ...] = ()
    """What no row above can say, for the page."""

    @property
    def is_ga(self) -> bool:
        """Whether there is nothing to translate."""
        return self == Dialect(self.name, self.title, self.sources, notes=self.notes)


GA_SESSION: Final = (
    "instructions",
    "output_modalities",
    "audio.input.format",
    "audio.input.noise_reduction.type",
    "audio.input.noise_reduction.strength",
    "audio.input.transcription.model",
    "audio.input.transcription.language",
    "audio.input.transcription.languages",
    "audio.input.transcription.keywords",
    "audio.input.transcription.prompt",
    "audio.input.transcription.delay",
    "audio.input.turn_detection.type",
    "audio.input.turn_detection.threshold",
    "audio.input.turn_detection.prefix_padding_ms",
    "audio.input.turn_detection.silence_duration_ms",
    "audio.input.turn_detection.idle_timeout_ms",
    "audio.input.turn_detection.eagerness",
    "audio.input.turn_detection.create_response",
    "audio.input.turn_detection.interrupt_response",
    "audio.output.format",
    "audio.output.voice",
    "audio.output.speed",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "max_output_tokens",
    "tracing",
    "truncation",
    "prompt",
    "include",
)
"""Every setting of a GA session that a client may send (protocol reference, 4), as deep as one may lack."""

GA_RESPONSE: Final = (
    "instructions",
    "tools",
    "tool_choice",
    "output_modalities",
    "audio.output.format",
    "audio.output.voice",
    "conversation",
    "input",
    "metadata",
    "max_output_tokens",
    "prompt",
    "reasoning",
    "parallel_tool_calls",
)
"""What `response.create` may override (protocol reference, 6)."""


def look(tree: Any, path: str) -> Any:
    """The value at a path, or `NOTHING`."""
    for key in path.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return NOTHING
        tree = tree[key]
    return tree


def put(tree: Json, path: str, value: Any) -> None:
    """Set the value at a path."""
    *above, last = path.split(".")
    for key in above:
        tree = tree.setdefault(key, {})
    tree[last] = value


def without(tree: Json, path: str) -> bool:
    """Take a path away; gives whether it was there."""
    *above, last = path.split(".")
    for key in above:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            return False
        # A copy: the message is somebody else's, too.
        inner = tree[key] = dict(inner)
        tree = inner
    return tree.pop(last, NOTHING) is not NOTHING


def carried(source: Mapping[str, Any], fields: tuple[Field, ...], to: Side) -> tuple[Json, list[str]]:
    """An object in the other shape, and the paths (in the source's spelling) that it has no place for."""
    result: Json = {}
    left: list[str] = []
    known = {one.ga if to == "theirs" else one.theirs: one for one in fields}
    for path, value in _leaves(source, known):
        one = known.get(path)
        if one is None:
            left.append(path)
            continue
        kept = value
        if one.inside is not None and isinstance(value, dict):
            kept = {key: inner for key, inner in value.items() if key in one.inside}
            left += [f"{path}.{key}" for key in value if key not in one.inside]
            if value and not kept:
                continue
        spelled = (one.convert.theirs if to == "theirs" else one.convert.ga)(kept)
        if spelled is NOTHING:
            left.append(path)
        else:
            put(result, one.theirs if to == "theirs" else one.ga, spelled)
    return result, left


def _leaves(
    source: Mapping[str, Any], known: Mapping[str, Field], above: str = ""
) -> Iterator[tuple[str, Any]]:
    """Each value with its path: as deep as the table goes."""
    for key, value in source.items():
        path = f"{above}{key}"
        goes_deeper = any(one.startswith(f"{path}.") for one in known)
        if path not in known and goes_deeper and isinstance(value, dict):
            yield from _leaves(value, known, f"{path}.")
        else:
            yield path, value
