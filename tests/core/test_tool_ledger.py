"""Each call at most once, each result told once, whatever an upstream repeats."""

from __future__ import annotations

from holdfast.core.tool_ledger import Call, CallPhase, ToolLedger


def opened(
    it: ToolLedger, call_id: str, response: str = "r1", generation: int = 1, words: str = "{}"
) -> Call:
    call = it.open(call_id, "look", words, response, generation)
    assert call is not None
    return call


def finished(it: ToolLedger, call_id: str, output: str = "42") -> None:
    """Run it and make its result durable."""
    it.may_start(call_id)
    for call in it.returned(call_id, output):
        call.phase = CallPhase.RETURNED


def ids(calls: list[Call]) -> list[str]:
    return [call.id for call in calls]


def test_a_call_is_entered_once_and_starts_once() -> None:
    it = ToolLedger(8)
    call = opened(it, "c1")
    assert it.open("c1", "look", "{}", "r9", 9) is None
    assert (call.phase, call.known_to, call.repeats, call.turn) == (CallPhase.INTENDED, 1, None, 0)
    assert it.may_start("c1") is call
    assert it.may_start("c1") is None
    assert it.may_start("unknown") is None


def test_a_result_counts_once_and_only_for_an_open_call() -> None:
    it = ToolLedger(8)
    call = opened(it, "c1")
    it.may_start("c1")
    assert it.returned("c1", "first") == [call]
    assert (call.output, call.phase) == ("first", CallPhase.RETURNING)
    assert it.returned("c1", "second") == []
    assert it.returned("unknown", "x") == []
    assert call.output == "first"


def test_a_call_may_end_before_it_was_started() -> None:
    it = ToolLedger(8)
    call = opened(it, "c1")
    assert it.returned("c1", "refused") == [call]


def test_results_are_told_when_their_response_has_ended_and_all_its_calls_have_returned() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    opened(it, "c2", words="{2}")
    opened(it, "c3", response="r2")
    finished(it, "c1")
    finished(it, "c3")
    assert ids(it.ready("r2")) == []
    assert ids(it.ready("r1")) == ["c3"]
    finished(it, "c2")
    assert ids(it.ready("r1")) == []
    assert ids(it.ready(None)) == ["c1", "c2"]
    assert it.ready(None) == []


def test_a_result_that_is_not_durable_is_not_told() -> None:
    it = ToolLedger(8)
    call = opened(it, "c1")
    it.may_start("c1")
    it.returned("c1", "42")
    assert (it.ready(None), it.running) == ([], [call])
    call.phase = CallPhase.RETURNED
    assert (it.running, it.ready(None)) == ([], [call])


def test_a_call_that_the_next_upstream_repeats_gets_the_result_and_does_not_run() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    it.may_start("c1")
    again = opened(it, "c2", "r2", generation=2)
    assert again.repeats == "c1"
    assert it.may_start("c2") is None
    assert again.phase is CallPhase.RUNNING
    assert ids(it.returned(f"c{1}", "42")) == ["c1", "c2"]
    assert (again.output, again.phase) == ("42", CallPhase.RETURNING)


def test_a_call_repeated_within_the_turn_gets_the_result_that_was_told_already() -> None:
    it = ToolLedger(8)
    first = opened(it, "c1")
    finished(it, "c1")
    it.ready(None)
    assert first.phase is CallPhase.TOLD
    assert opened(it, "c2", "r2", generation=2).repeats == "c1"


def test_what_a_later_upstream_was_told_counts_whatever_its_number() -> None:
    it = ToolLedger(8)
    opened(it, "c1", generation=999).known_to = int("1000")
    it.turn += 1
    assert opened(it, "c2", "r2", generation=int("1000")).repeats is None


def test_a_twin_that_has_its_result_gets_no_second_one() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    again = opened(it, "c2", "r2", generation=2)
    assert ids(it.returned("c2", "timeout")) == ["c2"]
    assert ids(it.returned("c1", "42")) == ["c1"]
    assert again.output == "timeout"


def test_the_same_upstream_may_make_the_same_call_twice() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    assert opened(it, "c2").repeats is None


def test_other_words_are_another_call() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    assert opened(it, "c2", "r2", generation=2, words='{"other": 1}').repeats is None
    other = it.open("c3", "write", "{}", "r2", 2)
    assert other is not None
    assert other.repeats is None


