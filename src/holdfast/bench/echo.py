"""An upstream that answers every frame with the same frame: `python -m holdfast.bench.echo`.

What lives here: just enough of the Realtime dialect that a session starts, and one endless response.
What never will: speech. `holdfast emulate` is the faithful one; this one is cheap.
"""

from __future__ import annotations

from holdfast.bench import child, frames
from holdfast.sockets import MessageListener


class EchoUpstream(MessageListener):
    """One session: each append is answered at once by one delta."""

    def on_open(self) -> None:
        self.send_text(frames.SESSION_CREATED)

    def on_text(self, payload: bytes) -> None:
        if payload.startswith(frames.APPEND_HEAD):
            self.send_text(frames.echoed(payload))
        elif frames.kind_of(payload) == "session.update":
            self.send_text(frames.SESSION_UPDATED)
            self.send_text(frames.RESPONSE_CREATED)


if __name__ == "__main__":
    child.serve(EchoUpstream)
