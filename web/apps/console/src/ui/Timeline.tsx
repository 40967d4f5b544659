/**
 * A session on one axis, walked with the keyboard or a pointer.
 *
 * What lives here: the slider around the picture, its keys, and what stands at the cursor.
 * What never will: the picture (`Lanes.tsx`), where keys lead (`model/timeline.ts`).
 */

import { useEffect, useMemo, type JSX, type KeyboardEvent, type PointerEvent } from "react";
import type { Entry, SessionDocument } from "../api";
import { duration, place, plain } from "../model/format";
import { linear } from "../model/plot";
import { entryAt, extent, faultStops, levelAt, next, shownLane, stops, turnAt, widthOf, windowAround, zoomed } from "../model/timeline";
import { useCursor } from "./cursor";
import { useGatewayNow } from "./fresh";
import { NARROW, setParams, useMedia, useRoute, useWidth } from "./hooks";
import { across, GUTTER, GUTTER_NARROW, HEIGHT, Lanes } from "./Lanes";
import { Copy } from "./parts";
import { LANE_NAMES } from "./words";

const SECOND = 1_000;

export function Timeline({ document }: { readonly document: SessionDocument }): JSX.Element {
  const { row, timeline, turns } = document;
  const { params } = useRoute();
  const [measure, width] = useWidth();
  const narrow = useMedia(NARROW);
  const now = useGatewayNow();
  const [cursor, move] = useCursor(row.id);

  const whole = extent(document, now);
  const t = Math.min(cursor ?? whole, whole);
  const wide = widthOf(params["zoom"], whole);
  const { from, to } = windowAround(t, wide, whole);
  const gutter = narrow ? GUTTER_NARROW : GUTTER;
  const marks = useMemo(() => stops(document), [document]);
  const faults = useMemo(() => faultStops(document), [document]);
  const begins = useMemo(() => turns.map(({ began_ms }) => began_ms), [turns]);
  const entry = timeline[entryAt(timeline, t)];
  const turn = turnAt(turns, t);

  const asked = params["turn"];
  useEffect(() => {
    // Who comes from a picture of latencies names the turn; from here on the address names the place.
    const found = asked === undefined ? undefined : turns.find(({ n }) => String(n) === asked);
    if (found !== undefined) setParams({ turn: "", t: String(Math.round(found.began_ms) / SECOND) });
  }, [asked, turns]);

  const zoom = (direction: 1 | -1): void => setParams({ zoom: zoomed(wide, whole, direction) });
  const walk = (event: KeyboardEvent): void => {
    const to = event.altKey || event.ctrlKey || event.metaKey ? undefined : target(event, t);
    if (to === undefined) return;
    event.preventDefault();
    if (to !== "zoomed") move(Math.min(Math.max(0, to), whole));
  };
  const target = ({ key, shiftKey }: KeyboardEvent, at: number): number | "zoomed" | undefined => {
    switch (key) {
      case "ArrowRight":
      case "ArrowUp":
        return shiftKey ? at + SECOND : next(marks, at, 1);
      case "ArrowLeft":
      case "ArrowDown":
        return shiftKey ? at - SECOND : next(marks, at, -1);
      case "PageDown":
      case "]":
        return next(begins, at, 1);
      case "PageUp":
      case "[":
        return next(begins, at, -1);
      case "f":
        return next(faults, at, 1);
      case "F":
        return next(faults, at, -1);
      case "Home":
        return 0;
      case "End":
        return whole;
      case "+":
      case "=":
        zoom(1);
        return "zoomed";
      case "-":
        zoom(-1);
        return "zoomed";
      case "0":
        setParams({ zoom: "all" });
        return "zoomed";
      default:
        return undefined;
    }
  };
  const drag = (event: PointerEvent): void => {
    if (event.type === "pointermove" && (event.buttons & 1) === 0) return;
    const { left } = event.currentTarget.getBoundingClientRect();
    const x = across(from, to, gutter, width);
    const at = linear(x(from), x(to), from, to)(event.clientX - left);
    move(Math.min(Math.max(0, at), whole));
  };
  const told = `${place(t)} of ${place(whole)}${turn === undefined ? "" : `, turn ${turn.n}`}: ${entry?.text ?? ""}`;
  return (
    <section className="c-figure c-timeline" aria-labelledby="timeline">
      <div className="c-figure-head">
        <h2 id="timeline">Timeline</h2>
        <div className="c-figure-tools">
          <button type="button" className="c-button c-small" onClick={() => zoom(-1)} disabled={wide >= whole}>
            Wider
          </button>
          <button type="button" className="c-button c-small" onClick={() => zoom(1)}>
            Closer
          </button>
          <Copy text={link(t)} label="Copy link to here" />
        </div>
      </div>
      {document.truncated === true && <p className="c-note">The beginning of this session is not kept any more.</p>}
      <div
        className="c-scrub"
        ref={measure}
        role="slider"
        tabIndex={0}
        aria-label="Place in the session"
        aria-valuemin={0}
        aria-valuemax={Math.round(whole)}
        aria-valuenow={Math.round(t)}
        aria-valuetext={told}
        aria-describedby="timeline-keys"
        onKeyDown={walk}
        onPointerDown={drag}
        onPointerMove={drag}
      >
        <div className="c-lanes" style={{ blockSize: HEIGHT }}>
          {width > 0 && (
            <>
              <Lanes document={document} whole={whole} from={from} to={to} width={width} gutter={gutter} />
              <CursorLine x={across(from, to, gutter, width)(t)} width={width} />
            </>
          )}
        </div>
      </div>
      <p className="c-note c-keys" id="timeline-keys">
        <kbd>←</kbd> <kbd>→</kbd> mark by mark, with <kbd>Shift</kbd> second by second, <kbd>[</kbd> <kbd>]</kbd> turns,{" "}
        <kbd>f</kbd> faults, <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> closer, wider, all
      </p>
      <AtCursor t={t} entry={entry} turn={turn?.n} held={levelAt(document.levels ?? [], t)?.held_ms} />
    </section>
  );
}

