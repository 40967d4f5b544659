"""Segments of a wait as a strip: in text for a terminal, as SVG for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MS_PER_CHAR: Final = 10
_MARKS: Final = "=#+*~"
_COLOURS: Final = ("#9aa5b1", "#2563eb", "#0d9488", "#d97706", "#7c3aed")
_WIDTH: Final = 900


def text_strip(segments: Mapping[str, float]) -> str:
    """One line of marks, ten milliseconds each, and a legend."""
    strip = "".join(
        _MARKS[at % len(_MARKS)] * max(1, round(ms / _MS_PER_CHAR)) for at, ms in enumerate(segments.values())
    )
    legend = "  ".join(
        f"{_MARKS[at % len(_MARKS)]} {name} {ms:.0f} ms" for at, (name, ms) in enumerate(segments.items())
    )
    return f"  |{strip}|\n  {legend}"


def svg(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Rows of segments to one scale, with a legend below."""
    longest = max(sum(segments.values()) for segments in rows.values())
    names = list(next(iter(rows.values())))
    height = 60 * len(rows) + 40
    box = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {box}>']
    for at, (name, segments) in enumerate(rows.items()):
        parts.append(f'<text x="0" y="{60 * at + 14}">{name}: {sum(segments.values()):.0f} ms</text>')
        left = 0.0
        for segment, ms in segments.items():
            width = ms / longest * _WIDTH
            colour = _COLOURS[names.index(segment) % len(_COLOURS)]
            parts.append(
                f'<rect x="{left:.1f}" y="{60 * at + 22}" width="{max(width, 1):.1f}" '
                f'height="24" fill="{colour}"/>'
            )
            left += width
    for at, name in enumerate(names):
        left = at * _WIDTH / len(names)
        parts.append(f'<rect x="{left:.0f}" y="{height - 24}" width="12" height="12" fill="{_COLOURS[at]}"/>')
        parts.append(f'<text x="{left + 18:.0f}" y="{height - 13}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
