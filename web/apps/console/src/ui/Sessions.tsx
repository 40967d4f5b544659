/**
 * All sessions, who needs somebody first.
 *
 * What lives here: the virtual list, its keys, the order that stands still under a pointer.
 * What never will: orders and filters (`model/list.ts`), a row's look (`SessionRow.tsx`).
 */

import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState, type JSX, type KeyboardEvent } from "react";
import { band, filters, key, listed, type Band, type Item } from "../model/list";
import type { SeenRow } from "../model/state";
import { useGatewayNow } from "./fresh";
import { Filters } from "./Filters";
import { FirstRun } from "./FirstRun";
import { NARROW, useConsole, useMedia, useRoute, useTitle, useTold } from "./hooks";
import { BandRow, COLUMNS, SessionRow, ticking } from "./SessionRow";
import { headline, many } from "./words";

const BAND_PX = 38;
/** Who needs somebody gets a second line for the sentence that says why. */
const HEIGHTS_PX = { wide: { needs: 72, others: 54 }, narrow: { needs: 134, others: 112 } };

function heightOf(item: Item | undefined, narrow: boolean): number {
  if (item?.kind !== "row") return BAND_PX;
  const heights = HEIGHTS_PX[narrow ? "narrow" : "wide"];
  return band(item.row) === "needs" ? heights.needs : heights.others;
}

function counted(rows: ReadonlyMap<string, SeenRow>): Record<Band, number> {
  const counts = { needs: 0, unsure: 0, well: 0, ended: 0 };
  for (const row of rows.values()) counts[band(row)] += 1;
  return counts;
}

export function Sessions(): JSX.Element {
  const { params } = useRoute();
  const all = useTold((state) => state.rows);
  // Drawing the list may be interrupted, so that no event of the stream holds the page up.
  const rows = useDeferredValue(all);
  const held = useTold((state) => state.held);
  const heard = useTold((state) => state.heard !== undefined);
  const counts = useMemo(() => counted(rows), [rows]);
  const list = useMemo(() => listed(rows, filters(params), held), [rows, params, held]);
  const told = heard && (rows.size > 0 || all.size === 0) ? headline(counts) : "Connecting to the gateway …";
  useTitle(counts.needs > 0 ? `(${counts.needs}) Holdfast console` : "Holdfast console");
  return (
    <div className="c-sessions">
      <div className="c-head">
        <h1 className="c-headline" data-tone={counts.needs > 0 ? "bad" : undefined}>
          {told}
        </h1>
        {rows.size > 0 && <Filters list={list} />}
      </div>
      {rows.size > 0 && <List items={list.items} displaced={list.displaced} />}
      {rows.size > 0 && list.rows === 0 && (
        <p className="c-empty">
          None of {many(rows.size, "session")} passes these filters. <a href="#/sessions">Show all</a>
        </p>
      )}
      {all.size === 0 && heard && <FirstRun />}
    </div>
  );
}

/** Nobody's pointer rests on the list for ever. */
const HELD_MS = 20_000;

function useHold(items: readonly Item[]): { readonly hold: () => void; readonly release: () => void } {
  const { store } = useConsole();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const release = useCallback(() => {
    clearTimeout(timer.current);
    store.dispatch({ type: "held", order: undefined });
  }, [store]);
  const hold = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(release, HELD_MS);
    if (store.getState().held === undefined) store.dispatch({ type: "held", order: items.map(key) });
  };
  useEffect(() => release, [release]);
  return { hold, release };
}

