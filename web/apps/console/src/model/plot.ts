/**
 * From values to places in a picture.
 *
 * What lives here: scales, round ticks, paths. What never will: elements, colours, words.
 */

export type Scale = (value: number) => number;

export function linear(from: number, to: number, low: number, high: number): Scale {
  const span = to - from || 1;
  return (value) => low + ((value - from) / span) * (high - low);
}

const STEPS = [1, 2, 5, 10];

/** About `wanted` round values from 0 to what holds `most`; the last one is the end of the axis. */
export function ticks(most: number, wanted = 4): readonly number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((each) => each * power >= rough) ?? 10);
  const many = Math.ceil(most / step - 1e-9);
  return Array.from({ length: many + 1 }, (_, at) => at * step);
}

const SPANS_MS = [
  100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000,
];

/** Round moments between two, at most `wanted`, and not nearer to one another than `least`. */
export function moments(from: number, to: number, wanted: number, least = 0): readonly number[] {
  const span = SPANS_MS.find((each) => each >= least && (to - from) / each <= wanted) ?? to - from + 1;
  const first = Math.ceil(from / span) * span;
  const many = Math.floor((to - first) / span) + 1;
  return Array.from({ length: Math.max(0, many) }, (_, at) => first + at * span);
}

/** A line through points; where `y` is missing it is broken. */
export function path(points: readonly (readonly [number, number | undefined])[]): string {
  let drawn = "";
  let open = false;
  for (const [x, y] of points) {
    if (y !== undefined) drawn += `${open ? "L" : "M"}${round(x)} ${round(y)}`;
    open = y !== undefined;
  }
  return drawn;
}

/** Steps from a base line: an area that a quantity fills. */
export function steps(points: readonly (readonly [number, number])[], base: number, end: number): string {
  if (points.length === 0) return "";
  const first = points[0]?.[0] ?? 0;
  const top = points.map(([, y], at) => `V${round(y)}H${round(points[at + 1]?.[0] ?? end)}`).join("");
  return `M${round(first)} ${round(base)}${top}V${round(base)}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
