/**
 * The silence that users hear: over time, what it is made of, and the very turns behind each bar.
 *
 * What lives here: three pictures of one thing. What never will: measuring it.
 */

import { type JSX } from "react";
import type { Bucket, Latency } from "../api";
import { clock, duration, minute, plain, tick } from "../model/format";
import { linear, path, ticks } from "../model/plot";
import { Figure, Hours, Rules } from "./Figure";
import { setParams, useRoute, useTitle, useTold } from "./hooks";
import { Stacks } from "./Segments";
import { many } from "./words";

const LEFT = 58;
const FOOT = 24;
const HEIGHT = 200;
const LINES = ["p50", "p95", "p99"] as const;

const SIDES: Readonly<Record<string, string>> = {
  browser: "Measured at the user’s ear.",
  server: "Measured at the gateway: these clients don’t tell what their users hear, which is longer.",
};

export function LatencyPage(): JSX.Element {
  const latency = useTold((state) => state.latency);
  useTitle("Latency · Holdfast console");
  if (latency === undefined || latency.histogram.every(({ count }) => count === 0)) {
    return (
      <>
        <h1 className="c-headline">No answered turn has been measured yet.</h1>
        <p className="c-empty">
          After the first answer, the silence before it is here, cut into what it was made of.{" "}
          <a href="#/sessions">Look for conversations</a>.
        </p>
      </>
    );
  }
  const { p50, p95, sides, leftOut = 0 } = latency;
  return (
    <>
      <div>
        <h1 className="c-headline">
          Half of all answers begin within {duration(p50["total"])}, 95 of 100 within {duration(p95["total"])}.
        </h1>
        {sides !== undefined && (
          <p className="c-note">
            {SIDES[sides]}
            {leftOut > 0 && ` Without ${many(leftOut, "turn")} of clients that don’t tell what their users hear.`}
          </p>
        )}
      </div>
      <div className="c-columns">
        <Parts latency={latency} />
        <Series latency={latency} />
      </div>
      <Histogram latency={latency} />
    </>
  );
}

function Parts({ latency }: { readonly latency: Latency }): JSX.Element {
  const { segments, p50, p95 } = latency;
  const rows = [
    { title: "A usual turn", parts: p50 },
    { title: "One of the slowest 5 %", parts: p95 },
  ];
  const cells = rows.map(({ title, parts }) => [title, ...segments.map((name) => parts[name]), parts["total"]]);
  return (
    <Figure
      id="segments"
      title="What the silence is made of"
      table={{ columns: ["turn", ...segments.map((name) => `${plain(name)} ms`), "silence ms"], rows: cells }}
    >
      {(width) => <Stacks rows={rows} names={segments} width={width} />}
    </Figure>
  );
}

function Series({ latency }: { readonly latency: Latency }): JSX.Element {
  const { series } = latency;
  const rows = series.map(({ at, p50, p95, p99, turns }) => [new Date(at).toISOString(), p50, p95, p99, turns]);
  return (
    <Figure id="silence" title="Silence, minute by minute" table={{ columns: ["minute", "p50 ms", "p95 ms", "p99 ms", "turns"], rows }}>
      {(width) => {
        const from = series[0]?.at ?? 0;
        const to = Math.max(series.at(-1)?.at ?? 0, from + 600_000);
        const values = ticks(Math.max(...series.map(({ p99 }) => p99)));
        const x = linear(from, to, LEFT, width - 40);
        const y = linear(0, values.at(-1) ?? 1, HEIGHT - FOOT, 10);
        const last = series.at(-1);
        return (
          <svg width={width} height={HEIGHT} role="img" aria-label={`Silence from ${minute(from)} to ${minute(to)}; as a table by its button`}>
            <Rules values={values} y={y} left={LEFT} right={width} name={tick} />
            <Hours from={from} to={to} x={x} y={HEIGHT - 6} wanted={Math.max(2, Math.floor(width / 110))} />
            {LINES.map((line) => (
              <path key={line} className={`p-line p-line-${line}`} d={path(series.map((point) => [x(point.at), y(point[line])]))} />
            ))}
            {last !== undefined && <Ends at={x(last.at)} places={LINES.map((line) => y(last[line]))} />}
          </svg>
        );
      }}
    </Figure>
  );
}

const APART_PX = 15;

