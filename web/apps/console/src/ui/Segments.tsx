/**
 * What a silence is made of: bars whose parts add up, and what their colours mean.
 *
 * What lives here: stacked bars and their legend. What never will: which turn they stand for.
 */

import { type JSX } from "react";
import { duration, plain } from "../model/format";
import { linear } from "../model/plot";
import { capital } from "./words";

export function Legend({ names }: { readonly names: readonly string[] }): JSX.Element {
  return (
    <ul className="c-legend">
      {names.map((name, at) => (
        <li key={name}>
          <svg width={12} height={12} aria-hidden="true">
            <rect className={`p-part p-part-${at % 8}`} width={12} height={12} rx={2} />
          </svg>
          {capital(plain(name))}
        </li>
      ))}
    </ul>
  );
}

const BAR = 30;
const HEAD = 22;
const LABEL_PX = 52;

/** One bar a row: its name, its parts, their sum. */
export function Stacks({
  rows,
  names,
  width,
}: {
  readonly rows: readonly { readonly title: string; readonly parts: Readonly<Record<string, number>> }[];
  readonly names: readonly string[];
  readonly width: number;
}): JSX.Element {
  const sums = rows.map(({ parts }) => names.reduce((sum, name) => sum + (parts[name] ?? 0), 0));
  const x = linear(0, Math.max(1, ...sums), 0, width);
  return (
    <>
      <svg width={width} height={rows.length * (BAR + HEAD + 10)} aria-hidden="true">
        {rows.map(({ title, parts }, at) => {
          const y = at * (BAR + HEAD + 10);
          let from = 0;
          return (
            <g key={title}>
              <text className="p-title" x={0} y={y + 14}>
                {title}: {duration(sums[at])}
              </text>
              {names.map((name, which) => {
                const ms = parts[name] ?? 0;
                const left = x(from);
                from += ms;
                const wide = x(from) - left;
                return (
                  <g key={name}>
                    <rect className={`p-part p-part-${which % 8}`} x={left} y={y + HEAD} width={Math.max(0, wide - 1.5)} height={BAR} />
                    {wide > LABEL_PX && (
                      <text className={`p-on p-on-${which % 8}`} x={left + wide / 2} y={y + HEAD + 19} textAnchor="middle">
                        {duration(ms)}
                      </text>
                    )}
                  </g>
                );
              })}
            </g>
          );
        })}
      </svg>
      <Legend names={names} />
    </>
  );
}
