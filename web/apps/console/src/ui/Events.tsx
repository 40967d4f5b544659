/**
 * Every mark of a timeline as text, in order: what the picture shows, for reading, searching and saving.
 *
 * What lives here: the virtual list of marks. What never will: sessions.
 */

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type JSX } from "react";
import type { SessionDocument } from "../api";
import { place } from "../model/format";
import { entryAt, shownLane } from "../model/timeline";
import { useCursor } from "./cursor";
import { saveCsv } from "./parts";
import { LANE_NAMES } from "./words";

const LINE_PX = 32;
const COLUMNS = ["ms", "lane", "kind", "text", "lasted ms", "data"];

export function Events({ document }: { readonly document: SessionDocument }): JSX.Element {
  const { row, timeline } = document;
  const [cursor, move] = useCursor(row.id);
  const scroller = useRef<HTMLOListElement>(null);
  const at = cursor === undefined ? timeline.length - 1 : entryAt(timeline, cursor);
  const virtual = useVirtualizer({
    count: timeline.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 10,
    useFlushSync: false,
  });
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [virtual, at]);
  const save = (): void =>
    saveCsv(
      `holdfast-${row.id}`,
      COLUMNS,
      timeline.map((entry) => [
        entry.t_ms,
        entry.lane,
        entry.kind,
        entry.text,
        entry.durationMs,
        entry.data == null ? "" : JSON.stringify(entry.data),
      ]),
    );
  return (
    <section className="c-figure c-events" aria-labelledby="events">
      <div className="c-figure-head">
        <h2 id="events">Events</h2>
        <button type="button" className="c-button c-small" onClick={save}>
          CSV<span className="c-vh"> of the events</span>
        </button>
      </div>
      <ol ref={scroller} aria-label="Events" tabIndex={0}>
        <li className="c-events-room" aria-hidden="true" style={{ blockSize: virtual.getTotalSize() }} />
        {virtual.getVirtualItems().map(({ index, start, key }) => {
          const entry = timeline[index];
          if (entry === undefined) return null;
          return (
            <li
              key={key}
              aria-setsize={timeline.length}
              aria-posinset={index + 1}
              aria-current={index === at ? "step" : undefined}
              data-lane={entry.lane}
              style={{ transform: `translateY(${start}px)`, blockSize: LINE_PX }}
            >
              <button type="button" tabIndex={-1} onClick={() => move(entry.t_ms)} title={entry.text}>
                <span className="c-time">{place(entry.t_ms)}</span>
                <span className="c-event-lane">{LANE_NAMES[shownLane(entry)]}</span>
                <span className="c-event-text">{entry.text}</span>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
