"""Scripts: read strictly, from JSON and TOML."""

from pathlib import Path

import pytest

from holdfast.emulator import Call, ScriptError, Turn, read_script

TURNS = (Turn(hear="hi", say="hello"), Turn(hear="debt", call=Call("balance", {"of": "me"})))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.json",
            '[{"hear":"hi","say":"hello"},{"hear":"debt","call":{"name":"balance","arguments":{"of":"me"}}}]',
        ),
        (
            "b.json",
            '{"turns":[{"hear":"hi","say":"hello"},{"hear":"debt","call":{"name":"balance","arguments":{"of":"me"}}}]}',
        ),
        (
            "c.toml",
            '[[turns]]\nhear="hi"\nsay="hello"\n[[turns]]\nhear="debt"\ncall={name="balance",arguments={of="me"}}\n',
        ),
    ],
)
def test_a_script_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    assert tuple(read_script(path).turns) == TURNS


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("a.json", "{", "neither JSON nor TOML"),
        ("a.toml", "x =", "neither JSON nor TOML"),
        ("a.json", '[{"heard":"hi"}]', "heard"),
        ("a.json", '[{"hear":7}]', "Expected `str"),
        ("a.json", '[{"call":{"arguments":{}}}]', "name"),
        ("a.json", '"x"', "Expected `object`"),
        ("a.json", '{"steps":[{"fault":"earthquake"}]}', "step 1: there is no fault"),
        ("a.json", '{"steps":[{"fault":"http:503","moment":"idle"}]}', "step 1: 'http' has no moment"),
        ("a.json", '{"steps":[{"fault":"drop","moment":"later"}]}', "step 1"),
        ("a.json", '{"steps":[{"fault":"drop:idle","chance":7}]}', "a probability"),
        ("a.json", "[" + "{}," * 1000 + "{}]", "more than 1000"),
    ],
)
def test_a_bad_script_says_what_is_wrong(tmp_path: Path, name: str, text: str, hint: str) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(ScriptError, match=hint):
        read_script(path)


def test_a_missing_script_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        read_script(tmp_path / "none.json")


STEPS = """
seed = 7
[[turns]]
say = "hello"
[[steps]]
fault = "http:503"
connection = 1
[[steps]]
fault = "close:1011"
moment = "delta=2"
connection = "2-3"
count = 1
[[steps]]
fault = "reset"
moment = 4
chance = 0.5
"""


def test_steps_say_what_breaks_and_when(tmp_path: Path) -> None:
    path = tmp_path / "steps.toml"
    path.write_text(STEPS)
    script = read_script(path)

    assert [str(fault) for fault in script.faults] == [
        "http:503@1",
        "close:1011:delta=2:told@2-3,times=1",
        "reset:4,chance=0.5",
    ]
    assert script.seed == 7
