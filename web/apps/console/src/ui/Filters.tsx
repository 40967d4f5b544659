/**
 * What narrows the list of sessions, all of it in the address; and the list as a file.
 *
 * What lives here: the controls. What never will: what passes (`model/list.ts`).
 */

import { useMemo, type JSX } from "react";
import { PARTIES, SORT_NAMES, SOURCES, STATES, named } from "./words";
import { choices, SORTS, type Listed } from "../model/list";
import { NARROW, setParams, useMedia, useRoute, useTold } from "./hooks";
import { Choice, saveCsv } from "./parts";
import { PLACES } from "../api";

const FIELDS = ["q", "state", "source", "upstream", "party"] as const;
const FILE_COLUMNS = [
  "id", "source", "customer", "state", "attention", "why", "upstream", "model", "began", "ended", "turns",
  "silence ms", "cost", "faults", "last fault", "party", ...PLACES,
];

/** In a narrow window sessions have the room, and filters stand behind a word. */
export function Filters({ list }: { readonly list: Listed }): JSX.Element {
  const { params } = useRoute();
  const narrow = useMedia(NARROW);
  if (!narrow) return <Fields list={list} />;
  const set = [...FIELDS, "sort"].filter((field) => params[field] !== undefined).length;
  return (
    <details className="c-narrow-filters">
      <summary>Filter and order{set > 0 ? ` (${set})` : ""}</summary>
      <Fields list={list} />
    </details>
  );
}

function Fields({ list }: { readonly list: Listed }): JSX.Element {
  const { params } = useRoute();
  const rows = useTold((state) => state.rows);
  const upstreams = useMemo(() => choices(rows, (row) => row.upstream?.name), [rows]);
  const filtered = FIELDS.some((field) => params[field] !== undefined);
  const any = (name: string): readonly [string, string] => ["", name];
  return (
    <form className="c-filters" role="search" aria-label="Filter sessions" onSubmit={(event) => event.preventDefault()}>
      <label className="c-choice c-search">
        <span>Find</span>
        <input
          type="search"
          value={params["q"] ?? ""}
          placeholder="id, customer, model, fault"
          onChange={(event) => setParams({ q: event.target.value })}
        />
      </label>
      <Choice
        label="State"
        value={params["state"] ?? ""}
        options={[any("all"), ["running", "running"], ...Object.entries(STATES)]}
        onChoose={(state) => setParams({ state })}
      />
      <Choice
        label="Came by"
        value={params["source"] ?? ""}
        options={[any("any door"), ...Object.entries(SOURCES)]}
        onChoose={(source) => setParams({ source })}
      />
      <Choice
        label="Upstream"
        value={params["upstream"] ?? ""}
        options={[any("any"), ...upstreams.map((name): readonly [string, string] => [name, name])]}
        onChoose={(upstream) => setParams({ upstream })}
      />
      <Choice
        label="Last fault"
        value={params["party"] ?? ""}
        options={[any("anybody’s"), ...Object.keys(PARTIES).map((party) => [party, named(PARTIES, party)] as const)]}
        onChoose={(party) => setParams({ party })}
      />
      <Choice
        label="Order"
        value={params["sort"] ?? "attention"}
        options={SORTS.map((sort) => [sort, SORT_NAMES[sort]])}
        onChoose={(sort) => setParams({ sort: sort === "attention" ? "" : sort })}
      />
      <div className="c-filter-ends">
        {filtered && (
          <button
            type="button"
            className="c-button c-small"
            onClick={() => setParams(Object.fromEntries(FIELDS.map((field) => [field, ""])))}
          >
            Clear
          </button>
        )}
        <button type="button" className="c-button c-small" onClick={() => saveCsv("holdfast-sessions", FILE_COLUMNS, file(list))}>
          CSV<span className="c-vh"> of these sessions</span>
        </button>
      </div>
    </form>
  );
}

function file(list: Listed): (string | number | null | undefined)[][] {
  return list.items
    .filter((item) => item.kind === "row")
    .map(({ row }) => [
      row.id,
      row.source,
      row.customer,
      row.state,
      row.attention,
      row.why,
      row.upstream?.name,
      row.upstream?.model,
      new Date(row.beganAt).toISOString(),
      row.endedAt == null ? null : new Date(row.endedAt).toISOString(),
      row.turns,
      row.silence_ms,
      row.cost_usd,
      row.faults,
      row.lastFault?.code,
      row.lastFault?.party,
      ...PLACES.map((place) => row.health[place]),
    ]);
}
