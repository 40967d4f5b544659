/**
 * The picture of a session: lanes of marks and bars, silences cut into their parts, and what waited in the gateway.
 *
 * What lives here: drawing. What never will: the cursor (`Timeline.tsx`), which changes many times a second.
 */

import { memo, type JSX } from "react";
import type { Entry, Level, SessionDocument, Turn } from "../api";
import { duration, placeTick } from "../model/format";
import { linear, moments, steps, type Scale } from "../model/plot";
import { SHOWN, parts, shownLane, type Shown } from "../model/timeline";
import { LANE_NAMES } from "./words";

export const GUTTER = 92;
export const GUTTER_NARROW = 74;
const OVERVIEW = 10;
const AXIS = OVERVIEW + 26;
const LANE = 30;
const LEVELS = 46;
export const HEIGHT = AXIS + SHOWN.length * LANE + LEVELS + 4;
/** A page draws no more than this many marks; closer, all of them are there. */
const MARKS_MAX = 1_500;
const LABEL_PX = 54;
/** Room for half a mark behind the last one. */
const END = 8;

/** The session's time across the picture. */
export function across(from: number, to: number, gutter: number, width: number): Scale {
  return linear(from, to, gutter, width - END);
}

export interface LanesProps {
  readonly document: SessionDocument;
  readonly whole: number;
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly gutter: number;
}

function middle(lane: Shown): number {
  return AXIS + SHOWN.indexOf(lane) * LANE + LANE / 2;
}

function LanesOf({ document, whole, from, to, width, gutter }: LanesProps): JSX.Element {
  const x = across(from, to, gutter, width);
  const { timeline, turns, levels = [] } = document;
  const seen = timeline.filter(({ t_ms, durationMs }) => t_ms + (durationMs ?? 0) >= from && t_ms <= to);
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      <clipPath id="lanes">
        <rect x={gutter - 6} y={0} width={width - gutter + 6} height={HEIGHT} />
      </clipPath>
      <Overview document={document} whole={whole} from={from} to={to} width={width} gutter={gutter} />
      <Frame from={from} to={to} x={x} width={width} gutter={gutter} />
      <g clipPath="url(#lanes)">
        <Turns turns={turns} x={x} to={to} />
        <Silences turns={turns} x={x} />
        {seen.slice(0, MARKS_MAX).map((entry, at) => (
          <Mark key={at} entry={entry} x={x} />
        ))}
        <Levels levels={levels} x={x} to={to} />
      </g>
    </svg>
  );
}

export const Lanes = memo(LanesOf);

/** The whole session in one line: which part of it is seen, and where its faults are. */
function Overview({ document, whole, from, to, width, gutter }: LanesProps): JSX.Element | null {
  if (to - from >= whole) return null;
  const x = across(0, whole, gutter, width);
  return (
    <g className="p-overview">
      <rect className="p-all" x={gutter} y={3} width={width - END - gutter} height={4} rx={2} />
      <rect className="p-seen" x={x(from)} y={0} width={Math.max(4, x(to) - x(from))} height={OVERVIEW} rx={2} />
      {document.timeline
        .filter((entry) => shownLane(entry) === "fault")
        .map(({ t_ms }, at) => (
          <rect key={at} className="p-fault-at" x={x(t_ms) - 1} y={1} width={2.5} height={OVERVIEW - 2} />
        ))}
    </g>
  );
}

function Frame({ from, to, x, width, gutter }: Omit<LanesProps, "document" | "whole"> & { readonly x: Scale }): JSX.Element {
  const marks = moments(from, to, Math.max(2, Math.floor((width - gutter) / 90)));
  const step = (marks[1] ?? to) - (marks[0] ?? from);
  return (
    <g className="p-axis">
      {marks.map((at) => (
        <g key={at}>
          <line x1={x(at)} x2={x(at)} y1={AXIS - 4} y2={HEIGHT} />
          <text x={x(at) + 5} y={AXIS - 8}>
            {placeTick(at, step)}
          </text>
        </g>
      ))}
      {SHOWN.map((lane) => (
        <g key={lane}>
          <line className="p-lane" x1={0} x2={width} y1={middle(lane) + LANE / 2} y2={middle(lane) + LANE / 2} />
          <text x={0} y={middle(lane) + 4}>
            {LANE_NAMES[lane]}
          </text>
        </g>
      ))}
      <text x={0} y={HEIGHT - LEVELS / 2 + 4}>
        Held
      </text>
    </g>
  );
}

