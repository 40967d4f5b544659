/**
 * What the conversations cost, with what nobody heard and what was said twice apart.
 *
 * What lives here: the sums and where they come from. What never will: prices.
 */

import { useMemo, type JSX } from "react";
import type { Cost } from "../api";
import { minute, money } from "../model/format";
import { linear, path, ticks } from "../model/plot";
import type { SeenRow } from "../model/state";
import { Figure, Hours, Rules } from "./Figure";
import { useTitle, useTold } from "./hooks";
import { Fact } from "./parts";
import { many } from "./words";

const LEFT = 64;
const HEIGHT = 180;
const FOOT = 24;
const TOP = 20;

export function CostPage(): JSX.Element {
  const cost = useTold((state) => state.cost);
  const spent = useTold((state) => state.spent);
  useTitle("Cost · Holdfast console");
  if (cost === undefined) {
    return (
      <>
        <h1 className="c-headline">Nothing is known of cost yet.</h1>
        <p className="c-empty">The first answered turn of an upstream with a known price appears here.</p>
      </>
    );
  }
  return (
    <>
      <h1 className="c-headline">
        {money(cost.today, cost.currency)} today, {money(cost.perMinute, cost.currency)} a minute now.
      </h1>
      <Sums cost={cost} />
      <Spent spent={spent} currency={cost.currency} />
      <Dearest currency={cost.currency} />
    </>
  );
}

function share(part: number, whole: number): string {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} % of today` : "";
}

function Sums({ cost }: { readonly cost: Cost }): JSX.Element {
  const { currency, today, rebuilt, wasted } = cost;
  return (
    <dl className="c-sums">
      <Fact name="Today">
        {cost.estimated === true && "≈ "}
        {money(today, currency)}
        <small>{cost.estimated === true ? "in part estimated: some upstreams don’t tell what they used" : "as the upstreams told it"}</small>
      </Fact>
      {(cost.unpriced ?? 0) > 0 && (
        <Fact name="Not counted" tone="unsure">
          {many(cost.unpriced ?? 0, "response")}
          <small>of models without a known price</small>
        </Fact>
      )}
      <Fact name="Rebuilt">
        {money(rebuilt, currency)}
        <small>{share(rebuilt, today)}: told again to a fresh upstream after a loss</small>
      </Fact>
      <Fact name="Wasted">
        {money(wasted, currency)}
        <small>{share(wasted, today)}: generated, and never heard</small>
      </Fact>
    </dl>
  );
}

function Spent({
  spent,
  currency,
}: {
  readonly spent: readonly { readonly at: number; readonly perMinute: number }[];
  readonly currency: string;
}): JSX.Element {
  const rows = spent.map(({ at, perMinute }) => [new Date(at).toISOString(), perMinute]);
  return (
    <Figure
      id="spent"
      title="Cost a minute"
      note="Since this page was opened, an hour at most."
      table={{ columns: ["time", `${currency} a minute`], rows }}
    >
      {(width) => {
        const from = spent[0]?.at ?? 0;
        const to = Math.max(spent.at(-1)?.at ?? 0, from + 300_000);
        const last = spent.at(-1);
        const values = ticks(Math.max(0.0001, ...spent.map(({ perMinute }) => perMinute)), 3);
        const x = linear(from, to, LEFT, width - 10);
        const y = linear(0, values.at(-1) ?? 1, HEIGHT - FOOT, 10);
        return (
          <svg width={width} height={HEIGHT} role="img" aria-label={`Cost a minute since ${minute(from)}; as a table by its button`}>
            <Rules values={values} y={y} left={LEFT} right={width} name={(value) => money(value, currency)} />
            <Hours from={from} to={to} x={x} y={HEIGHT - 6} wanted={Math.max(2, Math.floor(width / 110))} />
            <path className="p-line p-line-p50" d={path(spent.map(({ at, perMinute }) => [x(at), y(perMinute)]))} />
            {last !== undefined && <circle className="p-bar" cx={x(last.at)} cy={y(last.perMinute)} r={4} />}
          </svg>
        );
      }}
    </Figure>
  );
}

function dearest(rows: ReadonlyMap<string, SeenRow>): readonly SeenRow[] {
  const known = [...rows.values()].filter(({ cost_usd: cost }) => (cost ?? 0) > 0);
  return known.sort((one, other) => (other.cost_usd ?? 0) - (one.cost_usd ?? 0)).slice(0, TOP);
}

function Dearest({ currency }: { readonly currency: string }): JSX.Element {
  const rows = useTold((state) => state.rows);
  const top = useMemo(() => dearest(rows), [rows]);
  const most = top[0]?.cost_usd ?? 1;
  const cells = top.map((row) => [row.id, row.customer, row.upstream?.name, row.upstream?.model, row.turns, row.cost_usd]);
  const columns = ["session", "customer", "upstream", "model", "turns", currency];
  return (
    <Figure id="dearest" title="The most expensive conversations" note="Of those in the list." table={{ columns, rows: cells }}>
      {() => (
        <ol className="c-dearest">
          {top.map((row) => (
            <li key={row.id}>
              <a href={`#/session/${encodeURIComponent(row.id)}`} className="r-id">
                {row.id}
              </a>
              <meter min={0} max={most} value={row.cost_usd ?? 0} aria-label={`Cost of ${row.id}`} />
              <span className="r-number">{money(row.cost_usd, currency)}</span>
              <span className="c-note">{row.upstream?.model ?? row.upstream?.name}</span>
            </li>
          ))}
        </ol>
      )}
    </Figure>
  );
}
