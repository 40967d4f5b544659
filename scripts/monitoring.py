"""Write what operators load into their own tools, and its page: `make docs`. `--check` tells which are stale.

What lives here: docs/reference/metrics.md, the Grafana dashboard and the alert rules, each from the tables of
metrics and faults, so that none names what does not exist.
What never will: figures, thresholds: those stand in the tables.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from generate_docs import NOTE, table
from holdfast.core.faults import FAULTS, Alarm, FaultRow, Party
from holdfast.telemetry.buffers import BUFFERS
from holdfast.telemetry.exposition import PROCESS
from holdfast.telemetry.meters import LABELS, METERS, Alert, Kind, Meter

ROOT: Final = Path(__file__).resolve().parent.parent

INTRODUCTION: Final = """\
`GET /metrics` speaks Prometheus' text format, and OpenMetrics to who asks for it. From this machine it needs
no key; from another one a bearer key of `[metrics] keys` ([how to](../howto/watch-it.md)). The names, labels
and meanings below stay.

Every sample bears `worker`: `front` is the process with the port, workers have numbers from 1. With several
workers one scrape shows all of them; `holdfast_worker_up` is 0 for one that did not answer, and then its own
figures are missing.

No label ever bears a customer, a session, an address, or a word that somebody said. A value that is not known
becomes `other`. Histograms have `_bucket`, `_sum` and `_count`."""

BOUNDS: Final = """\
Each is the value of the label `buffer`, a setting of `[limits]`, and read at the moment of the scrape. *By
design* means: it is a ring or a memory, full most of the time, and nobody is harmed when its oldest goes."""

ALERTS: Final = """\
`deploy/alerts.yaml` has one rule for each of these, and one for each fault that somebody is to hear of by the
[fault table](faults.md); its `remedy` is the table's. `page` wants somebody now, `ticket` in working
hours."""

GRAFANA: Final = """\
`deploy/grafana/holdfast.json`: import it, choose a Prometheus. One panel for each metric, in the groups of
this page; the first row is the one to look at."""


# the page


def page() -> str:
    """docs/reference/metrics.md."""
    parts = ["# Metrics", NOTE, INTRODUCTION]
    for group, meters in groups().items():
        rows = [
            (
                f"`{one.name}`",
                str(one.kind),
                ", ".join(f"`{label}`" for label in one.labels),
                one.help,
                one.advice,
            )
            for one in meters
        ]
        parts += [
            f"## {group}",
            table(("name", "type", "labels", "what", "what to do when it is high"), rows),
        ]
    parts += ["## Of the process, as everywhere", table(("name", "type", "what"), process_rows())]
    parts += ["## Labels", table(("label", "what", "values"), list(label_rows()))]
    parts += [
        "## Buffers and their bounds",
        BOUNDS,
        table(("bound", "holds", "when it is full", ""), list(bounds())),
    ]
    parts += ["## Alerts", ALERTS, table(("alert", "when", "for", "severity"), list(alert_rows()))]
    parts += ["## The dashboard", GRAFANA]
    return "\n\n".join(parts) + "\n"


def groups() -> Mapping[str, Sequence[Meter]]:
    """In the order of the table."""
    found: dict[str, list[Meter]] = {}
    for one in METERS.values():
        found.setdefault(one.group, []).append(one)
    return found


def process_rows() -> list[tuple[str, str, str]]:
    """What the library tells."""
    return [(f"`{name}`", kind, words) for name, (kind, words) in PROCESS.items()]


def label_rows() -> Iterator[tuple[str, str, str]]:
    """Few values are listed, many are said to be elsewhere."""
    elsewhere = {
        "code": "the [fault table](faults.md), or `none`",
        "moment": "the [log's key moments](logs.md)",
        "buffer": "the bounds below",
    }
    for one in LABELS.values():
        told = (
            "as configured" if one.values is None else ", ".join(f"`{value}`" for value in sorted(one.values))
        )
        yield f"`{one.name}`", one.help, elsewhere.get(one.name, told)


def bounds() -> Iterator[tuple[str, str, str, str]]:
    """Every buffer."""
    for one in BUFFERS.values():
        yield f"`{one.limit}`", one.holds, one.when_full, "by design" if one.is_ring else ""


def alert_rows() -> Iterator[tuple[str, str, str, str]]:
    """Those that stand in the table of metrics."""
    for meter in METERS.values():
        for one in meter.alerts:
            yield one.name, f"`{one.expr}`", one.lasts, one.severity


# the alert rules


def rules() -> str:
    """deploy/alerts.yaml."""
    lines = [
        "# Written by `make docs` from the tables of metrics and faults. Change those, not this file.",
        "groups:",
    ]
    for group, meters in groups().items():
        alerts = [(one, alert) for one in meters for alert in one.alerts]
        if alerts:
            lines += _group(group, [_rule(alert, meter.advice) for meter, alert in alerts])
    for party in Party:
        rows = [(row, row.alarm) for row in FAULTS.values() if row.party is party and row.alarm is not None]
        if rows:
            lines += _group(
                f"Faults: {party}", [_rule(_alert_of(row, alarm), row.remedy) for row, alarm in rows]
            )
    return "\n".join(lines) + "\n"


def _group(name: str, rules_of_it: list[list[str]]) -> list[str]:
    return [f"  - name: {json.dumps(f'Holdfast: {name}')}", "    rules:", *chain.from_iterable(rules_of_it)]


def _alert_of(row: FaultRow, alarm: Alarm) -> Alert:
    """One fault, met so often that somebody hears of it."""
    name = "HoldfastFault" + "".join(part.capitalize() for part in re.split(r"[._]", row.code))
    met = f'increase(holdfast_faults_total{{code="{row.code}"}}[{alarm.minutes}m])'
    return Alert(name, f"sum({met}) > {alarm.count - 1}", "0m", alarm.severity, f"{row.code}: {row.message}")


def _rule(alert: Alert, remedy: str) -> list[str]:
    lines = [f"      - alert: {alert.name}", f"        expr: {_quoted(alert.expr)}"]
    lines += [f"        for: {_quoted(alert.lasts)}", "        labels:"]
    lines += [f"          severity: {_quoted(alert.severity)}", "        annotations:"]
    return [*lines, f"          summary: {_quoted(alert.says)}", f"          remedy: {_quoted(remedy)}"]


def _quoted(text: str) -> str:
    """As YAML, of which JSON's strings are a part."""
    return json.dumps(text, ensure_ascii=False)


