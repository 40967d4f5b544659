import { describe, expect, it } from "vitest";
import { filters, key, listed, type Item } from "../src/model/list";
import { row, seen } from "./told";

function names(items: readonly Item[]): string[] {
  return items.map((item) => (item.kind === "band" ? `${item.band} ${item.count}` : item.row.id));
}

const ROWS = seen(
  row("well", { attention: 3, beganAt: 10 }),
  row("newer", { attention: 3, beganAt: 20 }),
  row("worst", { attention: 90 }),
  row("bad", { attention: 61, state: "ended" }),
  row("unsure", { attention: 30, state: "away" }),
  row("over", { state: "ended", attention: 25, cost_usd: 2 }),
);

describe("order", () => {
  it("puts who needs somebody first, also the ended ones, in bands with their counts", () => {
    expect(names(listed(ROWS, filters({}), undefined).items)).toEqual([
      "needs 2", "worst", "bad", "unsure 1", "unsure", "well 2", "newer", "well", "ended 1", "over",
    ]);
  });

  it("has other orders without bands", () => {
    expect(names(listed(ROWS, filters({ sort: "cost" }), undefined).items)[0]).toBe("over");
    expect(listed(ROWS, filters({ sort: "no such" }), undefined).items[0]?.kind).toBe("band");
  });

  it("stands still while it is held; what is new comes behind, and it says that rows would move", () => {
    const held = listed(ROWS, filters({}), undefined).items.map(key);
    const changed = new Map(ROWS);
    changed.set("newer", { ...changed.get("newer")!, attention: 99 });
    changed.set("fresh", { ...changed.get("well")!, id: "fresh", attention: 80 });
    changed.delete("bad");
    const list = listed(changed, filters({}), held);
    expect(names(list.items)).toEqual([
      "needs 3", "worst", "unsure 1", "unsure", "well 1", "newer", "well", "ended 1", "over", "fresh",
    ]);
    expect(list.displaced).toBeGreaterThan(0);
    expect(listed(ROWS, filters({}), held).displaced).toBe(0);
  });
});

describe("filters", () => {
  const found = (params: Record<string, string>, rows = ROWS): string[] =>
    names(listed(rows, filters({ sort: "began", ...params }), undefined).items).sort();

  it("narrow by state, source, upstream, party and text", () => {
    expect(found({ state: "running" })).toEqual(["newer", "unsure", "well", "worst"]);
    expect(found({ state: "away" })).toEqual(["unsure"]);
    expect(found({ source: "call" })).toEqual([]);
    expect(found({ upstream: "openai", q: "WORST" })).toEqual(["worst"]);
    const fault = { code: "provider.stalled", party: "provider", message: "" };
    const rows = seen(row("a", { lastFault: fault }), row("b"));
    expect(found({ party: "provider" }, rows)).toEqual(["a"]);
    expect(found({ q: "stalled" }, rows)).toEqual(["a"]);
    expect(found({ q: "c-…07" }, rows)).toEqual(["a", "b"]);
  });
});
