"""The whole product with two workers: what one has spent counts in the other, and after a restart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.server.gateway import Client
from tests.workers.serving import serving

CAP = {"HOLDFAST_BUDGET__CUSTOMER_USD_PER_DAY": "0.000001"}


async def refused(url: str) -> bool:
    """Whether somebody who comes now is told that nothing is left."""
    client = await Client.connect(url)
    client.say("create_session")
    await client.until(lambda: client.closed is not None or client.told("session_created"))
    if client.told("session_created"):
        client.close()
        return False
    (error,) = client.told("error")
    assert error["fault"]["code"] == "configuration.customer_budget"
    return True


async def test_a_spent_day_is_spent_in_every_worker_and_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, **CAP) as gw:
        client = await Client.connect(gw.browser_url)
        client.say("create_session")
        client.say("input_text", text="hello")
        assert await client.until_closed() == (4429, "budget_spent")
        async with asyncio.timeout(30):
            while {one["worker"] for one in gw.log("budget.refused")} != {1, 2}:
                await asyncio.gather(*(refused(gw.browser_url) for _ in range(2)))
                await asyncio.sleep(0.2)

    with serving(tmp_path, **CAP) as gw:
        assert await refused(gw.browser_url)

    command = (sys.executable, "-m", "holdfast.cli", "cost", "--by", "customer", "--json")
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["all"]["responses"] == 2, "the answer, and the goodbye"
    assert float(told["all"]["usd"]) > 0
    assert len(told["groups"]) == 1
