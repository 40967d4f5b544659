"""Who may look at the console, and who is told no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.auth import hash_key
from tests.server.desk import ROOT, desk

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