function Turns({ turns, x, to }: { readonly turns: readonly Turn[]; readonly x: Scale; readonly to: number }): JSX.Element {
  return (
    <g className="p-turns">
      {turns.map(({ n, began_ms }, at) => {
        const left = x(began_ms);
        const wide = x(turns[at + 1]?.began_ms ?? to) - left;
        return at % 2 === 0 ? (
          <rect key={n} x={left} y={AXIS} width={Math.max(0, wide)} height={HEIGHT - AXIS} />
        ) : null;
      })}
    </g>
  );
}

/** The parts stand where the silence was, one behind the other, and add up to it. */
function Silences({ turns, x }: { readonly turns: readonly Turn[]; readonly x: Scale }): JSX.Element {
  const y = middle("silence");
  const names = [...new Set(parts(turns).map(({ name }) => name))];
  return (
    <>
      {parts(turns).map(({ turn, name, from, ms }) => (
        <rect
          key={`${turn} ${name}`}
          className={`p-part p-part-${names.indexOf(name) % 8}`}
          x={x(from)}
          y={y - 7}
          width={Math.max(0.5, x(from + ms) - x(from))}
          height={14}
        />
      ))}
      {turns.map(({ n, endedMs, silenceMs }) => {
        if (endedMs == null || silenceMs == null) return null;
        const wide = x(endedMs + silenceMs) - x(endedMs);
        return wide < LABEL_PX ? null : (
          <text key={n} className="p-on" x={x(endedMs) + wide / 2} y={y + 4} textAnchor="middle">
            {duration(silenceMs)}
          </text>
        );
      })}
    </>
  );
}

function Mark({ entry, x }: { readonly entry: Entry; readonly x: Scale }): JSX.Element {
  const lane = shownLane(entry);
  const y = middle(lane);
  const at = x(entry.t_ms);
  const className = `p-mark p-${lane} p-kind-${entry.kind.replace(/[^a-z]/g, "-")}`;
  if (entry.durationMs != null && entry.durationMs > 0) {
    const wide = Math.max(2, x(entry.t_ms + entry.durationMs) - at);
    return <rect className={className} x={at} y={y - 7} width={wide} height={14} rx={2} />;
  }
  return <path className={className} d={shape(entry.kind, at, y)} />;
}

/** Marks differ in shape, so that nobody has to tell them by their colour. What ends stands before its moment, what
 * begins behind it: an upstream that is lost and replaced at once shows both. */
function shape(kind: string, x: number, y: number): string {
  switch (kind) {
    case "fault":
    case "loss":
      return `M${x} ${y - 7}l7 7l-7 7l-7 -7z`;
    case "lost":
    case "away":
    case "ended":
      return `M${x - 10} ${y - 5}l10 10M${x} ${y - 5}l-10 10`;
    case "live":
    case "rebuilt":
    case "back":
    case "began":
      return `M${x + 1} ${y - 6}l8 6l-8 6z`;
    case "interrupted":
      return `M${x} ${y - 11}v22`;
    default:
      return `M${x} ${y - 5}v10`;
  }
}

function Levels({ levels, x, to }: { readonly levels: readonly Level[]; readonly x: Scale; readonly to: number }): JSX.Element {
  const most = Math.max(1_000, ...levels.map(({ held_ms = 0 }) => held_ms));
  const y = linear(0, most, HEIGHT - 4, HEIGHT - LEVELS + 6);
  const held = levels.map(({ t_ms, held_ms = 0 }): readonly [number, number] => [x(t_ms), y(held_ms)]);
  return <path className="p-held" d={steps(held, HEIGHT - 4, x(to))} />;
}
