"""A TLS session as the express needs it, to read and write in its transport's place.

What lives here: the parts of a connection under TLS, by name.
What never will: a handshake, trust, a cipher: those are the loop's and OpenSSL's.
"""

from __future__ import annotations

import asyncio
import ssl


class TlsSession(ssl.SSLObject):
    """One connection's, which its transport works with too, so each may go on where the other stopped."""

    incoming: ssl.MemoryBIO
    """What was received and is to be opened."""
    outgoing: ssl.MemoryBIO
    """What was sealed and is to be sent."""
    raw: asyncio.Transport | None = None
    """The connection beneath, once the handshake is over: what it is given goes over the line as it is."""
