"""What Prometheus reads: the figures of all processes as one text.

What lives here: joining families of several processes under the label `worker`; the text, by the library.
What never will: counting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from holdfast.telemetry.meters import METERS
from holdfast.telemetry.metrics import Family

FRONT: Final = "front"
"""The process with the port, in the label `worker`."""

PROCESS: Final[Mapping[str, tuple[str, str]]] = {
    "process_cpu_seconds_total": ("counter", "Processor time of the process."),
    "process_max_fds": ("gauge", "File descriptors that it may open."),
    "process_open_fds": ("gauge", "File descriptors that are open."),
    "process_resident_memory_bytes": ("gauge", "Memory that it holds."),
    "process_start_time_seconds": ("gauge", "When it started, in seconds since 1970."),
    "process_virtual_memory_bytes": ("gauge", "Addresses that it has reserved."),
}
"""What the library itself tells of a process, under the names that everybody uses."""


def encoded(told: Mapping[str, Sequence[Family]], accept: str) -> tuple[bytes, str]:
    """The text and its content type. `told`: by process; `accept`: what the reader's header asks for."""
    encode, content_type = choose_encoder(accept)
    return encode(_Joined(told)), content_type


class _Joined(Collector):
    """Fills the library's port: families in the order of the table."""

    def __init__(self, told: Mapping[str, Sequence[Family]]) -> None:
        self._metrics: dict[str, Metric] = {}
        for name, meter in METERS.items():
            self._add(name, meter.help, str(meter.kind), meter.unit)
        for name, (kind, words) in PROCESS.items():
            self._add(name, words, kind)
        for worker, families in told.items():
            for family in families:
                metric = self._metrics.get(family.name)
                if metric is None:
                    continue  # of a process of another version
                for sample in family.samples:
                    metric.add_sample(sample.name, {"worker": worker, **sample.labels}, sample.value)

    def _add(self, name: str, words: str, kind: str, unit: str = "") -> None:
        self._metrics[name] = Metric(name.removesuffix("_total"), words, kind, unit)

    def collect(self) -> Iterator[Metric]:
        """See `Collector`. What has no value yet is named all the same."""
        return iter(self._metrics.values())
