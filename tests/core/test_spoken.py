"""The user's turns that nobody has answered: where each begins and ends, and whether an answer is owed."""

from __future__ import annotations

from holdfast.core.spoken import Spoken


def spoken(*turns: tuple[str, int, int]) -> Spoken:
    """Turns that are over."""
    it = Spoken()
    for item_id, first, last in turns:
        it.begin(item_id, first)
        it.end(last)
    return it


def places(it: Spoken) -> list[tuple[str, int, int | None]]:
    return [(turn.item_id, turn.first, turn.last) for turn in it.turns]


def test_a_turn_is_owed_an_answer_from_its_end_until_somebody_answers() -> None:
    it = Spoken()
    turn = it.begin("a", 100)
    assert (turn.replays, turn.is_by_hand, turn.awaits) == (0, False, False)
    assert (it.open, it.owed) == (turn, [])
    assert it.end(300) is turn
    assert (it.open, it.owed) == (None, [turn])
    assert it.end(400) is None
    it.answering("r1")
    assert it.owed == []
    assert it.find("a") is turn
    it.answered("r1")
    assert (it.find("a"), it.settled) == (None, 300)


def test_a_turn_never_reaches_back_into_the_one_before() -> None:
    it = spoken(("a", 100, 300))
    it.begin("b", 200)
    it.end(250)
    it.begin("c", 400)
    it.end(350)
    assert places(it) == [("a", 100, 300), ("b", 300, 300), ("c", 400, 400)]


def test_a_turn_never_reaches_back_into_what_is_settled() -> None:
    it = spoken(("a", 100, 300))
    it.answering("r1")
    it.answered("r1")
    it.begin("b", 200)
    assert places(it) == [("b", 300, None)]


def test_a_turn_that_was_still_open_ends_where_the_next_one_begins() -> None:
    it = Spoken()
    it.begin("a", 100)
    it.begin("b", 200)
    assert places(it) == [("a", 100, 200), ("b", 200, None)]
    it.begin("c", 150)
    assert places(it) == [("a", 100, 200), ("b", 200, 200), ("c", 200, None)]


def test_a_turn_ended_by_hand_lies_behind_all_others() -> None:
    it = spoken(("a", 100, 300))
    it.begin("b", 350)
    by_hand = it.add("c", 400, 600)
    assert places(it) == [("a", 100, 300), ("b", 350, 400), ("c", 400, 600)]
    assert by_hand.is_by_hand
    it.begin("d", 700)
    it.add("e", 650, 640)
    assert places(it)[3:] == [("d", 700, 700), ("e", 700, 700)]


def test_a_typed_turn_is_owed_an_answer_and_has_no_length() -> None:
    it = spoken(("a", 100, 300))
    it.typed("t", 900)
    assert [turn.item_id for turn in it.owed] == ["a", "t"]
    assert (it.needed_from(), it.unheard_from()) == (100, 300)
    it.answering("r1")
    it.answered("r1")
    assert (places(it), it.settled) == ([], 300)


def test_a_response_answers_all_that_is_over_and_nothing_that_is_being_spoken() -> None:
    it = spoken(("a", 0, 100), ("b", 100, 200))
    open_turn = it.begin("c", 200)
    it.answering("r1")
    it.answered("r1")
    assert list(it.turns) == [open_turn]
    assert open_turn.response_id is None


def test_what_somebody_is_answering_is_not_taken_by_the_next_response() -> None:
    it = spoken(("a", 0, 100))
    it.answering("r1")
    it.begin("b", 100)
    it.end(200)
    it.answering("r2")
    it.answered("r2")
    assert places(it) == [("a", 0, 100)]
    it.reopen("r2")
    assert it.owed == []
    it.reopen("r1")
    assert [turn.item_id for turn in it.owed] == ["a"]


def test_turns_and_responses_are_known_by_their_whole_names() -> None:
    names = ("a", "c", "b")
    it = spoken(*((f"item_{name}", 0, 0) for name in names))
    for turn, name in zip(it.turns, names, strict=True):
        turn.response_id = f"resp_{name}"
    found = it.find("item_{}".format("b"))
    assert found is it.turns[2]
    middle = "resp_{}".format("b")
    it.called_tools(middle)
    assert [turn.is_through_tools for turn in it.turns] == [False, False, True]
    it.reopen(middle)
    assert it.owed == [found]
    it.answered("resp_{}".format("c"))
    assert [turn.item_id for turn in it.turns] == ["item_a", "item_b"]


def test_an_answer_that_waits_for_tools_comes_with_the_next_response() -> None:
    it = spoken(("a", 0, 100), ("b", 100, 200))
    it.turns[1].response_id = "other"
    it.answering("r1")
    it.called_tools("r1")
    assert [turn.is_through_tools for turn in it.turns] == [True, False]
    assert it.owed == []
    it.answering("r2")
    assert [(turn.response_id, turn.is_through_tools) for turn in it.turns] == [
        ("r2", False),
        ("other", False),
    ]


