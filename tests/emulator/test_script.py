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

    assert read_script(path) == TURNS


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("a.json", "{", "neither JSON nor TOML"),
        ("a.toml", "x =", "neither JSON nor TOML"),
        ("a.json", '[{"heard":"hi"}]', "heard"),
        ("a.json", '[{"hear":7}]', "Expected `str"),
        ("a.json", '[{"call":{"arguments":{}}}]', "name"),
        ("a.json", '"x"', "Expected `object`"),
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
