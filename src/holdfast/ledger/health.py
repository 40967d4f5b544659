"""The strip from mouth to ear: microphone, network, gateway, upstream, speaker, each a light.

What lives here: one small rule for each, over an account. Lights follow facts: what nobody reports is "none".
What never will: words (`attention`).
"""

from __future__ import annotations

from typing import Final

from holdfast.core.faults import Party
from holdfast.ledger.account import Account, Met
from holdfast.ledger.shapes import Health, Light

RECENT_S: Final = 60.0
"""How long a fault that is over still colours a light."""
PATIENCE_S: Final = 3.0
"""How long something may take before its light is bad and no longer unsure."""
NO_INPUT_S: Final = 5.0
RTT_UNSURE_MS: Final = 300.0
RTT_BAD_MS: Final = 1_000.0
SILENT_S: Final = 10.0
"""A microphone that gives digital silence for so long is covered, muted or not the one that is meant."""
UNDERRUNS_UNSURE: Final = 1.0
UNDERRUNS_BAD: Final = 5.0

_DEVICE: Final = frozenset({Party.USER_DEVICE})
_LINE: Final = frozenset({Party.USER_NETWORK})
_OURS: Final = frozenset({Party.GATEWAY, Party.STORE})
_THEIRS: Final = frozenset({Party.PROVIDER, Party.CONFIGURATION})


def strip(a: Account, at: float, climate: Light) -> Health:
    """All five. An ended session keeps what it ended with; its lights of now are out."""
    return Health(
        microphone=_microphone(a, at),
        network=_network(a, at),
        gateway=_gateway(a, at, climate),
        upstream=_upstream(a, at),
        speaker=_speaker(a),
    )


def has_recent(a: Account, at: float, parties: frozenset[Party]) -> bool:
    """Whether a fault of one of these was met within the last minute (of its life, when it is over)."""
    if not a.faults_kept:
        return False
    until = at if a.ended is None else a.ended
    return any(met.fault.row.party in parties and until - met.at < RECENT_S for met in a.faults_kept)


def _microphone(a: Account, at: float) -> Light:
    if has_recent(a, at, _DEVICE):
        return "bad"
    if a.is_live and a.silent_s(at) >= SILENT_S:
        return "unsure" if a.turn_count else "bad"  # who has spoken may have muted himself
    if a.last_in is None:
        return "none"
    is_owed = a.is_live and a.away_since is None
    return "unsure" if is_owed and at - a.last_in > NO_INPUT_S else "good"


def _network(a: Account, at: float) -> Light:
    if a.away_since is not None and a.is_live:
        if a.left:
            return "none"
        return "bad" if at - a.away_since > PATIENCE_S else "unsure"
    line = network_of(a.trip_ms)
    if line == "bad" or _is_too_slow(a, at):
        return "bad"
    if line == "unsure" or has_recent(a, at, _LINE):
        return "unsure"
    return "unsure" if a.last_loss is not None and at - a.last_loss < RECENT_S else "good"


def network_of(trip_ms: float) -> Light:
    """By the time to the client and back alone."""
    if trip_ms >= RTT_BAD_MS:
        return "bad"
    return "unsure" if trip_ms >= RTT_UNSURE_MS else "good"


def _is_too_slow(a: Account, at: float) -> bool:
    until = at if a.ended is None else a.ended
    return any(met.fault.code == "user_network.slow" and until - met.at < RECENT_S for met in a.faults_kept)


def _gateway(a: Account, at: float, climate: Light) -> Light:
    if has_recent(a, at, _OURS):
        return "bad"
    if not a.is_live:
        return "good"
    return "unsure" if a.state == "degraded" and climate == "good" else climate


def _upstream(a: Account, at: float) -> Light:
    if a.ended is not None:
        return "bad" if any(met.ended and _is_theirs(met) for met in a.faults_kept) else "none"
    if a.state in {"connecting", "recovering"}:
        return "bad" if at - a.state_since > PATIENCE_S else "unsure"
    return "unsure" if has_recent(a, at, _THEIRS) else "good"


def _is_theirs(met: Met) -> bool:
    """A budget that is spent, or an operator, ends a session although its upstream was well."""
    return met.fault.row.party in _THEIRS and met.fault.row.alarm is not None


def _speaker(a: Account) -> Light:
    underruns = a.report.get("underruns", 0.0)
    if underruns >= UNDERRUNS_BAD or a.report.get("blocked", 0.0):
        return "bad"
    if underruns >= UNDERRUNS_UNSURE:
        return "unsure"
    return "none" if a.last_out is None else "good"
