"""What stands in a recording: ids and codes. Nothing else gets in, whichever field it comes in."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from holdfast.core import effects, events, notices, relay_effects, relay_events, relay_input, relay_mirror
from holdfast.core.faults import Fault, fault
from holdfast.flight.blanking import EVIDENCE_CHARS_MAX, Blanking, filler
from holdfast.flight.forms import CLASSES, OUR_KEYS, Former
from holdfast.flight.names import ForeignError, Reader, named
from holdfast.telemetry import Redactor

WORDS = "I am Erika Mustermann and owe nine euros"
CARD = "4111 1111 1111 1111"
KEY = "sk-canary-0123456789abcdef"
TICKET = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl"
CANARIES = (WORDS, CARD, CARD.replace(" ", ""), KEY, TICKET)
TOLD = (effects, events, notices, relay_effects, relay_events)
KINDS = [
    cls
    for module in TOLD
    for cls in vars(module).values()
    if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == module.__name__
] + [relay_input.Asked, relay_mirror.RelayItem]
OURS = {
    ("StartTimer", "name"),
    ("StopTimer", "name"),
    ("TimerFired", "name"),
    ("Note", "moment"),
    ("Record", "kind"),
}
"""What only the core itself can fill."""
BECOME_EVIDENCE = {"MessageRefused", "UpstreamErred", "Erred", "UpstreamBreached"}
"""They bear a codec's or a provider's own sentence, which becomes evidence: what it quotes is cut out."""


def filled(hint: Any, canary: str, name: str = "") -> Any:
    """A value of that type which holds the canary wherever a text may stand."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        chosen = next((one for one in inside if one is not type(None)), None)
        return filled(chosen, canary, name)
    if origin is typing.Literal:
        return inside[0]
    if origin in {tuple, list, set, frozenset}:
        parts = inside[:-1] if inside and inside[-1] is Ellipsis else inside
        return origin(filled(one, canary) for one in parts)
    if origin is not None and issubclass(origin, Mapping):
        inside_it = {canary: canary, "text": canary}
        return {"told": inside_it, "text": canary} if name in OUR_KEYS else inside_it
    simple: dict[Any, Any] = {str: canary, bytes: canary.encode(), int: 7, float: 0.5, bool: True}
    if hint in simple:
        return simple[hint]
    if hint is Any or hint is object:
        return {"deeper": [canary]}
    if hint is Fault:
        return fault("provider.closed", [f"closed: {canary}"] if canary != WORDS else [])
    if dataclasses.is_dataclass(hint):
        return of(hint, canary)  # type: ignore[arg-type] # a class
    return next(iter(hint))  # an enumeration


def of(cls: type, canary: str) -> Any:
    hints = typing.get_type_hints(cls, vars(__import__(cls.__module__, fromlist=["_"])))
    made = {
        one.name: "ours" if (cls.__name__, one.name) in OURS else filled(hints[one.name], canary, one.name)
        for one in dataclasses.fields(cls)
        if one.init
    }
    return cls(**made)


@pytest.mark.parametrize("canary", CANARIES)
def test_no_field_of_anything_that_happens_or_is_decided_lets_a_payload_in(canary: str) -> None:
    former = Former(Blanking(Redactor([KEY]).hide))
    looked_at = [cls for cls in KINDS if canary != WORDS or cls.__name__ not in BECOME_EVIDENCE]
    assert len(looked_at) > 100
    for cls in looked_at:
        form = former.form(of(cls, canary))
        for place in (msgspec.msgpack.encode(form), msgspec.json.encode(named(form))):
            assert canary.encode() not in place, cls
            assert canary.replace(" ", "").encode() not in place, cls


def test_ids_codes_and_numbers_stay() -> None:
    lost = events.UpstreamLost(3, fault("provider.closed", ["close code 1006"]), 0.25)

    assert Reader().value(named(Former(Blanking()).form(lost))) == lost


def test_what_a_sentence_quotes_is_cut_out_of_evidence() -> None:
    told = Blanking().fact(f"Invalid value: '{WORDS}' at 'item.content', from erika@example.org, {CARD}.")

    assert told == "=Invalid value: '...' at 'item.content', from ...@..., ...."


def test_the_same_text_has_the_same_placeholder_within_one_session_only() -> None:
    one, other = Blanking(), Blanking()

    assert one.placeholder(WORDS) == one.placeholder(WORDS)
    assert one.placeholder(WORDS) != one.placeholder(WORDS + "!")
    assert one.placeholder(WORDS) != other.placeholder(WORDS)


@pytest.mark.parametrize("text", ["", "a", "hello", " hello there you", "one two three", "x" * 300])
def test_a_filler_is_as_long_and_parts_where_the_text_did(text: str) -> None:
    put = filler(Blanking().placeholder(text))

    assert len(put) == len(text)
    assert put.find(" ", 1) == text.find(" ", 1)
    assert put.startswith(" ") == text.startswith(" ")
    assert bool(put.rpartition(" ")[0]) == bool(text.rpartition(" ")[0])


def test_evidence_is_bounded() -> None:
    assert len(Blanking().fact("a " * 5_000)) <= EVIDENCE_CHARS_MAX + 1


@pytest.mark.parametrize(
    "told",
    [
        "~9.4~nonsense",
        "~3.8~aaaaaaaa",
        "~99999999999.-1~aaaaaaaa",
        "#-5",
        "#99999999999",
        "#x",
        {"is": "os.system"},
        {"is": "events.UpstreamLost"},
        {"is": "faults.Fault", "code": "no.such", "evidence": [], "retry_after_s": None},
        {"is": "effects.Manner", "value": "no such"},
        {"nothing": "known"},
        {"again": 4},
        {"set": [{"list": []}]},
        {"map": [["one"]]},
    ],
)
def test_what_nobody_recorded_is_refused(told: Any) -> None:
    with pytest.raises(ForeignError):
        Reader().value(told)


def test_what_is_nested_too_deep_is_refused() -> None:
    told: Any = "x"
    for _ in range(100):
        told = [told]
    with pytest.raises(ForeignError):
        Reader().value(told)


def test_only_the_cores_classes_are_ever_made() -> None:
    assert all(cls.__module__.startswith("holdfast.core.") for cls in CLASSES.values())


def test_what_can_not_be_recorded_says_so() -> None:
    with pytest.raises(TypeError, match="function"):
        Former(Blanking()).form(lambda: None, "x")
