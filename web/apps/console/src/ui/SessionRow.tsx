/**
 * One session in the list, and the name of a band.
 *
 * What lives here: how they look, wide and narrow. What never will: where they stand.
 */

import { memo, type JSX } from "react";
import { audioAge, count, duration, money, short } from "../model/format";
import type { Band } from "../model/list";
import type { SeenRow } from "../model/state";
import { Strip } from "./Strip";
import { BAND_NAMES, SOURCES, STATES, named } from "./words";

export const COLUMNS = ["Session", "Way of the sound", "State", "Upstream", "Audio in", "Audio out", "Turns", "Silence", "Cost", "Age"];

export interface RowProps {
  readonly row: SeenRow;
  /** What ticks, as text, so that a row whose text stays renders nothing. */
  readonly heard: string;
  readonly said: string;
  readonly age: string;
  readonly search: string;
}

/** The texts of a row that change by themselves. */
export function ticking(row: SeenRow, now: number): Pick<RowProps, "heard" | "said" | "age"> {
  const over = row.state === "ended";
  return {
    heard: over ? "" : audioAge(row.lastIn_ms, row.asOf, now),
    said: over ? "" : audioAge(row.lastOut_ms, row.asOf, now),
    age: short((over ? (row.endedAt ?? row.asOf) : now) - row.beganAt),
  };
}

function RowOf({ row, heard, said, age, search }: RowProps): JSX.Element {
  const { upstream, silence_ms: silence } = row;
  return (
    <>
      <div role="cell" className="r-what">
        <a href={`#/session/${encodeURIComponent(row.id)}${search}`} title={row.why}>
          {row.why}
        </a>
        <span className="r-who">
          <span className="r-id" title={row.id}>
            {row.id}
          </span>
          {row.customer != null && <span>{row.customer}</span>}
          <span>{named(SOURCES, row.source)}</span>
          {row.lastFault != null && <span className="r-fault">{row.lastFault.code}</span>}
        </span>
      </div>
      <div role="cell" className="r-strip">
        <Strip health={row.health} />
      </div>
      <div role="cell" className="r-state" data-state={row.state}>
        {named(STATES, row.state)}
      </div>
      <div role="cell" className="r-upstream">
        {upstream == null ? "–" : upstream.name}
        <small>{upstream?.model}</small>
      </div>
      <div role="cell" className="r-in r-number">
        {heard !== "" && <span className="r-label">in </span>}
        {heard}
      </div>
      <div role="cell" className="r-out r-number">
        {said !== "" && <span className="r-label">out </span>}
        {said}
      </div>
      <div role="cell" className="r-turns r-number">
        {count(row.turns)}
        <span className="r-label"> turns</span>
      </div>
      <div role="cell" className="r-silence r-number">
        {silence != null && <span className="r-label">silence </span>}
        {duration(silence)}
      </div>
      <div role="cell" className="r-cost r-number">
        {row.costEstimated === true && row.cost_usd != null && <abbr title="estimated">≈</abbr>}
        {money(row.cost_usd)}
      </div>
      <div role="cell" className="r-age r-number">
        {age}
      </div>
    </>
  );
}

export const SessionRow = memo(RowOf);


export function BandRow({ band: its, count: many }: { readonly band: Band; readonly count: number }): JSX.Element {
  return (
    <div role="cell" aria-colspan={COLUMNS.length} className="r-band-name">
      {BAND_NAMES[its]} <span className="c-number">{count(many)}</span>
    </div>
  );
}
