"""Is the gateway in this container alive? Exit code 0: yes. The image's HEALTHCHECK.

What lives here: one request to /healthz, where the settings put the gateway: port and TLS by the environment,
else by its file. Standard library only, and nothing of the package: it runs every few seconds.
What never will: readiness (/readyz says that; a gateway without an upstream is alive all the same).
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any, Final

WAIT_S: Final = 2.5


def main() -> int:
    """0 when /healthz answers 200, else 1 and the reason."""
    told = settings()
    server = told.get("server")
    is_tls = isinstance(server, dict) and server.get("tls_cert")
    port = os.environ.get("HOLDFAST_PORT") or os.environ.get("PORT") or told.get("port", 8080)
    scheme = "https" if os.environ.get("HOLDFAST_SERVER__TLS_CERT") or is_tls else "http"
    # The certificate is for another name than 127.0.0.1, and nobody else is at this end.
    unverified = ssl._create_unverified_context()  # noqa: S323, SLF001 - see the line above
    try:
        address = f"{scheme}://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(address, timeout=WAIT_S, context=unverified) as answer:  # noqa: S310 - ours
            return 0 if answer.status == 200 else 1
    except (OSError, http.client.HTTPException) as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        return 1


def settings() -> dict[str, Any]:
    """Of the gateway's file, where there is one. What is wrong with it the gateway says itself."""
    try:
        text = Path(os.environ.get("HOLDFAST_CONFIG") or "holdfast.toml").read_text(encoding="utf-8-sig")
        return tomllib.loads(text)
    except (OSError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main())
