"""A whole gateway that asks its clients for a key, before an emulator.

What lives here: starting and stopping it. What never will: expectations.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holdfast.app import Gateway
from holdfast.auth import hash_key
from holdfast.config import load
from holdfast.emulator import Emulator

KEY = "hf_a-key-of-a-backend"
ORIGIN = "https://portal.example"


@asynccontextmanager
async def guarded(
    folder: Path, upstreams: list[dict[str, Any]] | None = None, **tables: dict[str, Any]
) -> AsyncIterator[tuple[str, Emulator, Gateway]]:
    """Its address, the emulator, the gateway. `tables`: settings to add, or to have otherwise."""
    usual: dict[str, dict[str, Any]] = {
        "auth": {"client_keys": [hash_key(KEY)]},
        "server": {"origins": [ORIGIN]},
        "portal": {"database": str(folder / "portal.sqlite3")},
        "journal": {"kind": "memory"},
        "limits": {},
    }
    async with Emulator() as emulator:
        settings = load(
            environ={"OPENAI_API_KEY": "sk-upstream-canary", "OPENAI_BASE_URL": emulator.http_base},
            folder=folder,
            overrides={
                "port": 0,
                "upstream": upstreams,
                **{name: {**usual.get(name, {}), **tables.get(name, {})} for name in {**usual, **tables}},
            },
        )
        gateway = Gateway(settings)
        async with gateway.running() as url:
            yield url, emulator, gateway
            gateway.stop()
            gateway.stop()
