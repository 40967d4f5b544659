import { describe, expect, it } from "vitest";
import {
  entryAt, extent, faultStops, levelAt, next, parts, shownLane, stops, turnAt, widthOf, windowAround, zoomed,
} from "../src/model/timeline";
import { row, session } from "./told";

describe("walking", () => {
  const document = session();

  it("stops at each mark once and stays at the ends", () => {
    const marks = stops(document);
    expect(marks).toEqual([0, 2_000, 3_400, 4_000]);
    expect(next(marks, 2_000, 1)).toBe(3_400);
    expect(next(marks, 2_000, -1)).toBe(0);
    expect(next(marks, 4_000, 1)).toBe(4_000);
    expect(next(marks, 0, -1)).toBe(0);
    expect(next(faultStops(document), 0, 1)).toBe(3_400);
  });

  it("says what stands at a place", () => {
    expect(entryAt(document.timeline, 3_399)).toBe(1);
    expect(entryAt(document.timeline, 3_400)).toBe(2);
    expect(entryAt([], 5)).toBe(-1);
    expect(turnAt(document.turns, 1_999)).toBeUndefined();
    expect(turnAt(document.turns, 2_000)?.n).toBe(1);
    expect(levelAt([{ t_ms: 0, held_ms: 1 }, { t_ms: 1_000, held_ms: 2 }], 999)?.held_ms).toBe(1);
  });

  it("puts what no lane knows beside the faults", () => {
    expect(shownLane({ t_ms: 0, lane: "loss", kind: "loss", text: "" })).toBe("fault");
    expect(shownLane({ t_ms: 0, lane: "something new", kind: "x", text: "" })).toBe("fault");
  });
});

describe("the axis", () => {
  it("ends now while the session runs, at its end afterwards, and behind its last mark at least", () => {
    expect(extent(session(), 61_000)).toBe(60_000);
    expect(extent(session({ row: row("s1", { state: "ended", endedAt: 21_000 }) }), 61_000)).toBe(20_000);
    expect(extent(session(), 0)).toBe(10_000);
    expect(extent(session({ timeline: [], turns: [] }), 0)).toBe(1_000);
  });

  it("shows all of a short session, two minutes of a long one, and stays within it", () => {
    expect(widthOf(undefined, 60_000)).toBe(60_000);
    expect(widthOf(undefined, 3_600_000)).toBe(120_000);
    expect(widthOf("all", 3_600_000)).toBe(3_600_000);
    expect(widthOf("30", 3_600_000)).toBe(30_000);
    expect(widthOf("99999", 60_000)).toBe(60_000);
    expect(windowAround(5_000, 20_000, 60_000)).toEqual({ from: 0, to: 20_000 });
    expect(windowAround(59_000, 20_000, 60_000)).toEqual({ from: 40_000, to: 60_000 });
    expect(windowAround(30_000, 20_000, 60_000)).toEqual({ from: 20_000, to: 40_000 });
  });

  it("comes closer by halves, and back to all of it", () => {
    expect(zoomed(60_000, 60_000, 1)).toBe("30");
    expect(zoomed(3_000, 60_000, 1)).toBe("2");
    expect(zoomed(20_000, 60_000, -1)).toBe("40");
    expect(zoomed(30_000, 60_000, -1)).toBe("all");
  });
});

it("cuts a silence into parts that begin at the user's last word and add up to it", () => {
  const cut = parts(session().turns);
  expect(cut).toEqual([
    { turn: 1, name: "endpointing", from: 3_000, ms: 400 },
    { turn: 1, name: "thinking", from: 3_400, ms: 600 },
  ]);
  expect(cut.reduce((sum, { ms }) => sum + ms, 0)).toBe(session().turns[0]?.silenceMs);
});
