"""How faults are written: strictly, and with an answer that helps."""

import pytest

from holdfast.emulator.faults import FAULTS, FaultPlan, FaultSpelling, parse_fault

RIGHT = [
    ("slow-handshake:3", ("3",), None),
    ("slow-created:0.05@2", ("0.05",), 2),
    ("silent-updated", (), None),
    ("http:503@1", ("503",), 1),
    ("refuse:insufficient_quota", ("insufficient_quota",), None),
    ("server-error", ("start",), None),
    ("server-error:response", ("response",), None),
    ("server-error:response:1", ("response", "1"), None),
    ("drop:response@1", ("response",), 1),
    ("drop:007", ("7",), None),
    ("close:1011", ("1011", "created"), None),
    ("close:1012:speech", ("1012", "speech"), None),
    ("malformed", ("updated",), None),
    ("stall", ("response",), None),
    (" stall:response ", ("response",), None),
]

WRONG = [
    ("", "there is no fault"),
    ("earthquake", "slow-handshake"),
    ("HTTP:500", "there is no fault"),
    ("http", r"http:400\|401"),
    ("http:200", "one of 400"),
    ("http:500:now", "this fault is written"),
    ("slow-created:soon", "a number of seconds"),
    ("slow-created:-1", "0 to 3600"),
    ("slow-created:nan", "0 to 3600"),
    ("slow-created:1e9", "0 to 3600"),
    ("drop", "this fault is written"),
    ("drop:later", "the number of a client message"),
    ("drop:0", "the number of a client message"),
    ("close:99", "from 1000 to 4999"),
    ("close:1011:never", "the number of a client message"),
    ("refuse:me", "one of invalid_api_key"),
    ("stall:forever", "one of response"),
    ("duplicate-done:1", "this fault is written"),
    ("http:503@", "a whole number"),
    ("http:503@0", "a whole number"),
    ("http:503@many", "a whole number"),
    ("http:503@1@2", "a whole number"),
    ("drop:²", "the number of a client message"),
]


@pytest.mark.parametrize(("text", "arguments", "connections"), RIGHT)
def test_a_fault_is_read(text: str, arguments: tuple[str, ...], connections: int | None) -> None:
    spec = parse_fault(text)

    assert (spec.arguments, spec.connections) == (arguments, connections)
    assert parse_fault(str(spec)) == spec


@pytest.mark.parametrize(("text", "hint"), WRONG)
def test_a_misspelled_fault_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(FaultSpelling, match=hint):
        parse_fault(text)


def test_an_unknown_name_is_answered_with_all_names() -> None:
    with pytest.raises(FaultSpelling) as refused:
        parse_fault("earthquake")

    assert all(name in str(refused.value) for name in FAULTS)


def test_a_counted_fault_spares_the_connections_after_it() -> None:
    plan = FaultPlan.of(["http:503@2", "stall"])
    seen = [[spec.name for spec in plan.next_connection().specs] for _ in range(3)]

    assert seen == [["http", "stall"], ["http", "stall"], ["stall"]]