/** Where each line ends, and its name, a line of text apart from the others. */
function Ends({ at, places }: { readonly at: number; readonly places: readonly number[] }): JSX.Element {
  let above = Infinity;
  return (
    <>
      {LINES.map((line, which) => {
        const y = places[which] ?? 0;
        above = Math.min(y + 4, above - APART_PX);
        return (
          <g key={line}>
            <circle className={`p-end-${line}`} cx={at} cy={y} r={2.5} />
            <text x={at + 8} y={above}>
              {line}
            </text>
          </g>
        );
      })}
    </>
  );
}

function range({ fromMs, toMs }: Bucket): string {
  return toMs == null ? `${duration(fromMs)} and more` : `${duration(fromMs)} to ${duration(toMs)}`;
}

function Histogram({ latency }: { readonly latency: Latency }): JSX.Element {
  const { params } = useRoute();
  const buckets = trimmed(latency.histogram);
  const chosen = buckets.find(({ fromMs }) => String(fromMs) === params["bucket"]);
  const rows = buckets.map(({ fromMs, toMs, count, examples }) => [
    fromMs,
    toMs,
    count,
    examples.map(({ session, turn }) => `${session}/${turn}`).join(" "),
  ]);
  return (
    <Figure
      id="histogram"
      title="How often how long"
      note="Choose a bar to see turns that took so long."
      table={{ columns: ["from ms", "to ms", "turns", "examples"], rows }}
    >
      {(width) => (
        <>
          <BucketBars buckets={buckets} width={width} chosen={chosen?.fromMs} />
          {chosen !== undefined && <Examples bucket={chosen} />}
        </>
      )}
    </Figure>
  );
}

const FEWEST = 8;

/** Without the empty ends, but never so few that a bar looks like a wall. */
function trimmed(buckets: readonly Bucket[]): readonly Bucket[] {
  const last = buckets.findLastIndex(({ count }) => count > 0);
  const first = Math.max(0, buckets.findIndex(({ count }) => count > 0) - 1);
  return buckets.slice(first, Math.max(last + 2, first + FEWEST));
}

function BucketBars({
  buckets,
  width,
  chosen,
}: {
  readonly buckets: readonly Bucket[];
  readonly width: number;
  readonly chosen: number | undefined;
}): JSX.Element {
  const values = ticks(Math.max(...buckets.map(({ count }) => count)), 3);
  const step = (width - LEFT) / buckets.length;
  const y = linear(0, values.at(-1) ?? 1, HEIGHT - FOOT, 10);
  const every = Math.ceil(56 / step);
  return (
    <svg width={width} height={HEIGHT} role="group" aria-label="Turns by the length of their silence">
      <Rules values={values} y={y} left={LEFT} right={width} name={(value) => String(value)} />
      {buckets.map((bucket, at) => {
        const left = LEFT + at * step;
        const name = `${range(bucket)}: ${many(bucket.count, "turn")}`;
        return (
          <g key={bucket.fromMs}>
            {bucket.count > 0 && (
              <a
                href={`#/latency?bucket=${bucket.fromMs}`}
                aria-label={name}
                aria-current={bucket.fromMs === chosen ? "true" : undefined}
                onClick={(event) => {
                  event.preventDefault();
                  setParams({ bucket: bucket.fromMs === chosen ? "" : String(bucket.fromMs) });
                }}
              >
                <title>{name}</title>
                <rect className="p-hit" x={left} y={8} width={step} height={HEIGHT - FOOT - 8} />
                <rect className="p-bar" x={left + 1} y={y(bucket.count)} width={Math.max(1, step - 2)} height={HEIGHT - FOOT - y(bucket.count)} />
              </a>
            )}
            {at % every === 0 && (
              <text className="p-tick" x={left} y={HEIGHT - 6}>
                {tick(bucket.fromMs)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

function Examples({ bucket }: { readonly bucket: Bucket }): JSX.Element {
  const rows = useTold((state) => state.rows);
  return (
    <div className="c-examples" role="status">
      <h3>
        {range(bucket)}: the newest of {many(bucket.count, "turn")}
      </h3>
      <ul>
        {bucket.examples.map(({ session, turn }) => {
          const row = rows.get(session);
          return (
            <li key={`${session} ${turn}`}>
              <a href={`#/session/${encodeURIComponent(session)}?turn=${turn}`}>
                Turn {turn} of <span className="r-id">{session}</span>
              </a>
              {row !== undefined && (
                <span className="c-note">
                  {row.customer} · {row.upstream?.name} · began {clock(row.beganAt)}
                </span>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