function link(t: number): string {
  const [path = "", query = ""] = location.hash.split("?");
  const params = new URLSearchParams(query);
  params.set("t", String(Math.round(t) / SECOND));
  return `${location.origin}${location.pathname}${path}?${params.toString()}`;
}

function CursorLine({ x, width }: { readonly x: number; readonly width: number }): JSX.Element {
  return (
    <svg className="c-cursor" width={width} height={HEIGHT} aria-hidden="true">
      <path d={`M${x} 12V${HEIGHT}`} />
      <path className="c-cursor-head" d={`M${x - 5} 12h10l-5 8z`} />
    </svg>
  );
}

function AtCursor({
  t,
  entry,
  turn,
  held = 0,
}: {
  readonly t: number;
  readonly entry: Entry | undefined;
  readonly turn: number | undefined;
  readonly held: number | undefined;
}): JSX.Element {
  return (
    <div className="c-at" data-lane={entry?.lane}>
      <p className="c-at-where">
        <span className="c-time">{place(t)}</span>
        {turn !== undefined && <span>turn {turn}</span>}
        {entry !== undefined && <span>{LANE_NAMES[shownLane(entry)]}</span>}
        {held > 0 && <span>{duration(held)} held for the upstream</span>}
      </p>
      <p className="c-at-text">{entry?.text ?? "Nothing has happened yet."}</p>
      <Data data={entry?.data} />
    </div>
  );
}

function Data({ data }: { readonly data: Entry["data"] | undefined }): JSX.Element | null {
  const facts = Object.entries(data ?? {}).filter(([, value]) => value !== null && value !== "");
  if (facts.length === 0) return null;
  return (
    <dl className="c-data">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{plain(name)}</dt>
          <dd>{Array.isArray(value) ? value.join("; ") : String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
