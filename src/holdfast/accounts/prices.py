"""What upstreams cost: dated rows, the operator's before our own.

What lives here: the shape of a row, reading our own from `prices.toml`, finding the one that holds for a
model on a day. What never will: what was used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

_DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """The prices of one model from a day on, in US dollars for a million tokens, or for a minute of audio.

    What has no price of its own when cached costs what it costs otherwise.
    """

    model: str
    as_of: date
    source: str
    text_in: Decimal = _NOTHING
    text_cached: Decimal = _NOTHING
    text_out: Decimal = _NOTHING
    audio_in: Decimal = _NOTHING
    audio_cached: Decimal = _NOTHING
    audio_out: Decimal = _NOTHING
    image_in: Decimal = _NOTHING
    image_cached: Decimal = _NOTHING
    per_minute: Decimal | None = None

    @classmethod
    def of(cls, model: str, row: Mapping[str, Any]) -> Price:
        """From a row as it stands in a file."""
        given = {
            kind: {name: Decimal(str(value)) for name, value in (row.get(kind) or {}).items()}
            for kind in ("text", "audio", "image")
        }
        amounts = {}
        for kind, prices in given.items():
            amounts[f"{kind}_in"] = prices.get("input", _NOTHING)
            amounts[f"{kind}_cached"] = prices.get("cached", amounts[f"{kind}_in"])
            if kind != "image":
                amounts[f"{kind}_out"] = prices.get("output", _NOTHING)
        per_minute = row.get("per_minute")
        minute = None if per_minute is None else Decimal(str(per_minute))
        return cls(model, row["as_of"], row["source"], **amounts, per_minute=minute)

    @property
    def weight(self) -> Decimal:
        """For finding the dearest: what speech costs here."""
        return self.audio_in + self.audio_out + self.text_in + self.text_out


def rows_of(table: Iterable[Mapping[str, Any]]) -> list[Price]:
    """Every row of a file, one for each of its models."""
    return [Price.of(model, row) for row in table for model in row["models"]]


def own_prices() -> list[Price]:
    """Those that the package carries."""
    text = files("holdfast.accounts").joinpath("prices.toml").read_text(encoding="utf-8")
    return rows_of(tomllib.loads(text, parse_float=Decimal)["price"])


class PriceTable:
    """Prices by model. Of rows that come earlier the first fitting one counts."""

    def __init__(self, ours: Iterable[Price], operators: Iterable[Price] = ()) -> None:
        self._layers: list[dict[str, list[Price]]] = []
        for layer in (operators, ours):
            by_model: dict[str, list[Price]] = {}
            for row in layer:
                by_model.setdefault(row.model, []).append(row)
            for rows in by_model.values():
                rows.sort(key=lambda row: row.as_of, reverse=True)
            self._layers.append(by_model)

    def find(self, model: str, day: date) -> Price | None:
        """The price of a model on a day; before its first date, the first. A dated name that has no row of
        its own costs what its family does.
        """
        for name in dict.fromkeys((model, _DATED.sub("", model))):
            for layer in self._layers:
                if rows := layer.get(name):
                    return next((row for row in rows if row.as_of <= day), rows[-1])
        return None

    @cached_property
    def dearest(self) -> Price | None:
        """What a budget assumes of a model whose price nobody knows."""
        return max((row for row in self if row.per_minute is None), key=lambda row: row.weight, default=None)

    @cached_property
    def dearest_minute(self) -> Price | None:
        """The same of what is billed by duration."""
        timed = [row for row in self if row.per_minute is not None]
        return max(timed, key=lambda row: row.per_minute or _NOTHING, default=None)

    def __iter__(self) -> Any:
        for layer in self._layers:
            for rows in layer.values():
                yield from rows
