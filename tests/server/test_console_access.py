"""Who may look at the console, and who is told no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.auth import hash_key
from tests.server.desk import ROOT, conversation, desk

KEY = "hf_an-operator's-key"
KEYED: dict[str, dict[str, Any]] = {"console": {"keys": [hash_key(KEY)]}}
ROUTES = (
    *("stream", "faults", "checks", "sessions/hf_1", "sessions/hf_1/explain"),
    *("sessions/hf_1/bundle", "sessions/hf_1/recording"),
)


@pytest.mark.parametrize("route", ROUTES)
async def test_where_something_asks_for_credentials_the_console_is_closed_without_keys(
    tmp_path: Path, route: str
) -> None:
    key = "hf_of-a-backend"
    async with (
        desk(tmp_path, auth={"client_keys": [hash_key(key)]}) as (url, _, _),
        httpx.AsyncClient(base_url=url) as http,
    ):
        answer = await http.get(f"{ROOT}/{route}")
        with_client_key = await http.get(f"{ROOT}/{route}", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "CONSOLE_CLOSED")
    assert with_client_key.status_code == 403


@pytest.mark.parametrize("route", ROUTES)
async def test_with_keys_one_is_asked_for_on_this_machine_too(tmp_path: Path, route: str) -> None:
    headers = [
        {},
        {"Authorization": "Bearer hf_wrong"},
        {"Cookie": "holdfast-operator=forged"},
        {"Cookie": "holdfast-operator=a; holdfast-operator=b"},
    ]
    async with desk(tmp_path, **KEYED) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}", headers=one) for one in headers]

    assert [one.status_code for one in answers] == [401] * 4


async def test_an_operator_signs_in_and_out(tmp_path: Path) -> None:
    async with desk(tmp_path, **KEYED) as (url, _, _):
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
            before = (await http.get(f"{ROOT}/me")).json()
            wrong = await http.post(f"{ROOT}/sign-in", json={"key": "hf_wrong"})
            right = await http.post(f"{ROOT}/sign-in", json={"key": KEY})
            me = (await http.get(f"{ROOT}/me")).json()
            seen = await http.get(f"{ROOT}/faults")
            await http.post(f"{ROOT}/sign-out")
            after = await http.get(f"{ROOT}/faults")
        async with httpx.AsyncClient(base_url=url) as tool:
            by_header = await tool.get(f"{ROOT}/faults", headers={"Authorization": f"Bearer {KEY}"})

    assert (before["signedIn"], before["needsKey"], before["csrf"]) == (False, True, "")
    assert (wrong.status_code, right.status_code, seen.status_code) == (401, 204, 200)
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert KEY not in cookie
    assert (me["signedIn"], me["mayAct"], bool(me["csrf"])) == (True, False, True)
    assert (after.status_code, by_header.status_code) == (401, 200)


async def test_guessing_keys_is_slowed_down(tmp_path: Path) -> None:
    async with desk(tmp_path, **KEYED) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        tries = [await http.post(f"{ROOT}/sign-in", json={"key": f"hf_{n}"}) for n in range(12)]
        codes = [one.status_code for one in tries]

    assert codes[:10] == [401] * 10
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "attack",
    [
        {"Origin": "https://evil.example"},
        {"Host": "attacker.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_other_pages_are_not_answered(tmp_path: Path, attack: dict[str, str]) -> None:
    async with desk(tmp_path) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}", headers=attack) for route in ROUTES]

    assert {one.status_code for one in answers} == {403}


async def test_a_session_that_is_not_known_is_not_found(tmp_path: Path) -> None:
    async with desk(tmp_path) as (url, _, _), httpx.AsyncClient(base_url=url) as http:
        answers = [await http.get(f"{ROOT}/{route}") for route in ROUTES if "sessions/" in route]

    assert {(one.status_code, one.json()["error"]["code"]) for one in answers} == {(404, "NOT_FOUND")}


# acting

ACTING: dict[str, dict[str, Any]] = {"console": {"keys": [hash_key(KEY)], "may_act": True}}


async def test_an_operator_ends_a_session_and_its_user_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path, **ACTING) as (url, _, _):
        client, session = await conversation(url)
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
            await http.post(f"{ROOT}/sign-in", json={"key": KEY})
            me = (await http.get(f"{ROOT}/me")).json()
            path, token = f"{ROOT}/sessions/{session}/end", {"X-CSRF-Token": me["csrf"]}
            missing = await http.post(f"{ROOT}/sessions/hf_nobody/end", headers=token)
            answer = await http.post(path, headers=token)
            ended = await client.until_told("session_ended")
            why = (await http.get(f"{ROOT}/sessions/{session}/explain")).json()
        code, _ = await client.until_closed()

    assert me["mayAct"]
    assert (missing.status_code, answer.status_code, code) == (404, 202, 4403)
    assert (ended["reason"], ended["fault"]["code"]) == (
        "ended_by_operator",
        "configuration.ended_by_operator",
    )
    assert why["code"] == "configuration.ended_by_operator"


@pytest.mark.parametrize(
    ("tables", "token", "expected"),
    [
        (KEYED, True, "READ_ONLY"),
        (ACTING, False, "CSRF"),
        ({"console": {"may_act": True}}, False, "CSRF"),
        ({}, True, "READ_ONLY"),
    ],
)
async def test_who_may_only_look_ends_nothing(
    tmp_path: Path, tables: dict[str, dict[str, Any]], *, token: bool, expected: str
) -> None:
    async with desk(tmp_path, **tables) as (url, _, gateway):
        client, session = await conversation(url)
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
            if "keys" in tables.get("console", {}):
                await http.post(f"{ROOT}/sign-in", json={"key": KEY})
            csrf = (await http.get(f"{ROOT}/me")).json()["csrf"] if token else "made.up"
            refused = await http.post(f"{ROOT}/sessions/{session}/end", headers={"X-CSRF-Token": csrf})
        still = len(gateway.directory)
        client.say("end_session")
        await client.until_closed()

    assert (refused.status_code, refused.json()["error"]["code"], still) == (403, expected, 1)


async def test_a_token_of_another_operator_is_none(tmp_path: Path) -> None:
    other = "hf_another-operator's-key"
    tables: dict[str, dict[str, Any]] = {
        "console": {"keys": [hash_key(KEY), hash_key(other)], "may_act": True}
    }
    async with desk(tmp_path, **tables) as (url, _, _):
        tokens = []
        for key in (KEY, other):
            async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
                await http.post(f"{ROOT}/sign-in", json={"key": key})
                tokens.append((await http.get(f"{ROOT}/me")).json()["csrf"])
                if len(tokens) == 2:
                    stolen = {"X-CSRF-Token": tokens[0]}
                    refused = await http.post(f"{ROOT}/sessions/hf_1/end", headers=stolen)
                    own = await http.post(f"{ROOT}/sessions/hf_1/end", headers={"X-CSRF-Token": tokens[1]})

    assert (refused.status_code, own.status_code) == (403, 404)
