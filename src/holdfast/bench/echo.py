"""An upstream that answers every frame with the same frame: `python -m holdfast.bench.echo COUNTS`.

What lives here: just enough of the Realtime dialect that a session starts, and one endless response. Over TLS
when files of a certificate and its key are named, too.
What never will: speech. `holdfast emulate` is the faithful one; this one is cheap. The compiled one
(`native/echo.c`) does the same for less, without TLS.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

from holdfast.bench import child, frames
from holdfast.bench.counts import Counter
from holdfast.sockets import MessageListener


class EchoUpstream(MessageListener):
    """One session: each append is answered at once by one delta."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def on_open(self) -> None:
        self.send_text(frames.SESSION_CREATED)
        self._counter.count(sent=1)

    def on_text(self, payload: bytes) -> None:
        if payload.startswith(frames.APPEND_HEAD):
            self.send_text(frames.echoed(payload))
            self._counter.count(received=1, sent=1)
            return
        self._counter.count(received=1)
        if (kind := frames.kind_of(payload)) == "input_audio_buffer.append":
            self.send_text(frames.echoed(payload))
            self._counter.count(sent=1)
        elif kind == "session.update":
            self.send_text(frames.SESSION_UPDATED)
            self.send_text(frames.RESPONSE_CREATED)
            self._counter.count(sent=2)


def main(counts: str, *certificate: str) -> None:
    """Serve until standard input ends, and keep the counts in that file."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    counter = Counter(Path(counts))
    child.serve(lambda: EchoUpstream(counter), context)


if __name__ == "__main__":
    main(*sys.argv[1:])
