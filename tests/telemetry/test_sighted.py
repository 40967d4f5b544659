"""From sightings to figures: what a duration is measured between, and that nothing is remembered for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pytest

from holdfast.core.faults import fault
from holdfast.core.leaving import REASON
from holdfast.ports import sightings as seen
from holdfast.ports.sightings import Sighting, Watched
from holdfast.telemetry import LABELS
from holdfast.telemetry.metrics import Metrics
from holdfast.telemetry.sighted import OPEN_MAX, MetricsWatch

LOST = fault("provider.server_error")


class Told:
    """A watch, and what its figures are after some sightings of one session."""

    def __init__(self, source: Literal["browser", "realtime"] = "browser") -> None:
        self.metrics = Metrics({"upstream": ["one", "two"], "tool": ["balance"]})
        self.watch = MetricsWatch(self.metrics)
        self.session = Watched("hf_1", source, "C-1")

    def saw(self, *sightings: tuple[float, Sighting]) -> Told:
        for at, sighting in sightings:
            self.watch.saw(self.session, sighting, at)
        return self

    def value(self, name: str, *labels: str) -> float:
        values = [
            one.value
            for family in self.metrics.families()
            for one in family.samples
            if one.name == name and tuple(one.labels.values()) == labels
        ]
        return values[0] if values else 0.0


def dialled(generation: int, upstream: str) -> seen.Noted:
    return seen.Noted("upstream.connecting", "info", {"generation": generation, "upstream": upstream})


def live(generation: int, upstream: str, how: str = "first") -> seen.UpstreamLive:
    return seen.UpstreamLive(generation, upstream, "openai", "m", "sess_1", how)  # type: ignore[arg-type] # one of three


def test_the_segments_of_a_silence_add_up() -> None:
    told = Told().saw(
        (0.0, seen.Began()),
        (1.0, seen.TurnBegan("i", 0)),
        (2.0, seen.TurnEnded("i", 24_000)),
        (2.5, seen.ResponseBegan("r1")),  # calls a tool and says nothing
        (2.6, seen.ResponseEnded("r1", "completed")),
        (3.0, seen.ResponseBegan("r2")),
        (3.2, seen.FirstSound("r2", "a")),
        (3.9, seen.FirstSound("r2", "b")),
    )

    name = "holdfast_turn_seconds_sum"
    assert told.value(name, "browser", "thinking") == pytest.approx(0.5)
    assert told.value(name, "browser", "speaking") == pytest.approx(0.7)
    assert told.value(name, "browser", "whole") == pytest.approx(1.2)
    assert told.value("holdfast_turn_seconds_count", "browser", "whole") == 1


def answered(*more: tuple[float, Sighting]) -> Told:
    """A turn that the upstream saw end at 2 s, 300 ms after its last word; an answer 1.2 s later."""
    return Told().saw(
        (1.0, seen.TurnBegan("i", 0)),
        (2.0, seen.TurnEnded("i", 24_000, received=31_200)),
        (2.5, seen.ResponseBegan("r")),
        (3.2, seen.FirstSound("r", "a")),
        *more,
    )


def test_what_a_client_measures_is_made_of_five_parts() -> None:
    heard = seen.SilenceHeard("a", spoke_until=24_000, received_at=61_200, heard_at=63_600)
    told = answered((3.4, heard), (3.5, heard))

    name = "holdfast_turn_seconds_sum"
    parts = ("endpointing", "thinking", "speaking", "network", "playback")
    values = [told.value(name, "browser", part) for part in parts]
    assert values == pytest.approx([0.3, 0.5, 0.7, 0.05, 0.1])
    assert told.value(name, "browser", "heard") == pytest.approx(sum(values)), (
        "once, however often it is told"
    )


@pytest.mark.parametrize(
    "heard",
    [
        seen.SilenceHeard("b", 24_000, 61_200, 63_600),
        seen.SilenceHeard("a", 24_000, 61_200, 10),
        seen.SilenceHeard("a", 24_000, 61_200, 24_000 * 100),
        seen.SilenceHeard("a", 60_000, 61_200, 63_600),
    ],
)
def test_what_cannot_be_true_is_not_believed(heard: seen.SilenceHeard) -> None:
    assert answered((3.4, heard)).value("holdfast_turn_seconds_count", "browser", "heard") == 0


def test_who_goes_on_speaking_was_not_waiting() -> None:
    told = Told().saw(
        (2.0, seen.TurnEnded("i", 1)),
        (2.1, seen.TurnBegan("j", 2)),
        (2.2, seen.ResponseBegan("r")),
        (2.3, seen.FirstSound("r", "a")),
    )

    assert told.value("holdfast_turn_seconds_count", "browser", "whole") == 0


def test_an_upstream_from_its_dial_to_its_loss_and_the_next() -> None:
    told = Told().saw(
        (0.0, seen.Began()),
        (1.0, dialled(1, "one")),
        (1.4, live(1, "one")),
        (9.0, seen.UpstreamLost(1, LOST, was_live=True)),
        (9.1, dialled(2, "one")),
        (9.2, seen.UpstreamLost(2, fault("provider.unreachable"), was_live=False)),
        (9.5, dialled(3, "two")),
        (10.0, live(3, "two", "rebuilt")),
        (20.0, dialled(4, "one")),
        (50.0, live(4, "one", "rotated")),
        (60.0, dialled(5, "one")),
        (61.0, seen.Noted("upstream.successor_lost", "warning", {"fault": "provider.closed"})),
    )

    assert told.value("holdfast_dials_total", "one", "none") == 2
    assert told.value("holdfast_dials_total", "one", "provider.unreachable") == 1
    assert told.value("holdfast_dials_total", "one", "provider.closed") == 1
    assert told.value("holdfast_dials_total", "two", "none") == 1
    assert told.value("holdfast_dial_seconds_sum", "one") == pytest.approx(0.4)
    assert told.value("holdfast_upstream_lost_total", "one", "provider.server_error", "provider") == 1
    assert told.value("holdfast_rebuild_seconds_sum", "two") == pytest.approx(1.0)


def test_what_an_upstream_says_that_it_used_is_a_strangers_word() -> None:
    usage = {
        "input_token_details": {
            "text_tokens": 7,
            "audio_tokens": -1,
            "cached_tokens": 3,
            "image_tokens": "x",
        },
        "output_token_details": None,
    }
    told = Told().saw(
        (0.0, dialled(1, "one")),
        (0.1, live(1, "one")),
        (1.0, seen.ResponseEnded("r", "completed", usage=usage)),
        (2.0, seen.WordsOfUser("i", "words", {"type": "tokens", "input_tokens": 5, "output_tokens": 2})),
        (3.0, seen.WordsOfUser("j", "words", {"type": "duration", "seconds": 1.5})),
    )

    assert told.value("holdfast_tokens_total", "one", "input_text") == 7
    assert told.value("holdfast_tokens_total", "one", "input_cached") == 3
    assert told.value("holdfast_tokens_total", "one", "transcription_input") == 5
    assert told.value("holdfast_tokens_total", "one", "input_audio") == 0


def test_a_client_leaves_comes_back_and_ends() -> None:
    told = Told().saw(
        (0.0, seen.Began()),
        (5.0, seen.ClientAway(1006)),
        (7.0, seen.ClientBack(recovered=True)),
        (8.0, seen.Interrupted("r", "a", 100)),
        (8.1, seen.ToolBegan("c", "balance")),
        (8.4, seen.ToolEnded("c", "balance", "ok")),
        (8.5, seen.AudioWasLost("input", 10, 34, "too_fast")),
        (9.0, seen.Ended("ended_by_client")),
    )

    assert told.value("holdfast_away_seconds_sum", "browser") == pytest.approx(2.0)
    assert told.value("holdfast_resumes_total", "browser", "yes") == 1
    assert told.value("holdfast_interruptions_total", "browser") == 1
    assert told.value("holdfast_tool_seconds_sum", "balance") == pytest.approx(0.3)
    assert told.value("holdfast_audio_lost_samples_total", "up", "too_fast") == 24
    assert told.value("holdfast_sessions_ended_total", "browser", "ended_by_client", "none") == 1
    assert told.value("holdfast_session_seconds_sum", "browser") == pytest.approx(9.0)
    assert len(told.watch) == 0, "nothing is remembered of who has ended"


def test_a_fault_that_several_moments_of_a_step_tell_is_counted_once() -> None:
    told = Told().saw(
        (1.0, seen.FaultMet(LOST, "upstream.reconnecting")),
        (1.0, seen.FaultMet(LOST, "session.failed")),
        (1.0, seen.FaultMet(LOST, "session.ended")),
        (2.0, seen.FaultMet(LOST, "upstream.reconnecting")),
    )

    assert told.value("holdfast_faults_total", LOST.code, "provider") == 2


def test_a_relays_end_and_its_losses_have_the_same_words_as_everybodys() -> None:
    told = Told("realtime").saw(
        (0.0, seen.Began()),
        (1.0, seen.Noted("audio.lost", "warning", {"from_ms": 100, "to_ms": 350, "reason": "upstream_lost"})),
        (1.0, seen.AudioWasLost("input", 2_400, 8_400, "upstream_lost")),
        (9.0, seen.Ended("session.ended", LOST)),
    )

    assert told.value("holdfast_audio_lost_samples_total", "up", "upstream_lost") == 6_000
    code = "provider.server_error"
    assert told.value("holdfast_sessions_ended_total", "realtime", "fault", code) == 1


def test_every_reason_that_the_core_has_for_an_end_is_known(project: Path) -> None:
    sources = "".join(path.read_text() for path in (project / "src/holdfast/core").glob("*.py"))
    named = set(re.findall(r'\bending\.end\(s, "([a-z_]+)"', sources))
    named |= set(re.findall(r'\n {4,8}end\(s, "([a-z_]+)"', sources)) | {REASON}

    assert len(named) > 8
    assert named <= (LABELS["reason"].values or frozenset())


def test_what_never_ends_is_bounded() -> None:
    def without_end() -> Iterable[tuple[float, Sighting]]:
        for number in range(10 * OPEN_MAX):
            yield 0.0, dialled(number, "one")
            yield 0.0, seen.ResponseBegan(f"r{number}")
            yield 0.0, seen.ToolBegan(f"c{number}", "balance")

    told = Told().saw(*without_end())

    (its,) = told.watch._seen.values()
    assert [len(kept) for kept in (its.dials, its.responses, its.tools)] == [OPEN_MAX] * 3
