/**
 * A session on one axis: where its marks stand, and where a key leads.
 *
 * What lives here: lanes, stops, windows. What never will: pixels of a picture (`ui/Timeline.tsx`).
 */

import type { Entry, Level, SessionDocument, Turn } from "../api";

/** Lanes as they are drawn; what somebody lost stands beside the fault that took it. */
export const SHOWN = ["user", "silence", "assistant", "tool", "upstream", "client", "fault"] as const;
export type Shown = (typeof SHOWN)[number];

const LANES: ReadonlySet<string> = new Set(SHOWN);

export function shownLane(entry: Entry): Shown {
  return LANES.has(entry.lane) ? (entry.lane as Shown) : "fault";
}

/** How long the session is on its axis, in ms: up to now while it runs. Never 0, so that it can be divided by. */
export function extent(document: SessionDocument, now: number): number {
  const { row, timeline, turns } = document;
  const end = row.endedAt ?? (row.state === "ended" ? 0 : now);
  const marks = timeline.map((entry) => entry.t_ms + (entry.durationMs ?? 0));
  const spoken = turns.map((turn) => turn.began_ms);
  return Math.max(1_000, end - row.beganAt, ...marks.slice(-50), ...spoken.slice(-5));
}

/** Where the cursor stops: at each mark once, in order. */
export function stops(document: SessionDocument): readonly number[] {
  const all = [...document.timeline.map(({ t_ms }) => t_ms), ...document.turns.map(({ began_ms }) => began_ms)];
  return [...new Set(all)].sort((one, other) => one - other);
}

/** The stop before or behind `t`; where there is none, `t`. */
export function next(from: readonly number[], t: number, direction: 1 | -1): number {
  if (direction > 0) return from.find((stop) => stop > t + 0.5) ?? t;
  return from.findLast((stop) => stop < t - 0.5) ?? t;
}

export function faultStops(document: SessionDocument): readonly number[] {
  return document.timeline.filter((entry) => shownLane(entry) === "fault").map(({ t_ms }) => t_ms);
}

/** The last mark at or before `t`, and its place in the timeline. */
export function entryAt(timeline: readonly Entry[], t: number): number {
  return timeline.findLastIndex((entry) => entry.t_ms <= t + 0.5);
}

export function levelAt(levels: readonly Level[], t: number): Level | undefined {
  return levels.findLast((level) => level.t_ms <= t + 0.5);
}

export function turnAt(turns: readonly Turn[], t: number): Turn | undefined {
  return turns.findLast((turn) => turn.began_ms <= t + 0.5);
}

/** What of the session is seen: `width` around the cursor. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

export function windowAround(t: number, width: number, whole: number): Window {
  const from = Math.min(Math.max(0, t - width / 2), whole - width);
  return { from, to: from + width };
}

const USUAL_MS = 120_000;
const NEAREST_MS = 2_000;

/** How much is seen, as the address says it: `all`, seconds, or nothing: all of a short session, two minutes of a long. */
export function widthOf(zoom: string | undefined, whole: number): number {
  if (zoom === undefined) return whole <= 1.5 * USUAL_MS ? whole : USUAL_MS;
  const wide = 1_000 * Number(zoom);
  return wide > 0 ? Math.min(wide, whole) : whole;
}

/** What the address says of half as much, or of twice as much. */
export function zoomed(width: number, whole: number, direction: 1 | -1): string {
  if (direction > 0) return String(Math.round(Math.max(NEAREST_MS, width / 2)) / 1_000);
  return width * 2 >= whole ? "all" : String(Math.round(width * 2) / 1_000);
}

/** One part of a turn's silence, on the session's axis. */
export interface Part {
  readonly turn: number;
  readonly name: string;
  readonly from: number;
  readonly ms: number;
}

/** The silences of all turns, cut into what they were made of; each begins where the user's speech ended. */
export function parts(turns: readonly Turn[]): readonly Part[] {
  const all: Part[] = [];
  for (const turn of turns) {
    if (turn.endedMs == null) continue;
    let from = turn.endedMs;
    for (const { name, ms } of turn.segments ?? []) {
      all.push({ turn: turn.n, name, from, ms });
      from += ms;
    }
  }
  return all;
}
