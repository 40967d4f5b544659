"""Dialects of the Realtime protocol beside GA, as data, and what carries events between them and GA.

A link or a client of the GA shape never comes here.
"""

from collections.abc import Callable, Sequence

from holdfast.wire.dialects.as_client import Translation
from holdfast.wire.dialects.as_server import GA_ONLY, OlderClient, asks_for_beta, cure_of
from holdfast.wire.dialects.beta import BETA
from holdfast.wire.dialects.memory import Link, Own
from holdfast.wire.dialects.profiles import AZURE_PREVIEW, DIALECTS, GA
from holdfast.wire.dialects.table import GA_RESPONSE, GA_SESSION, SERVERS_VOICE, Dialect, Field, Reply
from holdfast.wire.dialects.transcribing import TranscribingServer
from holdfast.wire.realtime import new_id

__all__ = [
    "AZURE_PREVIEW",
    "BETA",
    "DIALECTS",
    "GA",
    "GA_ONLY",
    "GA_RESPONSE",
    "GA_SESSION",
    "SERVERS_VOICE",
    "Dialect",
    "Field",
    "Link",
    "OlderClient",
    "Own",
    "Reply",
    "Translation",
    "asks_for_beta",
    "cure_of",
    "link_of",
]


def link_of(
    dialect: Dialect,
    own: Own,
    on_left_out: Callable[[Sequence[str]], None],
    ids: Callable[[str], str] = new_id,
) -> Link:
    """What carries the events of one link to such a server."""
    if dialect.transcribes_only:
        return TranscribingServer(dialect, own, on_left_out=on_left_out, ids=ids)
    return Translation(dialect, own, on_left_out=on_left_out, ids=ids)
