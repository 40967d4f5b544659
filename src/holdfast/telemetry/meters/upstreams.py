"""What went wrong, and how it goes with whoever answers.

What lives here: rows of the table of figures.
What never will: counting.
"""

from __future__ import annotations

from typing import Final

from holdfast.telemetry.meters.shapes import WAITS, Alert, Kind, Meter, group

FAULTS_MET: Final = group(
    "Faults",
    Meter(
        "faults_total",
        Kind.COUNTER,
        "Faults that conversations met, by the fault table: what, and at whose door it lies.",
        "`holdfast explain CODE` says what to do.",
        ("code", "party"),
    ),
    Meter(
        "moments_total",
        Kind.COUNTER,
        "Key moments of the log, whether or not its level lets them be written.",
        "See the page on logs for what each means.",
        ("moment",),
        alerts=(
            Alert(
                "HoldfastBugs",
                "sum(increase(holdfast_moments_total"
                '{moment=~"step.failed|task.failed|http.failed|upgrade.failed|watch.failed"}[15m])) > 0',
                "0m",
                "ticket",
                "A bug of the gateway's own: the log has its traceback.",
            ),
            Alert(
                "HoldfastChargesLost",
                'sum(increase(holdfast_moments_total{moment="cost.unwritten"}[15m])) > 0',
                "0m",
                "page",
                "Charges were not kept: the bill has holes.",
            ),
            Alert(
                "HoldfastForeignResumes",
                'sum(increase(holdfast_moments_total{moment="resume.foreign"}[15m])) > 0',
                "0m",
                "page",
                "A customer tried to resume another one's session: a stolen token, or a portal "
                "that mixes them up.",
            ),
        ),
    ),
)

UPSTREAMS: Final = group(
    "Upstreams",
    Meter(
        "upstream_state",
        Kind.GAUGE,
        "1 for the state that an upstream's breaker is in.",
        "`open`: it is left alone for a while. `half_open`: the next dial asks whether it answers "
        "again. `refused`: somebody has to change the key, the model or the account.",
        ("upstream", "state"),
        alerts=(
            Alert(
                "HoldfastUpstreamRefuses",
                # after a minute it may be asked again, and is `half_open` until somebody does
                'max by (upstream) (max_over_time(holdfast_upstream_state{state="refused"}[5m]) '
                'unless ignoring (state) holdfast_upstream_state{state="closed"} == 1) == 1',
                "2m",
                "page",
                "The upstream {{ $labels.upstream }} refuses everybody: key, model or account.",
            ),
            Alert(
                "HoldfastUpstreamDown",
                'max by (upstream) (holdfast_upstream_state{state="closed"}) == 0',
                "5m",
                "ticket",
                "The upstream {{ $labels.upstream }} has not answered for five minutes.",
            ),
            Alert(
                "HoldfastNoUpstream",
                'max(holdfast_upstream_state{state="closed"}) == 0',
                "1m",
                "page",
                "No upstream answers: nobody can begin a conversation.",
            ),
        ),
    ),
    Meter(
        "upstream_links",
        Kind.GAUGE,
        "Links to an upstream.",
        "Many `dialing`: it is slow to let sessions in.",
        ("upstream", "state"),
    ),
    Meter(
        "upstream_retry_tokens",
        Kind.GAUGE,
        "What is left of an upstream's account of retries.",
        "Low is bad: near `[limits] retry_tokens_least` no retries are made there; it fails too often.",
        ("upstream",),
    ),
    Meter(
        "dials_total",
        Kind.COUNTER,
        "Dials, and how they ended: `none`, or the fault.",
        "`holdfast doctor --upstream NAME` goes through the layers.",
        ("upstream", "code"),
    ),
    Meter(
        "dial_seconds",
        Kind.HISTOGRAM,
        "From a dial until the upstream had confirmed our settings.",
        "Above a second users wait for it at the start: `[[upstream]] warm` keeps links dialled.",
        ("upstream",),
        WAITS,
    ),
    Meter(
        "upstream_lost_total",
        Kind.COUNTER,
        "Live links that were lost, and why.",
        "One provider, many codes: its status page. All at once: a restart there.",
        ("upstream", "code", "party"),
        alerts=(
            Alert(
                "HoldfastUpstreamLosses",
                "sum by (upstream) (rate(holdfast_upstream_lost_total[10m])) * 60 "
                '> 0.05 * clamp_min(sum by (upstream) (holdfast_upstream_links{state="live"}), 20)',
                "5m",
                "ticket",
                "More than one live link in twenty is lost each minute at {{ $labels.upstream }}.",
            ),
        ),
    ),
    Meter(
        "rebuild_seconds",
        Kind.HISTOGRAM,
        "From the loss of an upstream until the next one had been told the conversation and listened.",
        "Users wait for it in mid-sentence: put another upstream in the list, or keep links warm.",
        ("upstream",),
        WAITS,
        alerts=(
            Alert(
                "HoldfastSlowRebuilds",
                "histogram_quantile(0.95, sum by (le) (rate(holdfast_rebuild_seconds_bucket[15m]))) > 5",
                "10m",
                "ticket",
                "One rebuild in twenty takes more than five seconds.",
            ),
        ),
    ),
    Meter(
        "warm_links",
        Kind.GAUGE,
        "Links that wait for a session, and how many are wanted.",
        "Fewer `waiting` than `wanted` for long: dialling fails, or sessions come faster.",
        ("upstream", "state"),
    ),
    Meter(
        "warm_taken_total",
        Kind.COUNTER,
        "Sessions that got a waiting link.",
        "Compare with `holdfast_dials_total`: a small share means that the pool is too small.",
        ("upstream",),
    ),
)