# the dashboard


DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24
HEIGHT: Final = 8
UNITS: Final = {"seconds": "s", "ratio": "percentunit", "bytes": "bytes", "usd": "currencyUSD"}
_WHOLE: Final = 'segment="whole"'
_IN_TIME: Final = f'sum(increase(holdfast_turn_seconds_bucket{{{_WHOLE},le="2.0"}}[1h]))'
_ALL: Final = f"sum(increase(holdfast_turn_seconds_count{{{_WHOLE}}}[1h]))"
FIRST_ROW: Final = (
    ("Sessions", "sum(holdfast_sessions)", "none"),
    ("Answers that begin within 2 s (an hour)", f"{_IN_TIME} / {_ALL}", "percentunit"),
    ("Live links lost in an hour", "sum(increase(holdfast_upstream_lost_total[1h]))", "none"),
    ("Turned away in an hour", "sum(increase(holdfast_refusals_total[1h]))", "none"),
    ("Busiest process", "max(holdfast_busy_ratio)", "percentunit"),
    ("Processes", "count(holdfast_build_info)", "none"),
)
"""The row to look at: title, expression, unit."""


def dashboard() -> str:
    """deploy/grafana/holdfast.json."""
    numbers, panels, top = count(1), [], 0

    def put(panel: dict[str, Any], left: int, width: int, height: int) -> None:
        place = {"x": left, "y": top, "w": width, "h": height}
        panels.append({"id": next(numbers), "gridPos": place, **panel})

    width = WIDTH // len(FIRST_ROW)
    for at, (title, expr, unit) in enumerate(FIRST_ROW):
        put(_panel("stat", title, "", unit, [(expr, "")]), at * width, width, HEIGHT // 2)
    top += HEIGHT // 2
    for group, meters in groups().items():
        put({"type": "row", "title": group, "collapsed": False, "panels": []}, 0, WIDTH, 1)
        top += 1
        for at, meter in enumerate(meters):
            put(_panel_of(meter), at % 2 * WIDTH // 2, WIDTH // 2, HEIGHT)
            top += HEIGHT if at % 2 or at == len(meters) - 1 else 0
    return json.dumps(_whole(panels), indent=1, ensure_ascii=False) + "\n"


def _whole(panels: list[dict[str, Any]]) -> dict[str, Any]:
    variables = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "worker",
            "type": "query",
            "datasource": DATASOURCE,
            "query": "label_values(holdfast_build_info, worker)",
            "includeAll": True,
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
            "refresh": 2,
        },
    ]
    return {
        "uid": "holdfast",
        "title": "Holdfast",
        "description": "Written by `make docs` from the table of metrics.",
        "tags": ["holdfast"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": variables},
        "panels": panels,
    }


def _panel_of(meter: Meter) -> dict[str, Any]:
    """By its kind: a rate, a value, or quantiles."""
    chosen = '{worker=~"$worker"}'
    by = ", ".join(meter.labels)
    legend = " ".join(f"{{{{{label}}}}}" for label in meter.labels)
    title = meter.name.removeprefix("holdfast_").removesuffix("_total").replace("_", " ").capitalize()
    words = f"{meter.help} {meter.advice}"
    if meter.kind is Kind.HISTOGRAM:
        # One line for each quantile and segment; the other labels are in the table of the metric.
        kept = [label for label in meter.labels if label == "segment"]
        grouped = ", ".join(["le", *kept])
        rate = f"sum by ({grouped}) (rate({meter.name}_bucket{chosen}[$__rate_interval]))"
        said = "".join(f" {{{{{label}}}}}" for label in kept)
        targets = [
            (f"histogram_quantile({share}, {rate})", f"p{round(share * 100)}{said}")
            for share in (0.5, 0.95, 0.99)
        ]
        return _panel("timeseries", title, words, "s", targets)
    if meter.kind is Kind.COUNTER:
        rate = f"sum by ({by}) (rate({meter.name}{chosen}[$__rate_interval]))"
        unit = "Bps" if meter.unit == "bytes" else "cps"
        return _panel("timeseries", f"{title}, each second", words, unit, [(rate, legend)])
    each = ", ".join((*meter.labels, "worker")) if meter.unit == "ratio" else by
    how = "max" if meter.unit == "ratio" else "sum"
    legend = f"{legend} {{{{worker}}}}".strip() if meter.unit == "ratio" else legend
    unit = UNITS.get(meter.unit, "none")
    return _panel("timeseries", title, words, unit, [(f"{how} by ({each}) ({meter.name}{chosen})", legend)])


def _panel(
    kind: str, title: str, words: str, unit: str, targets: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    return {
        "type": kind,
        "title": title,
        "description": words,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": DATASOURCE,
                "expr": expr,
                "legendFormat": legend or title,
            }
            for at, (expr, legend) in enumerate(targets)
        ],
    }


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/reference/metrics.md": page,
    "deploy/alerts.yaml": rules,
    "deploy/grafana/holdfast.json": dashboard,
}


def main(arguments: Sequence[str]) -> int:
    """0: written, or nothing stale. 1: stale files with --check."""
    texts = {ROOT / name: write() for name, write in FILES.items()}
    old = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in old:
        name = path.relative_to(ROOT)
        if "--check" in arguments:
            print(f"stale: {name}; run `make docs`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], "utf-8")
            print(f"wrote {name}")
    return int(bool(old) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
