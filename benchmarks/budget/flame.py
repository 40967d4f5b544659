"""A flame graph as SVG that stands alone: what stands on what, as wide as it takes time.

What lives here: layout, colours. What never will: samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

_WIDTH: Final = 1200.0
_ROW: Final = 17
_TOP: Final = 46
_CHAR: Final = 6.1
_LEAST: Final = 0.0015
"""Of the whole width; what is narrower is not drawn."""
COLOURS: Final = {
    "kernel": "#b9c6d2",
    "uvloop": "#d9c9a3",
    "picows": "#e2b48a",
    "msgspec": "#cfa6b8",
    "holdfast": "#7fb8a4",
    "interpreter": "#e6d8e8",
}


@dataclass(slots=True)
class _Node:
    weight: float = 0.0
    inside: dict[str, _Node] = field(default_factory=dict)


def draw(title: str, stacks: Mapping[tuple[str, ...], float], colours: Mapping[str, str]) -> str:
    """`stacks`: the outermost call first, with its microseconds; `colours`: which of `COLOURS` a name has."""
    root = _Node()
    for stack, weight in stacks.items():
        root.weight += weight
        node = root
        for name in stack:
            node = node.inside.setdefault(name, _Node())
            node.weight += weight
    depth = _depth(root, root.weight * _LEAST)
    height = _TOP + (depth + 1) * _ROW + 10
    body = [
        _box(name, box, root.weight, COLOURS[colours.get(name, "interpreter")])
        for name, box in _placed(root, depth)
    ]
    legend = [
        f'<rect x="{10 + at * 110}" y="26" width="12" height="12" fill="{shade}"/>'
        f'<text x="{26 + at * 110}" y="36">{name}</text>'
        for at, (name, shade) in enumerate(COLOURS.items())
    ]
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH:.0f}" height="{height}" fill="#ffffff"/>',
        '<g font-family="ui-monospace, monospace" font-size="10" fill="#1c2733">',
        f'<text x="10" y="16" font-size="13">{escape(title)}</text>',
    ]
    return "\n".join([*head, *legend, *body, "</g>", "</svg>", ""])


def _depth(node: _Node, least: float) -> int:
    return max((1 + _depth(one, least) for one in node.inside.values() if one.weight >= least), default=0)


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    weight: float
    top: int


def _placed(root: _Node, depth: int) -> Iterator[tuple[str, _Box]]:
    """Each box that is wide enough; what is outermost stands at the foot."""
    waiting = [("all", root, 0.0, 0)]
    for name, node, left, above in waiting:  # grows while it is walked
        yield name, _Box(left, node.weight, _TOP + (depth - above) * _ROW)
        at = left
        for inner, one in sorted(node.inside.items()):
            if one.weight >= root.weight * _LEAST:
                waiting.append((inner, one, at, above + 1))
            at += one.weight


def _box(name: str, box: _Box, whole: float, shade: str) -> str:
    x, width = box.left / whole * _WIDTH, box.weight / whole * _WIDTH
    shown = name if len(name) * _CHAR < width - 4 else name[: max(0, int((width - 10) / _CHAR))]
    told = escape(f"{name}: {box.weight:.2f} us, {box.weight / whole:.1%}")
    text = f'<text x="{x + 3:.1f}" y="{box.top + 12}">{escape(shown)}</text>' if len(shown) > 2 else ""
    return (
        f'<g><title>{told}</title><rect x="{x:.1f}" y="{box.top}" width="{max(width - 0.4, 0.3):.1f}" '
        f'height="{_ROW - 1}" fill="{shade}"/>{text}</g>'
    )


def grafted(
    stacks: Mapping[tuple[str, ...], float],
    leaves: Mapping[str, Mapping[tuple[str, ...], float]],
    leaf_of: Callable[[tuple[str, ...]], str],
) -> dict[tuple[str, ...], float]:
    """`stacks` with what each leaf kind is made of inside: `leaves` has the kinds' own stacks and weights.

    A kind that no stack ends with stands on the root.
    """
    found: dict[tuple[str, ...], float] = {}
    by_kind: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for stack, weight in stacks.items():
        by_kind.setdefault(leaf_of(stack), []).append((stack, weight))
    for kind, inner in leaves.items():
        below: Sequence[tuple[tuple[str, ...], float]] = by_kind.get(kind, [((kind,), 1.0)])
        whole = sum(weight for _, weight in below)
        for stack, weight in below:
            for inside, amount in inner.items():
                key = (*stack, *inside)
                found[key] = found.get(key, 0.0) + amount * weight / whole
    return found