function List({ items, displaced }: { readonly items: readonly Item[]; readonly displaced: number }): JSX.Element {
  const now = useGatewayNow();
  const query = new URLSearchParams(useRoute().params).toString();
  const search = query === "" ? "" : `?${new URLSearchParams({ from: query }).toString()}`;
  const narrow = useMedia(NARROW);
  const scroller = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string>();
  const place = useMemo(
    () => (focused === undefined ? -1 : items.findIndex((item) => key(item) === focused)),
    [items, focused],
  );
  const size = useCallback((at: number) => heightOf(items[at], narrow), [items, narrow]);
  // Heights are measured anew when these names are: bands and rows differ in height, and they change places.
  const name = useCallback(
    (at: number) => {
      const item = items[at];
      return item === undefined ? at : key(item);
    },
    [items, narrow],
  );
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: size,
    getItemKey: name,
    overscan: 6,
    useFlushSync: false,
    // The row with the focus stays in the page wherever one scrolls to.
    rangeExtractor: useCallback(
      (range: Range) => {
        const seen = defaultRangeExtractor(range);
        return place < 0 || seen.includes(place) ? seen : [...seen, place].sort((one, other) => one - other);
      },
      [place],
    ),
  });
  const { hold, release } = useHold(items);
  const walk = (event: KeyboardEvent): void => {
    const to = target(event.key, items, place);
    const item = to === undefined ? undefined : items[to];
    if (to === undefined || item === undefined) return;
    event.preventDefault();
    setFocused(key(item));
    virtual.scrollToIndex(to, { align: "auto" });
    requestAnimationFrame(() => focusRow(scroller.current, key(item)));
  };
  return (
    <div className="c-list-room" onPointerMove={hold} onPointerLeave={release}>
      <div
        className="c-list"
        ref={scroller}
        role="table"
        aria-label="Sessions"
        aria-rowcount={items.length + 1}
        aria-colcount={COLUMNS.length}
        onKeyDown={walk}
        onFocus={(event) => {
          setFocused(rowOf(event.target));
          hold();
        }}
        onBlur={(event) => {
          if (event.currentTarget.contains(event.relatedTarget)) return;
          setFocused(undefined);
          release();
        }}
      >
        <div role="rowgroup" className="c-list-head">
          <div role="row" aria-rowindex={1} className="c-row">
            {COLUMNS.map((column) => (
              <span key={column} role="columnheader">
                {column}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" className="c-list-body" style={{ blockSize: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, size: high, key: id }) => {
            const item = items[index];
            if (item === undefined) return null;
            const style = { transform: `translateY(${start}px)`, blockSize: high };
            return item.kind === "band" ? (
              <div key={id} role="row" aria-rowindex={index + 2} className="c-band" data-band={item.band} style={style}>
                <BandRow band={item.band} count={item.count} />
              </div>
            ) : (
              <div
                key={id}
                role="row"
                aria-rowindex={index + 2}
                className="c-row"
                data-id={item.row.id}
                data-band={band(item.row)}
                style={style}
              >
                <SessionRow row={item.row} search={search} {...ticking(item.row, now)} />
              </div>
            );
          })}
        </div>
      </div>
      <Held displaced={displaced} onRelease={release} />
    </div>
  );
}

/** While somebody points or reads, rows keep their places; this says that they want to move. */
function Held({ displaced, onRelease }: { readonly displaced: number; readonly onRelease: () => void }): JSX.Element | null {
  if (displaced === 0) return null;
  return (
    <p className="c-held">
      Order held while you are here.{" "}
      <button type="button" className="c-button c-small" onClick={onRelease}>
        Sort again
      </button>
    </p>
  );
}

/** Where a key leads: to the next session, past the names of bands. */
function target(pressed: string, items: readonly Item[], from: number): number | undefined {
  const isRow = (at: number): boolean => items[at]?.kind === "row";
  const seek = (start: number, step: number): number | undefined => {
    for (let at = start; at >= 0 && at < items.length; at += step) if (isRow(at)) return at;
    return undefined;
  };
  switch (pressed) {
    case "ArrowDown":
    case "j":
      return seek(from + 1, 1);
    case "ArrowUp":
    case "k":
      return seek(from - 1, -1);
    case "PageDown":
      return seek(Math.min(items.length - 1, from + 10), 1) ?? seek(items.length - 1, -1);
    case "PageUp":
      return seek(Math.max(0, from - 10), -1) ?? seek(0, 1);
    case "Home":
      return seek(0, 1);
    case "End":
      return seek(items.length - 1, -1);
    default:
      return undefined;
  }
}

function rowOf(element: Element): string | undefined {
  return element.closest<HTMLElement>("[data-id]")?.dataset["id"];
}

function focusRow(scroller: HTMLElement | null, id: string): void {
  scroller?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"] a`)?.focus({ preventScroll: true });
}