def test_who_calls_again_for_a_turn_takes_its_wait_over() -> None:
    it = spoken(("a", 0, 100), ("b", 100, 200), ("c", 200, 300))
    for turn, response_id in zip(it.turns, ("r1", "other", "r1"), strict=True):
        turn.response_id = response_id
    it.called_tools("other")
    it.called_again({"r0", "r1"}, "r2")
    assert [turn.response_id for turn in it.turns] == ["r1", "other", "r1"], "who answers waits for no tool"
    it.called_tools("r1")
    it.called_again({"r0", "r1"}, "r2")
    assert [(turn.response_id, turn.called_by) for turn in it.turns] == [
        ("r2", "r2"),
        ("other", "other"),
        ("r2", "r2"),
    ]
    it.answering("r3", {"r2", "other"})
    it.missed("r2", {"r2", "other"})
    assert [turn.response_id for turn in it.turns] == ["r2", "other", "r2"]
    it.answering("r4", {"other"})
    assert [turn.response_id for turn in it.turns] == ["r4", "other", "r4"]


def test_a_refused_request_leaves_no_debt_for_what_is_over() -> None:
    it = spoken(("a", 0, 100))
    open_turn = it.begin("b", 150)
    it.answered_all()
    assert (list(it.turns), it.settled) == ([open_turn], 100)


def test_a_turn_that_is_given_up_is_settled_alone() -> None:
    it = spoken(("a", 0, 100), ("b", 100, 200))
    it.forget(it.turns[0])
    assert (places(it), it.settled) == ([("b", 100, 200)], 100)
    it.forget(it.turns[0])
    assert it.settled == 200


def test_who_takes_back_what_it_said_takes_back_the_open_turn_only() -> None:
    it = spoken(("a", 0, 100))
    it.begin("b", 150)
    it.clear(400)
    assert (places(it), it.settled) == ([("a", 0, 100)], 400)
    it.clear(300)
    assert it.settled == 400


def test_settled_never_moves_back() -> None:
    it = spoken(("a", 0, 100), ("b", 100, 200))
    it.forget(it.turns[1])
    it.forget(it.turns[0])
    assert it.settled == 200


def test_audio_is_needed_from_the_first_unanswered_turn_on() -> None:
    it = Spoken()
    assert (it.needed_from(), it.needed_from(50), it.needed_from(0)) == (0, 50, 0)
    it.begin("a", 100)
    assert (it.needed_from(), it.needed_from(50), it.unheard_from()) == (100, 100, 100)
    it.end(300)
    assert it.unheard_from() == 300
    it.begin("b", 400)
    assert (it.needed_from(), it.unheard_from()) == (100, 400)
    it.answered_all()
    assert it.needed_from() == 400
    it.clear(500)
    assert (it.needed_from(), it.unheard_from()) == (500, 500)


def test_an_answer_in_the_making_is_not_about_what_was_given_meanwhile() -> None:
    it = spoken(("a", 100, 300))
    it.typed("t", 300)
    it.missed(None)
    it.answering("own")
    it.answered("own")
    assert [turn.item_id for turn in it.owed] == ["t"]
    it.answering("asked")
    assert it.owed == []


def test_an_answer_that_had_begun_gives_back_what_was_given_after_it() -> None:
    it = spoken(("a", 100, 300))
    it.answering("r1")
    it.called_tools("r1")
    it.begin("b", 400)
    it.end(500)
    it.typed("t", 500)
    it.answering("own")
    it.missed("own")
    assert [(turn.response_id, turn.is_through_tools) for turn in it.turns] == [
        ("r1", True),
        ("own", False),
        (None, False),
    ]
    it.answering("own")  # told again
    assert [turn.response_id for turn in it.turns] == ["r1", "own", None]
    it.answering("asked")
    assert [turn.response_id for turn in it.turns] == ["asked", "own", "asked"]


def test_what_waits_for_tools_is_missed_only_when_its_results_were_given() -> None:
    it = spoken(("a", 100, 300))
    it.answering("r1")
    it.called_tools("r1")
    it.missed(None, {"r1"})
    it.answering("own", {"r1"})
    it.answering("asked")
    assert [turn.response_id for turn in it.turns] == ["asked"]


def test_one_answer_in_the_making_misses_a_turn_and_no_second() -> None:
    it = Spoken()
    it.typed("t", 0)
    it.missed(None)
    it.missed(None)
    it.answering("own")
    it.missed(None)
    it.answering("second")
    assert [turn.response_id for turn in it.turns] == ["second"]


def test_an_answer_in_the_making_that_speech_stops_has_missed_nothing() -> None:
    it = Spoken()
    it.typed("t", 0)
    it.missed(None)
    it.begin("a", 100)
    it.end(200)
    it.answering("own")
    assert [turn.response_id for turn in it.turns] == ["own", "own"]


def test_who_is_asked_again_or_anew_was_told_of_what_the_first_time_missed() -> None:
    it = Spoken()
    it.typed("t", 0)
    it.missed("own")
    it.reopen("own")
    it.answering("own")
    assert it.owed == []
    it.missed("own")
    it.lost()
    it.answering("own")
    assert it.owed == []


def test_who_missed_a_turn_is_known_by_its_whole_name() -> None:
    for forget in (False, True):
        it = Spoken()
        it.typed("t", 0)
        it.answering("resp_{}".format("own"))
        it.missed("resp_{}".format("own"))
        assert [turn.item_id for turn in it.owed] == ["t"]
        if forget:
            it.reopen("resp_{}".format("own"))
        it.answering("resp_{}".format("own"))
        assert [turn.item_id for turn in it.owed] == ([] if forget else ["t"])


def test_a_request_takes_no_turn_from_an_answer_that_did_not_miss_it() -> None:
    it = Spoken()
    it.typed("t", 0)
    it.answering("r1")
    it.missed("own")
    assert [turn.response_id for turn in it.turns] == ["r1"]
