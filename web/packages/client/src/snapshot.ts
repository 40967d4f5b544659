/**
 * The transcript after a break that could not be bridged: what the gateway remembers, and what only this page does.
 *
 * What lives here: merging the two, in one order. What never will: earlier sessions (they stand above a divider).
 */

import type { SnapshotItem } from "./protocol";
import type { Entry, Speech } from "./state";

/**
 * The gateway's items are the truth about their words and their order. What else this page shows (gaps, notes, a
 * sentence on its way) keeps its place after what it stood behind; speech that the gateway lost is marked.
 */
export function rebuilt(entries: readonly Entry[], items: readonly SnapshotItem[], at: number): readonly Entry[] {
  const divider = entries.findLastIndex((entry) => entry.kind === "divider");
  const ours = entries.slice(divider + 1);
  const shown = new Map<Entry, Speech>();
  const result: Entry[] = items.flatMap((item) => {
    const before = ours.find((entry) => isSame(entry, item) && !shown.has(entry));
    const said = speech(item, before, at);
    if (said !== undefined && before !== undefined) shown.set(before, said);
    return said ?? [];
  });
  let place = 0;
  for (const entry of ours) {
    const said = shown.get(entry);
    if (said === undefined) result.splice(place, 0, forgotten(entry));
    place = said === undefined ? place + 1 : result.indexOf(said) + 1;
  }
  return [...entries.slice(0, divider + 1), ...result];
}

/** A typed sentence got its name here; the gateway calls it otherwise. */
function isSame(entry: Entry, item: SnapshotItem): boolean {
  return entry.id === item.id || (item.role === "user" && isTyped(entry.id) && "text" in entry && entry.text === item.text);
}

/** Before the name that this page gave. */
export const TYPED = "typed:";

export function isTyped(id: string): boolean {
  return id.startsWith(TYPED);
}

function speech(item: SnapshotItem, before: Entry | undefined, at: number): Speech | undefined {
  const { id, role, text = "", final = true, status } = item;
  if ((role !== "user" && role !== "assistant") || (text === "" && before === undefined)) return undefined;
  const blank = { at, typed: false, responseId: undefined, status: undefined, cut: undefined };
  const kept = before?.kind === role ? before : blank;
  return { ...kept, kind: role, id, text, final, status: (status as Speech["status"]) ?? kept.status };
}

function forgotten(entry: Entry): Entry {
  if ((entry.kind !== "user" && entry.kind !== "assistant") || isTyped(entry.id)) return entry;
  return { ...entry, final: true, status: "forgotten" };
}