def test_a_repetition_of_a_repetition_repeats_the_first() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    opened(it, "c2", "r2", generation=2)
    assert opened(it, "c3", "r3", generation=3).repeats == "c1"
    opened(it, "c4", "r4", words="{4}")
    assert it.made_by("c1") == {"r1", "r2", "r3"}


def test_a_later_turn_may_ask_again_what_this_upstream_knows_or_what_was_answered() -> None:
    it = ToolLedger(8)
    answered = opened(it, "c1")
    finished(it, "c1")
    it.ready(None)
    running = opened(it, "c2", words="{2}")
    running.known_to = 2
    it.turn += 1
    assert answered.phase is CallPhase.TOLD
    assert opened(it, "c3", "r3", generation=2).repeats is None
    assert opened(it, "c4", "r3", generation=2, words="{2}").repeats is None


def test_a_later_turn_gets_the_result_of_a_call_of_which_this_upstream_was_not_told() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    it.turn += 1
    assert opened(it, "c2", "r2", generation=2).repeats == "c1"


def test_a_result_on_its_way_to_an_upstream_counts_for_the_turn_that_it_hears_first() -> None:
    it = ToolLedger(8)
    opened(it, "c1")
    finished(it, "c1")
    it.turn += 1
    assert opened(it, "c2", "r2", generation=2).repeats == "c1"


def test_the_oldest_call_that_was_told_is_forgotten_before_one_that_runs() -> None:
    it = ToolLedger(3)
    for number in (1, 2, 3):
        opened(it, f"c{number}", words=str(number))
    finished(it, "c2")
    it.ready(None)
    assert ids(it.ready(None)) == []
    it.calls["c2"].phase = CallPhase.TOLD
    opened(it, "c4", words="4")
    assert list(it.calls) == ["c1", "c3", "c4"]
    opened(it, "c5", words="5")
    assert list(it.calls) == ["c3", "c4", "c5"]


def test_who_ends_hears_of_what_its_client_saw_begin_and_not_end() -> None:
    it = ToolLedger(8)
    opened(it, "intended", words="1")
    opened(it, "running", words="2")
    it.may_start("running")
    opened(it, "returning", words="3")
    it.returned("returning", "42")
    opened(it, "repeats", "r2", generation=2, words="2")
    opened(it, "returned", words="5")
    finished(it, "returned")
    assert ids(it.abandon()) == ["intended", "running"]
    assert it.running == []
    assert ids(it.ready(None)) == ["returned"]
    assert it.abandon() == []


def test_a_response_is_known_by_its_calls() -> None:
    it = ToolLedger(8)
    opened(it, "c1", "r1")
    assert [it.is_from(f"r{number}") for number in (0, 1, 2)] == [False, True, False]


def test_who_is_told_of_a_call_knows_of_it_from_the_next_response_on() -> None:
    for is_answering, unknown in ((False, [True, False, False, False]), (True, [True, True, False, False])):
        it = ToolLedger(8, responses=3)
        call = opened(it, "c1")
        it.turn += 1
        it.tell(call, 2, at=100, is_answering=is_answering)
        repeats = []
        for number in range(4):
            repeats.append(opened(it, f"again{number}", "r2", generation=2).repeats == "c1")
            it.responses += 1
        assert repeats == unknown


def test_a_late_end_of_a_turn_puts_off_only_what_was_told_after_it() -> None:
    for position, unknown in ((99, [True, True, False]), (100, [True, False, False])):
        it = ToolLedger(8, responses=3)
        call = opened(it, "c1")
        it.turn += 1
        it.tell(call, 2, at=100, is_answering=False)
        it.turn_ended(position)
        repeats = []
        for number in range(3):
            repeats.append(opened(it, f"again{number}", "r2", generation=2).repeats == "c1")
            it.responses += 1
        assert repeats == unknown


def test_an_answer_behind_the_results_leaves_none_to_tell() -> None:
    it = ToolLedger(8)
    opened(it, "returned")
    finished(it, "returned")
    running = opened(it, "running", "r2", words="{2}")
    it.all_told()
    assert (it.ready(None), it.running) == ([], [running])
