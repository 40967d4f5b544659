/**
 * The turns of a session: how long each silence was, and what it was made of.
 *
 * What lives here: a table in which the parts stand beside one another. What never will: their measuring.
 */

import { type JSX } from "react";
import type { SessionDocument, Turn } from "../api";
import { duration, money, place, plain } from "../model/format";
import { linear } from "../model/plot";
import { useCursor } from "./cursor";
import { Figure } from "./Figure";
import { Legend } from "./Segments";

const LINE = 30;
const LEFT = 104;
const RIGHT = 74;

/** The names of all parts, as they come. */
export function partNames(turns: readonly Turn[]): readonly string[] {
  return [...new Set(turns.flatMap(({ segments = [] }) => segments.map(({ name }) => name)))];
}

export function Turns({ document }: { readonly document: SessionDocument }): JSX.Element {
  const { turns, row } = document;
  const [, move] = useCursor(row.id);
  const names = partNames(turns);
  const rows = turns.map((turn) => [
    turn.n,
    Math.round(turn.began_ms),
    turn.silenceMs,
    ...names.map((name) => turn.segments?.find((segment) => segment.name === name)?.ms),
    turn.interruptedAfterMs,
    turn.cost_usd,
    (turn.responseIds ?? []).join(" "),
  ]);
  const columns = ["turn", "began ms", "silence ms", ...names.map((name) => `${plain(name)} ms`), "interrupted after ms", "cost", "responses"];
  return (
    <Figure id="turns" title="Turns" note="The parts add up to the silence between the user’s last word and the answer." table={{ columns, rows }}>
      {(width) => <Bars turns={turns} names={names} width={width} onMove={move} />}
    </Figure>
  );
}

function Bars({
  turns,
  names,
  width,
  onMove,
}: {
  readonly turns: readonly Turn[];
  readonly names: readonly string[];
  readonly width: number;
  readonly onMove: (t_ms: number) => void;
}): JSX.Element {
  const most = Math.max(1, ...turns.map(({ silenceMs }) => silenceMs ?? 0));
  const x = linear(0, most, 0, width - LEFT - RIGHT);
  return (
    <>
      <ol className="c-turns">
        {turns.map((turn) => (
          <li key={turn.n} style={{ blockSize: LINE }}>
            <button type="button" className="c-turn" onClick={() => onMove(turn.began_ms)}>
              <span className="c-number">{turn.n}</span> <span className="c-time">{place(turn.began_ms)}</span>
            </button>
            <svg width={width - LEFT - RIGHT} height={14} aria-hidden="true">
              <Stack turn={turn} names={names} x={x} />
            </svg>
            <span className="r-number">
              {duration(turn.silenceMs)}
              <span className="c-vh"> of silence</span>
            </span>
            {(turn.interruptedAfterMs != null || turn.cost_usd != null) && (
              <span className="c-vh">
                {turn.interruptedAfterMs != null && `, interrupted after ${duration(turn.interruptedAfterMs)}`}, {money(turn.cost_usd)}
              </span>
            )}
          </li>
        ))}
      </ol>
      <Legend names={names} />
    </>
  );
}

function Stack({ turn, names, x }: { readonly turn: Turn; readonly names: readonly string[]; readonly x: (ms: number) => number }): JSX.Element {
  let from = 0;
  return (
    <>
      {(turn.segments ?? []).map(({ name, ms }) => {
        const left = x(from);
        from += ms;
        return <rect key={name} className={`p-part p-part-${names.indexOf(name) % 8}`} x={left} y={0} width={Math.max(0.5, x(from) - left)} height={14} />;
      })}
    </>
  );
}
