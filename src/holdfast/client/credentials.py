"""What a client on a terminal shows at the door: from the environment, never from the command line.

What lives here: which variable is for which face. What never will: asking for one.
"""

from __future__ import annotations

import os


def credential_for(url: str) -> str | None:
    """The ticket for the browser protocol, the key for OpenAI's dialect."""
    names = ("HOLDFAST_CLIENT_KEY", "OPENAI_API_KEY") if "/v1/realtime" in url else ("HOLDFAST_TICKET",)
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
