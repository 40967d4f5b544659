/**
 * A picture with the table it was drawn from, and that table as a file.
 *
 * What lives here: the frame around every plot, and its axes. What never will: what is plotted.
 */

import { type JSX, type ReactNode } from "react";
import type { Cell } from "../model/csv";
import { minute } from "../model/format";
import { moments, type Scale } from "../model/plot";
import { setParams, useRoute, useWidth } from "./hooks";
import { saveCsv } from "./parts";

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function Figure({
  id,
  title,
  note,
  table,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly note?: string | undefined;
  readonly table: Table;
  readonly children: (width: number) => ReactNode;
}): JSX.Element {
  const { params } = useRoute();
  const [measure, width] = useWidth();
  const open = (params["table"] ?? "").split(",").filter((each) => each !== "");
  const asTable = open.includes(id);
  const toggle = (): void => {
    const next = asTable ? open.filter((each) => each !== id) : [...open, id];
    setParams({ table: next.join(",") });
  };
  return (
    <section className="c-figure" aria-labelledby={`figure-${id}`}>
      <div className="c-figure-head">
        <h2 id={`figure-${id}`}>{title}</h2>
        <div className="c-figure-tools">
          <button type="button" className="c-button c-small" aria-pressed={asTable} onClick={toggle}>
            Table<span className="c-vh"> of {title}</span>
          </button>
          <button
            type="button"
            className="c-button c-small"
            onClick={() => saveCsv(`holdfast-${id}`, table.columns, table.rows)}
          >
            CSV<span className="c-vh"> of {title}</span>
          </button>
        </div>
      </div>
      {note !== undefined && <p className="c-note">{note}</p>}
      {asTable ? (
        <PlainTable {...table} title={title} />
      ) : (
        <div className="c-plot" ref={measure}>
          {width > 0 && (table.rows.length === 0 ? <p className="c-empty">Nothing to draw yet.</p> : children(width))}
        </div>
      )}
    </section>
  );
}

export function PlainTable({ columns, rows, title }: Table & { readonly title: string }): JSX.Element {
  return (
    <div className="c-scroll" role="region" aria-label={`${title}: table`} tabIndex={0}>
      <table className="c-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column} data-number={typeof cell === "number"}>
                  {cell ?? "–"}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Horizontal lines with what they stand for. */
export function Rules({
  values,
  y,
  left,
  right,
  name,
}: {
  readonly values: readonly number[];
  readonly y: Scale;
  readonly left: number;
  readonly right: number;
  readonly name: (value: number) => string;
}): JSX.Element {
  return (
    <g className="p-axis">
      {values.map((value) => (
        <g key={value}>
          <line x1={left} x2={right} y1={y(value)} y2={y(value)} />
          <text x={left - 8} y={y(value) + 4} textAnchor="end">
            {name(value)}
          </text>
        </g>
      ))}
    </g>
  );
}

/** Clock times along the foot. */
export function Hours({
  from,
  to,
  x,
  y,
  wanted,
}: {
  readonly from: number;
  readonly to: number;
  readonly x: Scale;
  readonly y: number;
  readonly wanted: number;
}): JSX.Element {
  return (
    <g className="p-axis">
      {moments(from, to, wanted, 60_000).map((at) => (
        <text key={at} x={x(at)} y={y} textAnchor="middle">
          {minute(at)}
        </text>
      ))}
    </g>
  );
}
