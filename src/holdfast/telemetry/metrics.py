"""Counting: what `meters` names, kept by the Prometheus library, with labels that cannot grow.

What lives here: one process' counters and histograms; figures in the shape in which they travel between
processes.
What never will: names (`meters`), text for Prometheus (`exposition`), reading what rooms hold
(`holdfast.readings`).

Nothing here is called for a message of audio: what passes is counted by who lets it pass, and read when
somebody asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Histogram as PrometheusHistogram
from prometheus_client.metrics_core import Metric

from holdfast.telemetry.meters import LABELS, METERS, OTHER, Kind, Meter


class Reading(NamedTuple):
    """What a room holds at this moment, or has counted by itself. Labels are in the order of the table."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Sample(NamedTuple):
    """One line for Prometheus."""

    name: str
    labels: dict[str, str]
    value: float


class Family(NamedTuple):
    """All samples of one name, from one process."""

    name: str
    samples: list[Sample]


class Metrics:
    """What one process counts. `told`: the values of labels that are known only when it starts."""

    def __init__(self, told: Mapping[str, Collection[str]] | None = None) -> None:
        self._told = {name: frozenset(values) for name, values in (told or {}).items()}
        self._registry = CollectorRegistry(auto_describe=False)
        self._counters: dict[str, PrometheusCounter] = {}
        self._histograms: dict[str, PrometheusHistogram] = {}
        self._counting: dict[tuple[str, ...], PrometheusCounter] = {}
        """By name and labels, as the table has them: each is looked for once."""
        self._observing: dict[tuple[str, ...], PrometheusHistogram] = {}
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """One more, or `by`. KeyError for a name that the table has not."""
        found = self._counting.get((name, *labels))
        (self._counter(name, labels) if found is None else found).inc(by)

    def _counter(self, name: str, labels: tuple[str, ...]) -> PrometheusCounter:
        meter = METERS[name]
        found = self._counters.get(name)
        if found is None:
            assert meter.kind is Kind.COUNTER, name
            found = PrometheusCounter(name, meter.help, meter.labels, registry=self._registry)
            self._counters[name] = found
        fitting = self._fitting(meter, labels)
        found = found.labels(*fitting) if meter.labels else found
        if fitting == labels:  # of what the table has not there is no end
            self._counting[name, *labels] = found
        return found

    def observe(self, name: str, value: float, *labels: str) -> None:
        """One observation. KeyError for a name that the table has not."""
        found = self._observing.get((name, *labels))
        (self._histogram(name, labels) if found is None else found).observe(value)

    def _histogram(self, name: str, labels: tuple[str, ...]) -> PrometheusHistogram:
        meter = METERS[name]
        found = self._histograms.get(name)
        if found is None:
            assert meter.kind is Kind.HISTOGRAM, name
            found = PrometheusHistogram(
                name, meter.help, meter.labels, registry=self._registry, buckets=meter.buckets
            )
            self._histograms[name] = found
        fitting = self._fitting(meter, labels)
        found = found.labels(*fitting) if meter.labels else found
        if fitting == labels:
            self._observing[name, *labels] = found
        return found

    def families(self, readings: Iterable[Reading] = ()) -> list[Family]:
        """Everything that was counted, with `readings` beside it."""
        families = {one.name: one for one in map(_family, self._registry.collect())}
        for reading, value in self._summed(readings).items():
            name, labels = reading
            family = families.setdefault(name, Family(name, []))
            family.samples.append(Sample(name, dict(zip(METERS[name].labels, labels, strict=True)), value))
        return [*families.values(), *map(_family, self._process.collect())]

    def _summed(self, readings: Iterable[Reading]) -> dict[tuple[str, tuple[str, ...]], float]:
        """What several rooms say under one name, or values that become `other`, is one figure."""
        summed: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for name, value, labels in readings:
            summed[name, self._fitting(METERS[name], labels)] += value  # type: ignore[assignment] # counts fractions as well
        return dict(summed)

    def _fitting(self, meter: Meter, labels: tuple[str, ...]) -> tuple[str, ...]:
        assert len(labels) == len(meter.labels), meter.name
        return tuple(
            value if value in self.values_of(label) else OTHER
            for label, value in zip(meter.labels, labels, strict=True)
        )

    def values_of(self, label: str) -> Collection[str]:
        """All that the label may say here, but `other`."""
        values = LABELS[label].values
        return self._told.get(label, ()) if values is None else values


def _family(metric: Metric) -> Family:
    """The library tells when each counter was made, too: nobody asks for that."""
    samples = [
        Sample(one.name, one.labels, one.value) for one in metric.samples if not one.name.endswith("_created")
    ]
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    return Family(name, samples)
