/**
 * Whose fault it was: every fault on one axis, a lane for each party, and how often each code came.
 *
 * What lives here: the picture, the counts, the filters. What never will: what a code means.
 */

import { useEffect, useMemo, type JSX } from "react";
import type { FaultSeen } from "../api";
import { byCode, faultsShown, parties, PARTY_ORDER, SPANS, type Blamed } from "../model/blame";
import { clock, short } from "../model/format";
import { linear } from "../model/plot";
import { Figure, Hours } from "./Figure";
import { useGatewayNow } from "./fresh";
import { setParams, useConsole, useRoute, useTitle, useTold } from "./hooks";
import { Choice, Remedy } from "./parts";
import { many, named, PARTIES } from "./words";

const LANE = 30;
const LEFT = 116;
const FOOT = 24;
const NEWEST = 50;
const SPAN_NAMES: Readonly<Record<string, string>> = { "10m": "last 10 minutes", "1h": "last hour", "24h": "last 24 hours" };
const COLUMNS = ["time", "party", "code", "message", "session", "upstream", "ended the session", "evidence"];

export function FaultsPage(): JSX.Element {
  const console = useConsole();
  const { params } = useRoute();
  const all = useTold((state) => state.faults);
  const now = useGatewayNow();
  useEffect(() => void console.earlierFaults(), [console]);
  const faults = useMemo(() => faultsShown(all, params, now), [all, params, now]);
  const codes = useMemo(() => byCode(faults), [faults]);
  useTitle("Faults · Holdfast console");
  return (
    <>
      <div className="c-head">
        <h1 className="c-headline">{headline(faults, codes)}</h1>
        <Narrow all={all} />
      </div>
      {faults.length > 0 && <Picture faults={faults} now={now} />}
      {all.length === 0 && (
        <p className="c-empty">
          What goes wrong stands here with whose fault it was, how many conversations it met, and what to do.
        </p>
      )}
      <Codes codes={codes} now={now} />
      {faults.length > 0 && <Newest faults={faults} />}
    </>
  );
}

function headline(faults: readonly FaultSeen[], codes: readonly Blamed[]): string {
  const [worst] = codes;
  if (worst === undefined) return "No faults.";
  const whose = named(PARTIES, worst.party);
  return codes.length === 1
    ? `${many(faults.length, "fault")}, all at one door: ${whose}.`
    : `${many(faults.length, "fault")}; most often ${worst.code}.`;
}

function Narrow({ all }: { readonly all: readonly FaultSeen[] }): JSX.Element {
  const { params } = useRoute();
  const codes = [...new Set(all.map(({ code }) => code))].sort();
  return (
    <form className="c-filters" role="search" aria-label="Filter faults" onSubmit={(event) => event.preventDefault()}>
      <Choice
        label="Time"
        value={params["span"] ?? ""}
        options={[["", "all that is known"], ...Object.keys(SPANS).map((span) => [span, named(SPAN_NAMES, span)] as const)]}
        onChoose={(span) => setParams({ span })}
      />
      <Choice
        label="Party"
        value={params["party"] ?? ""}
        options={[["", "anybody"], ...PARTY_ORDER.map((party) => [party, named(PARTIES, party)] as const)]}
        onChoose={(party) => setParams({ party })}
      />
      <Choice
        label="Code"
        value={params["code"] ?? ""}
        options={[["", "any"], ...codes.map((code) => [code, code] as const)]}
        onChoose={(code) => setParams({ code })}
      />
    </form>
  );
}

function cells(faults: readonly FaultSeen[]): (string | null | undefined)[][] {
  return faults.map((fault) => [
    new Date(fault.at).toISOString(),
    fault.party,
    fault.code,
    fault.message,
    fault.session,
    fault.upstream,
    fault.ended === true ? "yes" : "no",
    (fault.evidence ?? []).join("; "),
  ]);
}

function Picture({ faults, now }: { readonly faults: readonly FaultSeen[]; readonly now: number }): JSX.Element {
  const lanes = parties(faults);
  const height = lanes.length * LANE + FOOT;
  const from = Math.min(faults[0]?.at ?? now, now - 60_000);
  const middle = (party: string): number => lanes.indexOf(party) * LANE + LANE / 2;
  return (
    <Figure
      id="faults"
      title="Faults by party"
      note="A filled mark ended its session; after an open one the session went on."
      table={{ columns: COLUMNS, rows: cells(faults) }}
    >
      {(width) => {
        const x = linear(from, now, LEFT, width - 10);
        return (
          <svg width={width} height={height} role="img" aria-label={`${many(faults.length, "fault")} by party and time; as a table by its button`}>
            <g className="p-axis">
              {lanes.map((party) => (
                <g key={party}>
                  <line className="p-lane" x1={0} x2={width} y1={middle(party) + LANE / 2} y2={middle(party) + LANE / 2} />
                  <text x={0} y={middle(party) + 4}>
                    {named(PARTIES, party)}
                  </text>
                </g>
              ))}
            </g>
            <Hours from={from} to={now} x={x} y={height - 6} wanted={Math.max(2, Math.floor((width - LEFT) / 90))} />
            {faults.map(({ id, at, party, ended }) => (
              <path
                key={id}
                className={ended === true ? "p-fault-ended" : "p-fault-survived"}
                d={`M${x(at)} ${middle(party) - 7}l6 7l-6 7l-6 -7z`}
              />
            ))}
          </svg>
        );
      }}
    </Figure>
  );
}

function Codes({ codes, now }: { readonly codes: readonly Blamed[]; readonly now: number }): JSX.Element {
  return (
    <ul className="c-codes">
      {codes.map((blamed) => (
        <li key={blamed.code}>
          <div className="c-codes-head">
            <button type="button" className="c-link" onClick={() => setParams({ code: blamed.code })}>
              <code>{blamed.code}</code>
            </button>
            <span className="c-party">{named(PARTIES, blamed.party)}</span>
          </div>
          <p className="c-codes-counts">
            <strong>{many(blamed.count, "time")}</strong> in {many(blamed.sessions, "session")}
            {blamed.ended > 0 && <span className="c-codes-ended">, {many(blamed.ended, "session")} ended</span>}
            <span className="c-note">
              {" "}
              first {clock(blamed.first)}, last {short(Math.max(0, now - blamed.last))} ago
            </span>
          </p>
          <p>{blamed.message}</p>
          {blamed.remedy !== "" && <Remedy text={blamed.remedy} />}
        </li>
      ))}
    </ul>
  );
}

function Newest({ faults }: { readonly faults: readonly FaultSeen[] }): JSX.Element {
  const newest = faults.slice(-NEWEST).reverse();
  return (
    <section className="c-figure" aria-labelledby="newest-faults">
      <h2 id="newest-faults">{faults.length > NEWEST ? `The newest ${NEWEST}` : "One by one"}</h2>
      <ol className="c-newest">
        {newest.map((fault) => (
          <li key={fault.id}>
            <span className="c-time">{clock(fault.at)}</span>
            <code>{fault.code}</code>
            {fault.session != null && (
              <a className="r-id" href={`#/session/${encodeURIComponent(fault.session)}`}>
                {fault.session}
              </a>
            )}
            <span className="c-note">{(fault.evidence ?? []).join("; ")}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
