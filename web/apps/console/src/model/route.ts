/**
 * Where somebody is in the console, as the address says it: `#/session/abc?t=12.4`.
 *
 * What lives here: reading and writing addresses. What never will: what a filter means (`list.ts`).
 */

export const VIEWS = ["sessions", "latency", "faults", "cost", "setup"] as const;
export type View = (typeof VIEWS)[number];
export type Params = Readonly<Record<string, string>>;

export type Route =
  | { readonly view: View; readonly params: Params }
  | { readonly view: "session"; readonly id: string; readonly params: Params };

const KNOWN: ReadonlySet<string> = new Set(VIEWS);

/** An address that leads nowhere leads to the list. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const params = Object.fromEntries(new URLSearchParams(query));
  const [view = "", id = ""] = path.split("/");
  if (view === "session" && id !== "") return { view, id: decoded(id), params };
  return { view: KNOWN.has(view) ? (view as View) : "sessions", params };
}

export function address(route: Route): string {
  const path = route.view === "session" ? `session/${encodeURIComponent(route.id)}` : route.view;
  const query = new URLSearchParams(route.params).toString();
  return `#/${path}${query === "" ? "" : `?${query}`}`;
}

/** The same place with other parameters; an empty one is left out. */
export function changed(route: Route, params: Readonly<Record<string, string | undefined>>): Route {
  const all = Object.entries({ ...route.params, ...params });
  const kept = all.filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== "");
  return { ...route, params: Object.fromEntries(kept) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
