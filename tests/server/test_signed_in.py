"""Whose session a browser's socket opens, on real sockets: the portal's cookie decides, however it comes."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.server.guarded import guarded

BEN = "cust-1002"


async def signed_in_as_ben(url: str) -> str:
    """The cookie of a page that has switched to the demo's second customer."""
    async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as page:
        token = (await page.get("/api/financial-sherpa/realtime")).json()["csrfToken"]
        answer = await page.post(
            "/api/financial-sherpa/demo-customer", json={"customerId": BEN}, headers={"X-CSRF-Token": token}
        )
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("others", [[], ["theme=dark"]])
async def test_the_signed_in_customers_cookie_may_stand_in_a_field_of_its_own(
    tmp_path: Path, others: list[str]
) -> None:
    async with guarded(tmp_path, auth={"client_keys": []}, server={"origins": []}) as (url, _, _):
        cookies = [*others, await signed_in_as_ben(url)]
        async with connect(
            f"{url.replace('http', 'ws')}/api/openai/realtime",
            additional_headers=[("Origin", url), *(("Cookie", one) for one in cookies)],
        ) as socket:
            await socket.send(json.dumps({"type": "create_session", "customerId": BEN}))
            answer = json.loads(await socket.recv())

    assert answer["type"] == "session_created"
