/**
 * Which sessions are shown, and in which order.
 *
 * What lives here: filters, orders, bands. What never will: how a row looks.
 */

import type { Params } from "./route";
import type { SeenRow } from "./state";

/** From here on somebody should look. */
export const NEEDS = 60;
/** From here on it is not sure that all is well. */
export const UNSURE = 20;

export const BANDS = ["needs", "unsure", "well", "ended"] as const;
export type Band = (typeof BANDS)[number];

export const SORTS = ["attention", "began", "silence", "cost", "faults", "turns"] as const;
export type Sort = (typeof SORTS)[number];

/** Two rows of the screen in one list: a band's name, or a session. */
export type Item =
  | { readonly kind: "band"; readonly band: Band; readonly count: number }
  | { readonly kind: "row"; readonly row: SeenRow };

export interface Listed {
  readonly items: readonly Item[];
  readonly rows: number;
  /** How many rows would stand elsewhere if the order were not held. */
  readonly displaced: number;
}

export function band(row: SeenRow): Band {
  if (row.attention >= NEEDS) return "needs";
  if (row.state === "ended") return "ended";
  return row.attention >= UNSURE ? "unsure" : "well";
}

/** What the address says of filters. */
export interface Filters {
  readonly text: string;
  readonly state: string;
  readonly source: string;
  readonly upstream: string;
  readonly party: string;
  readonly sort: Sort;
}

export function filters(params: Params): Filters {
  const sort = SORTS.find((each) => each === params["sort"]) ?? "attention";
  return {
    text: (params["q"] ?? "").trim().toLowerCase(),
    state: params["state"] ?? "",
    source: params["source"] ?? "",
    upstream: params["upstream"] ?? "",
    party: params["party"] ?? "",
    sort,
  };
}

function passes(row: SeenRow, by: Filters): boolean {
  if (by.state === "running" ? row.state === "ended" : by.state !== "" && row.state !== by.state) return false;
  if (by.source !== "" && row.source !== by.source) return false;
  if (by.upstream !== "" && row.upstream?.name !== by.upstream) return false;
  if (by.party !== "" && row.lastFault?.party !== by.party) return false;
  if (by.text === "") return true;
  const words = [row.id, row.customer ?? "", row.why, row.upstream?.model ?? "", row.lastFault?.code ?? ""];
  return words.some((word) => word.toLowerCase().includes(by.text));
}

const RANKS: Readonly<Record<Band, number>> = { needs: 0, unsure: 1, well: 2, ended: 3 };

const ORDERS: Readonly<Record<Sort, (one: SeenRow, other: SeenRow) => number>> = {
  attention: (one, other) => RANKS[band(one)] - RANKS[band(other)] || other.attention - one.attention,
  began: (one, other) => other.beganAt - one.beganAt,
  silence: (one, other) => (other.silence_ms ?? -1) - (one.silence_ms ?? -1),
  cost: (one, other) => (other.cost_usd ?? -1) - (one.cost_usd ?? -1),
  faults: (one, other) => other.faults - one.faults,
  turns: (one, other) => other.turns - one.turns,
};

/** What an item is called in a held order. */
export function key(item: Item): string {
  return item.kind === "band" ? `band ${item.band}` : item.row.id;
}

/** Rows that pass, in order; what a held order has stays where it is, bands too, and what is new comes behind it. */
export function listed(
  rows: ReadonlyMap<string, SeenRow>,
  by: Filters,
  held: readonly string[] | undefined,
): Listed {
  const compare = ORDERS[by.sort];
  const passing = [...rows.values()].filter((row) => passes(row, by));
  passing.sort(
    (one, other) => compare(one, other) || other.beganAt - one.beganAt || (one.id < other.id ? -1 : 1),
  );
  const items = by.sort === "attention" ? banded(passing) : passing.map(item);
  if (held === undefined) return { items, rows: passing.length, displaced: 0 };
  const shown = inPlace(items, held);
  const before = shown.filter(({ kind }) => kind === "row");
  const after = items.filter(({ kind }) => kind === "row");
  const displaced = before.filter((each, at) => key(each) !== key(after[at] ?? each)).length;
  return { items: shown, rows: passing.length, displaced };
}

function inPlace(items: readonly Item[], held: readonly string[]): readonly Item[] {
  const fresh = new Map(items.map((each) => [key(each), each]));
  const kept: Item[] = [];
  for (const name of held) {
    const found = fresh.get(name);
    if (found !== undefined) kept.push(found);
    fresh.delete(name);
  }
  return [...kept, ...[...fresh.values()].filter(({ kind }) => kind === "row")];
}

function item(row: SeenRow): Item {
  return { kind: "row", row };
}

function banded(rows: readonly SeenRow[]): readonly Item[] {
  const counts = new Map<Band, number>();
  for (const row of rows) counts.set(band(row), (counts.get(band(row)) ?? 0) + 1);
  const items: Item[] = [];
  let open: Band | undefined;
  for (const row of rows) {
    const its = band(row);
    if (its !== open) items.push({ kind: "band", band: its, count: counts.get(its) ?? 0 });
    open = its;
    items.push(item(row));
  }
  return items;
}

/** What can be chosen in a filter: the words that rows bear now. */
export function choices(rows: ReadonlyMap<string, SeenRow>, of: (row: SeenRow) => string | undefined): readonly string[] {
  const words = new Set<string>();
  for (const row of rows.values()) {
    const word = of(row);
    if (word !== undefined) words.add(word);
  }
  return [...words].sort();
}
